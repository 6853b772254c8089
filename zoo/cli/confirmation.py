"""Asking before something is deleted or run."""

from __future__ import annotations

import sys

from zoo.cli import diagnostics
from zoo.errors import OptionInvalid


def delete_confirmed() -> bool:
    """Whether the person at the terminal says yes to deleting.

    Raises:
        OptionInvalid: nobody is there to ask.
    """
    return confirmed("delete?", deed="deleting", otherwise="nothing was deleted")


def confirmed(question: str, *, deed: str, otherwise: str) -> bool:
    """Whether the person at the terminal says yes.

    Args:
        question: what is asked.
        deed: what needs the yes.
        otherwise: what a no means.

    Raises:
        OptionInvalid: nobody is there to ask.
    """
    if not sys.stdin.isatty():
        raise OptionInvalid(f"{deed} needs a yes, and nobody is there to ask", "add -y")
    if _answer(f"{question} [y/N] ").strip().lower() in ("y", "yes"):
        return True
    diagnostics.note(otherwise)
    return False


def _answer(prompt: str) -> str:
    try:
        return input(prompt)
    except EOFError:  # Ctrl-D
        sys.stdout.write("\n")
        return ""
