"""Which runs a model has come of: the one that made it, the one that made what that began from, and so on."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from zoo.errors import StoreInvalid
from zoo.runs.result import MANIFEST, ResultManifest
from zoo.runs.store import RunFolder, maker_of


def makers(model: str) -> Iterator[RunFolder]:
    """The runs that a model has come of, the one that made it first; none for a model that comes with a plugin.

    Args:
        model: its name, without that of its plugin.

    Raises:
        StoreInvalid: one of them cannot be read.
    """
    visited: set[str] = set()  # names may have been given anew: a run may seem to descend from itself
    while model and model not in visited:
        visited.add(model)
        folder = maker_of(model)
        if not folder.request_path.exists():
            return
        yield folder
        model = parent_of(folder)


def parent_of(folder: RunFolder) -> str:
    """Name of the model that the result of a run began from; where one of several was picked, of that one, and empty
    as long as none is.

    Args:
        folder: of the run.

    Raises:
        StoreInvalid: it cannot be read.
    """
    request = folder.request
    if request.verb != "pick":
        return request.model.removeprefix(f"{request.plugin}/")
    path = folder.model_folder / MANIFEST
    if not path.exists():
        return ""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ResultManifest).parent
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreInvalid(f"{path} cannot be read: {error}", f"pick one anew: zoo rm {folder.name}") from error
