"""Asking before something is deleted."""

from __future__ import annotations

import sys

from zoo.cli import diagnostics
from zoo.errors import OptionInvalid


def delete_confirmed() -> bool:
    """Whether the person at the terminal says yes.

    Raises:
        OptionInvalid: nobody is there to ask.
    """
    if not sys.stdin.isatty():
        raise OptionInvalid("deleting needs a yes, and nobody is there to ask", "add -y")
    if input("delete? [y/N] ").strip().lower() in ("y", "yes"):
        return True
    diagnostics.note("nothing was deleted")
    return False
