"""What comes before bytes are received: names that stay in their folder, room on the disk, and what is here already."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

from zoo.card import RemoteSource, Weights, WeightsFile
from zoo.disk import cause_of, error_path, is_full, megabytes
from zoo.errors import ChecksumMismatch, DownloadFailed
from zoo.fetch.places import hub_cache, partial_folder_of, partial_of, place_of
from zoo.fetch.verify import verify


def is_whole(folder: Path, file: WeightsFile) -> bool:
    """Whether the file is here and is the right one; a damaged one is named, and taken for none."""
    if not (folder / file.name).exists():
        return False
    try:
        verify(folder, file)
    except ChecksumMismatch as error:
        logging.getLogger(__name__).warning("%s; it is fetched again", error.message)
        return False
    return True


def received_bytes(source: RemoteSource, weights: Weights) -> dict[str, int]:
    """Bytes of each file that are here, whole or in part."""
    sizes = {}
    for file in weights.files:
        paths = (place_of(source) / file.name, partial_of(partial_folder_of(source), file.name))
        sizes[file.name] = next((path.stat().st_size for path in paths if path.exists()), 0)
    return sizes


def check_name(folder: Path, name: str) -> None:
    """Raise DownloadFailed where a file's name leads out of the folder it belongs to."""
    if not (folder / name).absolute().is_relative_to(folder.absolute()) or ".." in Path(name).parts:
        raise DownloadFailed(f"{name!r} leads out of {folder}", "the card is not to be trusted")


def check_pinned(file: WeightsFile, origin: str) -> None:
    """Raise DownloadFailed where nothing says what a file must hold.

    Args:
        file: the file.
        origin: where it would come from, as messages name it.
    """
    if not file.pin:
        raise DownloadFailed(
            f"{origin}: the card names no sha256, so the file cannot be trusted", "the plugin's card must name one"
        )


def check_space(source: RemoteSource, weights: Weights, *, copies: int = 1) -> None:
    """Raise DownloadFailed where the disk has no room for what is missing.

    Args:
        source: where from.
        weights: what is fetched.
        copies: how often their bytes stand on the disk before they are published.
    """
    folder, here = place_of(source), received_bytes(source, weights)
    missing = sum(max(0, (file.size_bytes or file.about_bytes or 0) - here[file.name]) for file in weights.files)
    free = shutil.disk_usage(folder).free
    if missing * copies > free:
        meanwhile = " while they are unpacked" if copies > 1 else ""
        raise DownloadFailed(
            f"{folder} has {megabytes(free)} free, the weights need {megabytes(missing * copies)}{meanwhile}",
            _way_to_room(folder),
        )


@contextlib.contextmanager
def disk_errors_as_zoo_errors(folder: Path) -> Iterator[None]:
    """A disk that is full or may not be written to is a download that failed."""
    try:
        yield
    except OSError as error:
        path = error_path(error) or folder
        hint = _way_to_room(folder) if is_full(error) else "look at the disk and its permissions"
        raise DownloadFailed(cause_of(error, path).reason, hint) from error


def _way_to_room(folder: Path) -> str:
    return "make room, or set HF_HOME to another disk" if folder.is_relative_to(hub_cache()) else "make room"
