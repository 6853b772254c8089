"""Results of several sources: a folder for each head that is whole in itself, while the disk holds the body once.

model/heads/sentiment/model.safetensors.index.json   which tensor is in which file, as transformers has it
                      body.safetensors               the same file in all heads: hard links
                      head.safetensors
                      config.json ...
"""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import json
import math
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from zoo.hub_config import INDEX, WEIGHTS
from zoo.runs.result import CALIBRATION, MANIFEST

BODY_FILE, HEAD_FILE = "body.safetensors", "head.safetensors"
BODY_NAMES = "body_names"
"""Entry of an index: names of the head's tensors to those in the file of the body, where these differ, as those of a
network of torchvision do that is a backbone. Only zoo reads it."""
_CHUNK = 1 << 20


def merge(head: Path, target: Path) -> None:
    """Write the folder of a head as if it were the only one: its tensors in one file.

    Args:
        head: of a result; the folder of a result with one head is written as it is, but for the manifest and the
            calibration, which is of these weights in this place.
        target: does not exist.
    """
    target.mkdir()
    with contextlib.ExitStack() as on_error:
        on_error.callback(shutil.rmtree, target, ignore_errors=True)
        parts = [head / name for name in (BODY_FILE, HEAD_FILE) if (head / name).exists()]
        replaced = (BODY_FILE, HEAD_FILE, INDEX) if parts else ()
        shutil.copytree(
            head, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST, CALIBRATION, *replaced)
        )
        if parts:
            of_body = json.loads((head / INDEX).read_bytes()).get(BODY_NAMES, {})
            names = {stored: name for name, stored in of_body.items()}
            _write([tensor for part in parts for tensor in _Tensors.of(part).renamed(names)], target / WEIGHTS)
        on_error.pop_all()


def divide(heads: Sequence[Path]) -> None:
    """Let heads that were each written whole share the tensors that all have alike, to the bit.

    Args:
        heads: folders with all tensors in one file.
    """
    first, *others = (_Tensors.of(head / WEIGHTS) for head in heads)
    digests = first.digests()
    twins = [_twins(digests, other.digests()) for other in others]
    common = [name for name in first.places if all(name in of_head for of_head in twins)]
    body = heads[0].parent / BODY_FILE
    _write([(first, name, name) for name in common], body)
    for head in heads:
        split(head, body)
    body.unlink()


