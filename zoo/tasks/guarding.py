"""Answers of other distributions: what their methods raise, or give amiss, is reported with task and method."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Callable
from typing import Any

from zoo.answers import Answer, AnswerCells
from zoo.blocks import BaseBlock
from zoo.errors import PluginBroken, ZooError
from zoo.sanitize import error_text, one_line

_HINT = "its author must mend it; the traceback (zoo -v, or zoo logs) shows where"
_guarded: set[type[Answer]] = set()


def guard(answer: type[Answer], task: str, distribution: str) -> None:
    """Let the methods that views and evaluations call raise nothing but errors that name task and method.

    Args:
        answer: of the task; classes of zoo stay as they are.
        task: its name.
        distribution: that brings it, with its version.
    """
    if answer in _guarded or answer.__module__.partition(".")[0] == "zoo":
        return
    _guarded.add(answer)
    for name, (is_right, expected) in _METHODS.items():
        where = f"task {task} ({distribution}): {answer.__name__}.{name}"
        setattr(answer, name, _reporting(getattr(answer, name), is_right, where, expected))


def _reporting(
    method: Callable[..., Any], is_right: Callable[[Any], bool], where: str, expected: str
) -> Callable[..., Any]:
    @functools.wraps(method)
    def reporting(*args: Any, **kwargs: Any) -> Any:
        try:
            value = method(*args, **kwargs)
        except (ZooError, MemoryError):
            raise
        except Exception as error:  # a stranger's code may raise anything
            raise PluginBroken(
                one_line(f"{where} fails: {type(error).__name__}: {error_text(error)}"), _HINT
            ) from error
        if not is_right(value):
            raise PluginBroken(one_line(f"{where} gave {type(value).__name__}, not {expected}"), _HINT)
        return value

    return reporting


def _are_blocks(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(block, BaseBlock) for block in value)


def _is_severity(value: Any) -> bool:
    return value is None or (isinstance(value, numbers.Real) and value == value)  # noqa: PLR0124


_METHODS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "blocks": (_are_blocks, "a tuple of blocks"),
    "cells": (lambda value: isinstance(value, AnswerCells), "zoo.AnswerCells"),
    "severity": (_is_severity, "a number or None"),
    "shortened": (lambda value: isinstance(value, Answer), "an answer"),
}
"""What each gives, as a check and in words."""
