"""Errors in the words of a form: which field they are about, and fields by their labels instead of flags."""

from __future__ import annotations

import re
from collections.abc import Mapping

from zoo.errors import ZooError

_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*)(?: (?:NAME|FILE|DATA|COLUMNS|N)\b)?")
_COMMAND = re.compile(r"(\bzoo [a-z]+ [^;)\n]*)")
"""A command that is to be typed: the flags in it are its own."""


def field_of(error: ZooError, labels: Mapping[str, str]) -> str:
    """The field that an error names first by its flag; empty where it names none.

    Args:
        error: as any front end raises it.
        labels: name of each field of the form to its label.
    """
    text = _COMMAND.sub("", f"{error.message}\n{error.hint}")
    names = (_name(flag) for flag in _FLAG.finditer(text))
    return next((name for name in names if name in labels), "")


def in_words_of_form(error: ZooError, labels: Mapping[str, str]) -> str:
    """Message and hint, a line each."""
    return with_labels("\n".join(filter(None, (error.message, error.hint))), labels)


def with_labels(text: str, labels: Mapping[str, str]) -> str:
    """A text with the labels of fields where it names their flags."""

    def label(flag: re.Match[str]) -> str:
        return f'"{labels[_name(flag)]}"' if _name(flag) in labels else flag[0]

    parts = _COMMAND.split(text)  # every other one is a command
    return "".join(part if number % 2 else _FLAG.sub(label, part) for number, part in enumerate(parts))


def _name(flag: re.Match[str]) -> str:
    return flag[1].replace("-", "_")
