"""What a person gives as inputs: one or several, and perhaps not what was meant."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from zoo.data.formats import names_data
from zoo.data.formats.dialect import DELIMITERS
from zoo.errors import OptionInvalid
from zoo.kinds import InputKind
from zoo.plurals import with_article

_HEADER_WORDS = 4
"""At most in the name of a column; a sentence has more."""


def input_list(inputs: Any, kind: InputKind) -> list[Any] | None:
    """The several inputs that a caller gives from Python; None where it is one: a text, a path, an image, a record.

    A tuple of as many parts as a record has is one.

    Raises:
        OptionInvalid: a whole data frame or a mapping, of which it is not known what to answer.
    """
    if len(kind.roles) > 1 and isinstance(inputs, Mapping | tuple) and isinstance(kind.from_python(inputs), Mapping):
        return None
    if kind.is_one(inputs):
        return None
    if isinstance(inputs, Mapping) or hasattr(inputs, "columns") or hasattr(inputs, "column_names"):
        raise OptionInvalid(
            f"the inputs are {with_article(type(inputs).__name__)}, but must be one input or a list of them",
            'name the column that holds them, such as predict(frame["text"])',
        )
    if isinstance(inputs, str | bytes | bytearray | os.PathLike) or not isinstance(inputs, Iterable):
        return None
    shape = getattr(inputs, "shape", None)
    if shape == () or (shape is not None and len(shape) in (2, 3) and _holds_numbers(inputs)):
        return None
    if hasattr(inputs, "to_pylist"):  # of Arrow, whose elements are no texts of Python
        return list(inputs.to_pylist())
    return list(inputs)


def _holds_numbers(array: Any) -> bool:
    """Whether an array is an image, if anything; those of texts and objects have kinds of their own."""
    return getattr(array.dtype, "kind", "u") not in "OSTU"


def named_files(words: Iterable[str], kind: InputKind) -> list[str]:
    """Inputs that were probably not meant as such: texts that name a file, files of rows where others are wanted."""
    return [word for word in words if _names_file(word, of_rows=kind.from_files)]


def is_absent_table(word: str) -> bool:
    """Whether a word looks like the name of a file of rows, but names none."""
    return " " not in word and names_data(Path(word)) and not os.path.exists(word)  # noqa: PTH110  (never raises)


def is_of_table(line: str, columns: Collection[str]) -> bool:
    """Whether a line is the header of a delimited table, or a row of JSON lines, with one of these columns.

    Args:
        line: that stands for one input.
        columns: names in small letters.
    """
    if line.startswith("{"):
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return False
        return any(name.lower() in columns for name in row)
    for mark in DELIMITERS:
        fields = [field.strip(' "').lower() for field in line.split(mark)]
        if len(fields) > 1 and not set(columns).isdisjoint(fields):
            return all(field and len(field.split()) <= _HEADER_WORDS for field in fields)
    return False


def _names_file(word: str, *, of_rows: bool) -> bool:
    path = Path(word).expanduser()
    if not path.suffix or (of_rows and not names_data(path)):
        return False
    try:
        return path.is_file()
    except OSError:  # a text longer than any name
        return False
