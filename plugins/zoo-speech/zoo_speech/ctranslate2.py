"""Files of weights in CTranslate2's layout, version 6: named tensors, and other names for some of them.

Numbers are little-endian; a text has its length, 16 bits, and a zero at its end. The layout is that of
`model_spec.py` in CTranslate2 (OpenNMT), which writes it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo import StoreInvalid, Unsupported

VERSION = 6
_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
"""Of the numbers, by the code that stands before them."""


def read_ctranslate2(path: Path) -> tuple[str, Mapping[str, NDArray[Any]]]:
    """The name of the architecture, and its tensors, which stay in the file until they are read.

    Raises:
        StoreInvalid: the file cannot be read, or is damaged.
        Unsupported: it is of another version, or of numbers that are not known here.
    """
    try:
        content = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError) as error:
        raise StoreInvalid(f"{path} cannot be read: {error}", "fetch it again") from error
    reader = _Reader(path, content)
    if (version := reader.number("I")) != VERSION:
        raise Unsupported(f"{path} is of version {version} of CTranslate2's layout", f"version {VERSION} is known here")
    architecture = reader.text()
    reader.number("I")  # revision of the architecture
    tensors: dict[str, NDArray[Any]] = {}
    for _ in range(reader.number("I")):
        name = reader.text()
        tensors[name] = reader.tensor(name)
    for _ in range(reader.number("I")):
        alias, name = reader.text(), reader.text()
        if name not in tensors:
            raise reader.damaged(f"{alias} stands for {name}, which it lacks")
        tensors[alias] = tensors[name]
    return architecture, tensors


class _Reader:
    """Reads one thing after another.

    Args:
        path: for messages.
        content: of the file.
    """

    def __init__(self, path: Path, content: NDArray[np.uint8]) -> None:
        self._path, self._content, self._at = path, content, 0

    def damaged(self, what: str) -> StoreInvalid:
        """To be raised."""
        return StoreInvalid(f"{self._path} is damaged: {what}", "remove it, and fetch it again")

    def number(self, kind: str) -> int:
        """As `struct` calls its kind."""
        value: int = struct.unpack(f"<{kind}", self._take(struct.calcsize(kind)).tobytes())[0]
        return value

    def text(self) -> str:
        """Names are ASCII."""
        return self._take(self.number("H")).tobytes().rstrip(b"\0").decode("ascii", "replace")

    def tensor(self, name: str) -> NDArray[Any]:
        """Of any type; its shape stands before it."""
        shape = tuple(self.number("I") for _ in range(self.number("B")))
        code, length = self.number("B"), self.number("I")
        if code >= len(_TYPES):
            raise Unsupported(f"{name} in {self._path} is of type {code}", "files of fp32 and fp16 are known here")
        numbers = self._take(length)
        if length != int(np.prod(shape, dtype=np.int64)) * np.dtype(_TYPES[code]).itemsize:
            raise self.damaged(f"{name} has {length:,} bytes, and shape {shape}")
        return np.frombuffer(numbers, _TYPES[code]).reshape(shape)

    def _take(self, length: int) -> NDArray[np.uint8]:
        if self._at + length > len(self._content):
            raise self.damaged(f"it ends after {len(self._content):,} bytes")
        self._at += length
        return self._content[self._at - length : self._at]
