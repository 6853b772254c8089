"""What a rule says of a run."""

from __future__ import annotations

import msgspec


class Evidence(msgspec.Struct, frozen=True):
    """A figure, or a fact."""

    name: str
    value: str


class Remedy(msgspec.Struct, frozen=True):
    """Something to do."""

    command: str
    """As it is typed; empty where it is no command."""
    what: str
    """What it does."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, why that is thought, and what to do."""

    rule: str
    """Name of the rule, such as `learning-rate`."""
    what: str
    """In a sentence."""
    evidence: tuple[Evidence, ...] = ()
    remedies: tuple[Remedy, ...] = ()


def facts(**values: object) -> tuple[Evidence, ...]:
    """Evidence by name, without what is not known; an underscore stands for a blank."""
    return tuple(
        Evidence(name.replace("_", " "), str(value)) for name, value in values.items() if value not in (None, "")
    )
