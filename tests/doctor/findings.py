"""What one check finds on this machine."""

from __future__ import annotations

from zoo.doctor import CHECKS, NETWORK, Finding, examine


def found(section: str) -> list[Finding]:
    """All that the check of a section finds."""
    return [one for check in (*CHECKS, NETWORK) if check.section == section for one in examine(check)]


def marks(section: str) -> dict[str, str]:
    """What it looked at, to the mark of each."""
    return {one.about: one.mark for one in found(section)}


def bad(section: str) -> list[Finding]:
    """What is not well among it."""
    return [one for one in found(section) if one.mark != "ok"]
