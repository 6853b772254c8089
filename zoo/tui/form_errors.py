"""Errors in the words of a form: which field they are about, and fields by their labels instead of flags."""

from __future__ import annotations

import re
from collections.abc import Mapping

from zoo.errors import ZooError

_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*)(?: (?:NAME|FILE|DATA|COLUMNS|N)\b)?")
_COMMAND = re.compile(r"(\bzoo [a-z]+ [^;)\n]*)")
"""A command that is to be typed: the flags in it are its own."""


class FieldError(ZooError):
    """An error of what stands in one field, such as a command: the flags that it names are not those of the form.

    Args:
        field: name of the field.
        error: what is wrong.
    """

    def __init__(self, field: str, error: ZooError) -> None:
        super().__init__(error.message, error.hint)
        self.field = field


def in_words(error: Exception) -> ZooError:
    """An error as a form shows it: one that nobody has foreseen with its sort, and what to do."""
    return error if isinstance(error, ZooError) else ZooError(f"{type(error).__name__}: {error}", "please report it")


def field_of(error: ZooError, labels: Mapping[str, str]) -> str:
    """The field that an error names first by its flag; empty where it names none.

    Args:
        error: as any front end raises it.
        labels: name of each field of the form to its label.
    """
    if isinstance(error, FieldError):
        return error.field
    text = _COMMAND.sub("", f"{error.message}\n{error.hint}")
    names = (_name(flag) for flag in _FLAG.finditer(text))
    return next((name for name in names if name in labels), "")


def in_words_of_form(error: ZooError, labels: Mapping[str, str]) -> str:
    """Message and hint, a line each."""
    text = "\n".join(filter(None, (error.message, error.hint)))
    return text if isinstance(error, FieldError) else with_labels(text, labels)


def with_labels(text: str, labels: Mapping[str, str]) -> str:
    """A text with the labels of fields where it names their flags."""

    def label(flag: re.Match[str]) -> str:
        return f'"{labels[_name(flag)]}"' if _name(flag) in labels else flag[0]

    parts = _COMMAND.split(text)  # every other one is a command
    return "".join(part if number % 2 else _FLAG.sub(label, part) for number, part in enumerate(parts))


def _name(flag: re.Match[str]) -> str:
    return flag[1].replace("-", "_")
