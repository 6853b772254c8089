"""Taking a model into the catalog that is a file on this machine: a GGUF file, which says all of itself."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from zoo import hub_models
from zoo.adoption import plain_name, save_claimed, unused_name
from zoo.card import Card, WeightsFile
from zoo.catalog import Catalog
from zoo.errors import OptionInvalid
from zoo.fetch.verify import digest_of
from zoo.gguf import GgufHeader, read_gguf
from zoo.hub_models import CONFIG, HubModel

SUFFIX = ".gguf"
MOST_VALUES = 64
"""Of a list that is noted down; those of the tokenizer are longer, and stay in the file."""


def is_model_file(text: str) -> bool:
    """Whether a person names a file here, rather than a model."""
    return text.lower().endswith(SUFFIX)


def adopt_file(text: str) -> Card:
    """Put a model into the catalog, its file where it is; one that is there already is found.

    Args:
        text: path of a GGUF file.

    Raises:
        OptionInvalid: there is no such file.
        StoreInvalid: it is damaged.
        Unsupported: no plugin can serve it.
    """
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        raise OptionInvalid(f"there is no file {path}", "give the path of a GGUF file, or hub:owner/name")
    header = read_gguf(path)
    digest = digest_of(path)
    for known in hub_models.saved():
        if known.folder == str(path.parent) and known.files[0].sha256 == digest:
            return Catalog.load().resolve(f"{known.plugin}/{known.name}")
    model = HubModel(
        name=_new_name(path, digest),
        plugin="",
        folder=str(path.parent),
        files=(WeightsFile(name=path.name, sha256=digest, size_bytes=path.stat().st_size),),
        documents={CONFIG: _config(header)},
        parameters=sum(math.prod(tensor.shape) for tensor in header.tensors.values()),
        license=str(header.metadata.get("general.license", "")),
    )
    return save_claimed(model)


def _config(header: GgufHeader) -> dict[str, Any]:
    """What stands in the place of `config.json`: what the file says, without its long lists, and shapes of tensors."""
    metadata = {
        key: value for key, value in header.metadata.items() if not isinstance(value, list) or len(value) <= MOST_VALUES
    }
    tensors = {name: tensor.shape for name, tensor in header.tensors.items()}
    architecture = header.metadata.get("general.architecture", "none")
    return {"gguf": {"architecture": architecture, "metadata": metadata, "tensors": tensors}}


def _new_name(path: Path, digest: str) -> str:
    stem = plain_name(path.stem)
    return unused_name((stem, f"{stem}-{digest[:8]}")) or f"gguf-{digest[:16]}"
