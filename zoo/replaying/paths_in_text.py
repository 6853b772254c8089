"""Paths of a machine within texts: of a run that is packed their last names alone are kept."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import PurePosixPath, PureWindowsPath

_NAME = r"[^/\\\s'\"<>|:;,]"
_ABSOLUTE = re.compile(rf"(?<![\w./\\~])(?!(?<=:)//)(?:~|[A-Za-z]:)?(?:[/\\]|\\\\)(?:{_NAME}+[/\\])+({_NAME}*)")
"""From the root, or a home, at least two names deep; what stands behind `://` is no path."""
_ADDRESS = re.compile(r"\bfile:/+(?=/)", re.IGNORECASE)
_UPWARDS = re.compile(r"(?<![\w.])(?:\.\.[/\\])+")
"""A way out of a folder."""


def without_paths(text: str, known: Sequence[str] = ()) -> str:
    """A text in which paths of this machine are nothing but the names of their files.

    Args:
        text: to be changed.
        known: folders that are in it, whatever letters are in their names.
    """
    for place in sorted(known, key=len, reverse=True):
        if len(place) > 1:
            text = "" if text == place else text.replace(place.rstrip(os.sep) + os.sep, "")
    if _is_path(text):
        return re.split(r"[/\\]", text.rstrip("/\\"))[-1]
    text = _ADDRESS.sub("", text)
    while names_path(text):
        text = _UPWARDS.sub("", _ABSOLUTE.sub(lambda match: match[1], text))
    return text


def names_path(text: str) -> bool:
    """Whether there is a path in a text that leads from the root of a machine, or out of a folder.

    Args:
        text: of a request.
    """
    return bool(_ABSOLUTE.search(text) or _UPWARDS.search(text))


def _is_path(text: str) -> bool:
    """Whether a text is nothing but a path, whatever letters are in its names."""
    is_deep = "\n" not in text and len(re.split(r"[/\\]", text)) > 2
    return is_deep and (PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute())
