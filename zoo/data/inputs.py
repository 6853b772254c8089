"""What a cell of the input column stands for: the text itself, or a file that it names."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from zoo.encoding import is_encodable
from zoo.tasks.task import InputKind


class Unusable(Exception):
    """A value cannot serve; the text says why."""


class Inputs(Protocol):
    """How one kind of input is read."""

    def read(self, value: str, column: str, base: Path) -> str:
        """The input a cell holds.

        Args:
            value: the cell, not blank.
            column: its column, for messages.
            base: the folder that relative paths start from.

        Raises:
            Unusable: saying why it is none.
        """
        ...

    def digests(self, inputs: Iterable[str]) -> list[str]:
        """What tells whether two inputs are the same: the sha256 of a file; empty where the input itself tells."""
        ...


class _Text:
    """The cell is the input."""

    def read(self, value: str, column: str, base: Path) -> str:
        if "\0" in value:
            raise Unusable(f"column {column} holds a NUL character")
        return value

    def digests(self, inputs: Iterable[str]) -> list[str]:
        return [""] * len(list(inputs))


class _Files:
    """The cell names a file."""

    def read(self, value: str, column: str, base: Path) -> str:
        name = value.strip()
        fault = _fault(name, base)
        if fault:
            raise Unusable(f"{name}: {fault}")
        return os.path.normpath(base / Path(name).expanduser())

    def digests(self, inputs: Iterable[str]) -> list[str]:
        # Hashing leaves Python, so threads do run side by side.
        with ThreadPoolExecutor() as pool:
            return list(pool.map(sha256_of, inputs))


_KINDS: dict[InputKind, Inputs] = {"text": _Text(), "image": _Files()}


def inputs_of(kind: InputKind) -> Inputs:
    """The reader of a kind."""
    return _KINDS[kind]


def is_empty(value: Any) -> bool:
    """Whether a cell holds nothing: null, NaN or white space."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())  # noqa: PLR0124


def read_input(value: Any, kind: InputKind, column: str, base: Path) -> str:
    """The input a cell holds: a text, or the absolute path of a file.

    Raises:
        Unusable: saying why it is none.
    """
    if is_empty(value):
        raise Unusable(f"column {column} is empty")
    if not isinstance(value, str):
        raise Unusable(f"column {column} holds {kind_of(value)}, not {_EXPECTED[kind]}")
    return _KINDS[kind].read(value, column, base)


_EXPECTED: dict[InputKind, str] = {"text": "text", "image": "the path of an image"}


def kind_of(value: Any) -> str:
    """What a value is, in a person's words."""
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)


def _fault(name: str, base: Path) -> str:
    """Why a name leads to no file with anything in it; empty where it does."""
    if "\0" in name:
        return "no file has a NUL character in its name"
    if not is_encodable(name):
        return "its name is not UTF-8; rename the file"
    if "://" in name:
        return "it is an address, not a file on this machine"
    try:
        status = (base / Path(name).expanduser()).stat()
    except OSError as error:
        return f"there is no such file below {base}" if error.errno == 2 else str(error.strerror)
    if not stat.S_ISREG(status.st_mode):
        return "it is no ordinary file"
    return "" if status.st_size else "it is empty (0 bytes)"


def sha256_of(path: str) -> str:
    """Of a file's bytes; empty for one that cannot be read, which decoding will tell of."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (pathlib costs as much as hashing a small image)
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
