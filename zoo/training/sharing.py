"""Results of several sources: what their heads have in common is written once; see `zoo.runs.heads`."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from zoo.hub_config import INDEX, WEIGHTS
from zoo.runs.heads import BODY_FILE, HEAD_FILE
from zoo.runs.result import HEADS


def share(folder: Path) -> None:
    """Let the heads of a result share what is the same in all of them to the bit: tensors, and other files.

    Args:
        folder: of the result; each head was written as if it were the only one.
    """
    heads = sorted((folder / HEADS).iterdir())
    if all((head / WEIGHTS).exists() for head in heads):
        _share_tensors(heads)
    first, *others = heads
    for path in [path for path in first.rglob("*") if path.is_file()]:
        twins = [head / path.relative_to(first) for head in others]
        if all(twin.is_file() and twin.read_bytes() == path.read_bytes() for twin in twins):
            for twin in twins:
                _link(path, twin)


def _share_tensors(heads: list[Path]) -> None:
    """Divide the tensors of each head into those that all have alike, and its own."""
    states = [load_file(head / WEIGHTS) for head in heads]
    first, *others = states
    common = {
        name: tensor
        for name, tensor in first.items()
        if all(name in other and torch.equal(tensor, other[name]) for other in others)
    }
    for number, (head, state) in enumerate(zip(heads, states, strict=True)):
        own = {name: tensor for name, tensor in state.items() if name not in common}
        if number == 0:
            save_file(common, head / BODY_FILE, metadata={"format": "pt"})
        else:
            _link(heads[0] / BODY_FILE, head / BODY_FILE)
        save_file(own, head / HEAD_FILE, metadata={"format": "pt"})
        index = {
            "metadata": {"total_size": sum(tensor.nbytes for tensor in state.values())},
            "weight_map": {name: BODY_FILE if name in common else HEAD_FILE for name in sorted(state)},
        }
        (head / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    for head in heads:
        (head / WEIGHTS).unlink()


def _link(path: Path, twin: Path) -> None:
    """Let a second name stand for a file; a copy where the file system has no such links."""
    twin.unlink(missing_ok=True)
    try:
        os.link(path, twin)
    except OSError:
        shutil.copy2(path, twin)
