"""Results of several sources: a folder for each head that is whole in itself, while the disk holds the body once.

model/heads/sentiment/model.safetensors.index.json   which tensor is in which file, as transformers has it
                      body.safetensors               the same file in all heads: hard links
                      head.safetensors
                      config.json ...
"""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

from zoo.hub_config import INDEX, WEIGHTS
from zoo.runs.result import MANIFEST

BODY_FILE, HEAD_FILE = "body.safetensors", "head.safetensors"
BODY_NAMES = "body_names"
"""Entry of an index: names of the head's tensors to those in the file of the body, where these differ, as those of a
network of torchvision do that is a backbone. Only zoo reads it."""


def merge(head: Path, target: Path) -> None:
    """Write the folder of a head as if it were the only one: its tensors in one file.

    Args:
        head: of a result; the folder of a result with one head is written as it is, but for the manifest.
        target: does not exist.
    """
    target.mkdir()
    with contextlib.ExitStack() as on_error:
        on_error.callback(shutil.rmtree, target, ignore_errors=True)
        parts = [head / name for name in (BODY_FILE, HEAD_FILE) if (head / name).exists()]
        replaced = (BODY_FILE, HEAD_FILE, INDEX) if parts else ()
        shutil.copytree(head, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST, *replaced))
        if parts:
            names = json.loads((head / INDEX).read_bytes()).get(BODY_NAMES, {})
            _merge_tensors(parts, target / WEIGHTS, {stored: name for name, stored in names.items()})
        on_error.pop_all()


def _merge_tensors(parts: list[Path], target: Path, names: dict[str, str]) -> None:
    """Join files of tensors: a header that says where each is, and their bytes one after the other.

    The format is that of https://github.com/huggingface/safetensors#format.

    Args:
        parts: the files.
        target: does not exist.
        names: of tensors that have other names in a part.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    starts, offset = [], 0
    for part in parts:
        with part.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            of_part = json.loads(file.read(length))
        of_part.pop("__metadata__", None)
        for name, tensor in of_part.items():
            begin, end = tensor["data_offsets"]
            header[names.get(name, name)] = tensor | {"data_offsets": [begin + offset, end + offset]}
        starts.append(8 + length)
        offset += max((tensor["data_offsets"][1] for tensor in of_part.values()), default=0)
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    with target.open("wb") as merged:
        merged.write(len(encoded).to_bytes(8, "little") + encoded)
        for part, start in zip(parts, starts, strict=True):
            with part.open("rb") as file:
                file.seek(start)
                shutil.copyfileobj(file, merged, 1 << 20)
