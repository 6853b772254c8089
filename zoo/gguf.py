"""The header of a GGUF file: what it says of the model, and where its tensors stand.

The layout is that of github.com/ggml-org/ggml, docs/gguf.md, versions 2 and 3. Nothing in a file is believed before it
is compared with the size of the file.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from zoo.errors import StoreInvalid

MAGIC = b"GGUF"
VERSIONS = (2, 3)
DEFAULT_ALIGNMENT, MOST_ALIGNMENT = 32, 1 << 16
MOST_DIMENSIONS = 4
MOST_DEPTH = 2
"""Of arrays in arrays."""
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Type of a value to how it is packed."""
_STRING, _ARRAY = 8, 9


class GgufBlockType(NamedTuple):
    """How numbers are packed."""

    name: str
    numbers: int
    """Of a block."""
    size_bytes: int
    """Of a block."""


GGUF_BLOCK_TYPES = {
    0: GgufBlockType("F32", 1, 4),
    1: GgufBlockType("F16", 1, 2),
    2: GgufBlockType("Q4_0", 32, 18),
    3: GgufBlockType("Q4_1", 32, 20),
    6: GgufBlockType("Q5_0", 32, 22),
    7: GgufBlockType("Q5_1", 32, 24),
    8: GgufBlockType("Q8_0", 32, 34),
    10: GgufBlockType("Q2_K", 256, 84),
    11: GgufBlockType("Q3_K", 256, 110),
    12: GgufBlockType("Q4_K", 256, 144),
    13: GgufBlockType("Q5_K", 256, 176),
    14: GgufBlockType("Q6_K", 256, 210),
    30: GgufBlockType("BF16", 1, 2),
}
"""By their numbers in a file."""


class GgufTensor(NamedTuple):
    """Where a tensor stands."""

    shape: tuple[int, ...]
    """As torch has it: the last dimension is that of neighbours in memory."""
    block_type: GgufBlockType
    offset: int
    """Bytes from the beginning of the file."""
    size_bytes: int


@dataclass(frozen=True)
class GgufHeader:
    """What stands before the numbers."""

    metadata: dict[str, Any]
    """Values by their keys, such as `llama.block_count`."""
    tensors: dict[str, GgufTensor]


def read_gguf(path: Path) -> GgufHeader:
    """Read what a GGUF file says of its content.

    Raises:
        StoreInvalid: it is none, is cut off, or contradicts itself; says where.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _Reader(path, content).header()
    except (OSError, ValueError) as error:  # an empty file cannot be mapped
        raise StoreInvalid(f"{path} cannot be read: {error}", "fetch it again") from error


class _Reader:
    """Goes through the header once, from the beginning to the end."""

    def __init__(self, path: Path, content: mmap.mmap) -> None:
        self._path, self._content, self._size = path, content, len(content)
        self._at = 0

    def header(self) -> GgufHeader:
        if self._take(4, "the magic") != MAGIC:
            raise StoreInvalid(f"{self._path} is no GGUF file", "it must begin with the letters GGUF")
        version = int(self._scalar("I", "the version"))
        if version not in VERSIONS:
            raise StoreInvalid(f"{self._path} is of version {version} of GGUF", "versions 2 and 3 are known")
        tensors, entries = self._count("the number of tensors", 24), self._count("the number of entries", 13)
        metadata: dict[str, Any] = {}
        for i in range(entries):
            key = self._text(f"the key of entry {i + 1}")
            metadata[key] = self._value(int(self._scalar("I", key)), key, MOST_DEPTH)
        stated = [self._tensor(i) for i in range(tensors)]
        alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
        if not isinstance(alignment, int) or not 1 <= alignment <= MOST_ALIGNMENT:
            raise self._broken(f"general.alignment is {alignment!r}")
        return GgufHeader(metadata, self._placed(stated, -(-self._at // alignment) * alignment, alignment))

    def _placed(self, stated: list[tuple[str, GgufTensor]], start: int, alignment: int) -> dict[str, GgufTensor]:
        """Tensors with their offsets in the file."""
        tensors: dict[str, GgufTensor] = {}
        for name, tensor in stated:
            if name in tensors:
                raise self._broken(f"there are two tensors {name}")
            end = start + tensor.offset + tensor.size_bytes
            if tensor.offset % alignment or end > self._size:
                raise self._broken(
                    f"tensor {name} would end at byte {end:,} of {self._size:,}"
                    if end > self._size
                    else f"tensor {name} is not aligned to {alignment} bytes"
                )
            tensors[name] = tensor._replace(offset=start + tensor.offset)
        return tensors

    def _tensor(self, index: int) -> tuple[str, GgufTensor]:
        name = self._text(f"the name of tensor {index + 1}")
        dimensions = int(self._scalar("I", name))
        if not 1 <= dimensions <= MOST_DIMENSIONS:
            raise self._broken(f"tensor {name} has {dimensions:,} dimensions")
        sizes = [int(self._scalar("Q", name)) for _ in range(dimensions)]
        number = int(self._scalar("I", name))
        block_type = GGUF_BLOCK_TYPES.get(number)
        if block_type is None:
            known = ", ".join(one.name for one in GGUF_BLOCK_TYPES.values())
            raise StoreInvalid(f"tensor {name} of {self._path} is packed in way {number}", f"known are {known}")
        numbers = math.prod(sizes)
        size_bytes = numbers // block_type.numbers * block_type.size_bytes
        if not numbers or sizes[0] % block_type.numbers or size_bytes > self._size:
            shape = " x ".join(f"{size:,}" for size in sizes)
            raise self._broken(f"tensor {name} ({block_type.name}) would be of {shape} numbers")
        offset = int(self._scalar("Q", name))
        return name, GgufTensor(tuple(reversed(sizes)), block_type, offset, size_bytes)

    def _value(self, kind: int, key: str, depth: int) -> Any:
        if kind == _STRING:
            return self._text(key)
        if kind in _SCALARS:
            return self._scalar(_SCALARS[kind], key)
        if kind != _ARRAY or not depth:
            raise self._broken(f"{key} is of type {kind}")
        kind = int(self._scalar("I", key))
        if kind in _SCALARS:
            count = self._count(key, struct.calcsize(f"<{_SCALARS[kind]}"))
            form = f"<{count}{_SCALARS[kind]}"
            return list(struct.unpack(form, self._take(struct.calcsize(form), key)))
        read: Callable[[], Any] = lambda: self._value(kind, key, depth - 1)  # noqa: E731
        return [read() for _ in range(self._count(key, 8))]

    def _count(self, what: str, least_bytes: int) -> int:
        """How many things follow, each of so many bytes at least."""
        count = int(self._scalar("Q", what))
        if count * least_bytes > self._size - self._at:
            raise self._broken(f"{what} would be {count:,}")
        return count

    def _text(self, what: str) -> str:
        return self._take(self._count(what, 1), what).decode("utf-8", "replace")

    def _scalar(self, form: str, what: str) -> Any:
        form = f"<{form}"
        return struct.unpack(form, self._take(struct.calcsize(form), what))[0]

    def _take(self, count: int, what: str) -> bytes:
        begin, self._at = self._at, self._at + count
        if self._at > self._size:
            raise self._broken(f"it ends within {what}")
        return self._content[begin : self._at]

    def _broken(self, why: str) -> StoreInvalid:
        return StoreInvalid(f"{self._path} is damaged: {why} (byte {self._at:,})", "fetch it again")
