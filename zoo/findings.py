"""What a check has found."""

from __future__ import annotations

from typing import Literal

import msgspec

Mark = Literal["ok", "warning", "fault"]
"""A fault keeps something from working; a warning is worth a look."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    about: str
    """What it is, in a word or two."""
    mark: Mark
    evidence: str
    """What was seen."""
    mend: str = ""
    """A command that mends it, or what else to do; empty where nothing is to be done."""


def ok(about: str, evidence: str, mend: str = "") -> Finding:
    """All is well."""
    return Finding(about=about, mark="ok", evidence=evidence, mend=mend)


def warning(about: str, evidence: str, mend: str = "") -> Finding:
    """Something works less well than it could, or will not for long."""
    return Finding(about=about, mark="warning", evidence=evidence, mend=mend)


def fault(about: str, evidence: str, mend: str = "") -> Finding:
    """Something does not work."""
    return Finding(about=about, mark="fault", evidence=evidence, mend=mend)