def split(head: Path, body: Path) -> bool:
    """Let a head that was written whole share the file of a body; it stays whole where its tensors are others.

    Args:
        head: folder with all tensors in one file.
        body: has the tensors that other heads have alike.

    Returns:
        Whether it does.
    """
    if not (head / WEIGHTS).exists() or not body.exists():
        return False
    whole, common = _Tensors.of(head / WEIGHTS), _Tensors.of(body)
    twins = _twins(common.digests(), whole.digests())
    if len(twins) < len(common.places):
        return False
    of_body = {name: stored for stored, name in twins.items()}
    _write([(whole, name, name) for name in whole.places if name not in of_body], head / HEAD_FILE)
    link(body, head / BODY_FILE)
    index: dict[str, Any] = {
        "metadata": {"total_size": sum(end - begin for begin, end in map(whole.extent, whole.places))},
        "weight_map": {name: BODY_FILE if name in of_body else HEAD_FILE for name in sorted(whole.places)},
    }
    if any(name != stored for name, stored in of_body.items()):
        index[BODY_NAMES] = of_body
    (head / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    (head / WEIGHTS).unlink()
    return True


def join(head: Path, bodies: Iterable[Path], scratch: Path) -> None:
    """Let a head share the file of one of several bodies, whether it was written whole or shares that of another one.

    Args:
        head: a folder, which stays as it is where its tensors are others.
        bodies: likewise as for `split`.
        scratch: does not exist.
    """
    merge(head, scratch)
    if any(split(scratch, body) for body in bodies):
        shutil.rmtree(head)
        scratch.rename(head)
    else:
        shutil.rmtree(scratch)


def link_alike(heads: Sequence[Path]) -> None:
    """Let heads share the other files that are the same in all of them to the bit: those of the first."""
    first, *others = heads
    for path in [path for path in first.rglob("*") if path.is_file()]:
        twins = [head / path.relative_to(first) for head in others]
        if not all(twin.is_file() for twin in twins):
            continue
        copies = [twin for twin in twins if not twin.samefile(path)]
        if all(filecmp.cmp(path, twin, shallow=False) for twin in copies):
            for twin in copies:
                link(path, twin)


def link(path: Path, twin: Path) -> None:
    """Let a second name stand for a file; a copy where the file system has no such links."""
    twin.unlink(missing_ok=True)
    try:
        os.link(path, twin)
    except OSError:
        shutil.copy2(path, twin)


def link_file(path: Path, twin: Path) -> None:
    """The same into a folder that may be missing; nothing where the file is missing, or is the twin."""
    if path.exists() and path != twin:
        twin.parent.mkdir(parents=True, exist_ok=True)
        link(path, twin)


_Digest = tuple[str, tuple[int, ...], bytes]
"""Type, shape and sha256 of a tensor: the same for the same bits alone."""


class _Tensors(NamedTuple):
    """What a file of tensors holds; see https://github.com/huggingface/safetensors#format."""

    path: Path
    start: int
    """Of the bytes of the tensors."""
    places: dict[str, dict[str, Any]]
    """By name the type, the shape and where the bytes are, counted from `start`; in the order of these."""

    @classmethod
    def of(cls, path: Path) -> _Tensors:
        """Of a file."""
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        return cls(path, 8 + length, dict(sorted(header.items(), key=lambda item: item[1]["data_offsets"])))

    def renamed(self, names: dict[str, str]) -> list[_Tensor]:
        """All of them, under other names where there are any."""
        return [(self, name, names.get(name, name)) for name in self.places]

    def extent(self, name: str) -> tuple[int, int]:
        """Where the bytes of a tensor begin and end."""
        begin, end = self.places[name]["data_offsets"]
        return begin, end

    def item_bytes(self, name: str) -> int:
        """Of one number of a tensor; 0 of a tensor without any."""
        begin, end = self.extent(name)
        shape: list[int] = self.places[name]["shape"]
        return (end - begin) // max(1, math.prod(shape))

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of a tensor, some at a time."""
        begin, end = self.extent(name)
        with self.path.open("rb") as file:
            file.seek(self.start + begin)
            for left in range(end - begin, 0, -_CHUNK):
                yield file.read(min(left, _CHUNK))

    def digests(self) -> dict[str, _Digest]:
        """Of each tensor."""
        return {name: self._digest(name) for name in self.places}

    def _digest(self, name: str) -> _Digest:
        sha256 = hashlib.sha256()
        for chunk in self.chunks(name):
            sha256.update(chunk)
        return self.places[name]["dtype"], tuple(self.places[name]["shape"]), sha256.digest()


_Tensor = tuple[_Tensors, str, str]
"""A file, the name of a tensor in it, and that under which it is written."""


def _twins(first: dict[str, _Digest], other: dict[str, _Digest]) -> dict[str, str]:
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


def _write(tensors: Sequence[_Tensor], target: Path) -> None:
    """Write tensors of several files into one: a header that says where each is, and then the bytes of all."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    ordered = sorted(tensors, key=lambda tensor: -tensor[0].item_bytes(tensor[1]))  # so that each lies at its multiple
    for source, name, new_name in ordered:
        begin, end = source.extent(name)
        header[new_name] = source.places[name] | {"data_offsets": [offset, offset + end - begin]}
        offset += end - begin
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    with target.open("wb") as merged:
        merged.write(len(encoded).to_bytes(8, "little") + encoded)
        for source, name, _ in ordered:
            merged.writelines(source.chunks(name))
