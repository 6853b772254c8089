"""Results of several sources: what their heads have in common is written once; see `zoo.runs.heads`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from zoo.hub_config import INDEX, WEIGHTS
from zoo.runs.heads import BODY_FILE, BODY_NAMES, HEAD_FILE
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
    digests = [{name: _digest(tensor) for name, tensor in state.items()} for state in states]
    twins = [_twins(digests[0], of_head) for of_head in digests]
    common = [name for name in states[0] if all(name in of_head for of_head in twins)]
    for number, (head, state) in enumerate(zip(heads, states, strict=True)):
        of_body = {twins[number][name]: name for name in common}
        if number == 0:
            save_file({name: state[name] for name in common}, head / BODY_FILE, metadata={"format": "pt"})
        else:
            _link(heads[0] / BODY_FILE, head / BODY_FILE)
        own = {name: tensor for name, tensor in state.items() if name not in of_body}
        save_file(own, head / HEAD_FILE, metadata={"format": "pt"})
        index = {
            "metadata": {"total_size": sum(tensor.nbytes for tensor in state.values())},
            "weight_map": {name: BODY_FILE if name in of_body else HEAD_FILE for name in sorted(state)},
        }
        if any(name != stored for name, stored in of_body.items()):
            index[BODY_NAMES] = of_body
        (head / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    for head in heads:
        (head / WEIGHTS).unlink()


def _digest(tensor: torch.Tensor) -> tuple[torch.dtype, torch.Size, bytes]:
    """The same for the same bits alone."""
    bits = tensor.contiguous().reshape(-1).view(torch.uint8)
    return tensor.dtype, tensor.shape, hashlib.sha256(bits.numpy()).digest()  # type: ignore[arg-type]


def _twins(first: dict[str, tuple[Any, ...]], other: dict[str, tuple[Any, ...]]) -> dict[str, str]:
    """The tensors of one head that another one has, too, by the names of both.

    In most libraries the names of a body are the same in all networks; where it stands as a backbone, they begin
    otherwise.

    Args:
        first: digests of tensors.
        other: likewise.
    """
    names = defaultdict(list)
    for name, digest in other.items():
        names[digest].append(name)
    beginnings = Counter[tuple[str, str]]()
    for name, digest in first.items():
        for twin in names[digest]:
            if twin.endswith(name):
                beginnings["", twin.removesuffix(name)] += 1
            elif name.endswith(twin):
                beginnings[name.removesuffix(twin), ""] += 1
    if not beginnings:
        return {}
    ((ours, theirs), _), *_ = beginnings.most_common(1)
    pairs = ((name, theirs + name.removeprefix(ours)) for name in first if name.startswith(ours))
    return {name: twin for name, twin in pairs if other.get(twin) == first[name]}


def _link(path: Path, twin: Path) -> None:
    """Let a second name stand for a file; a copy where the file system has no such links."""
    twin.unlink(missing_ok=True)
    try:
        os.link(path, twin)
    except OSError:
        shutil.copy2(path, twin)
