"""What all events of a run share."""

from __future__ import annotations

import time

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """A fact about a run, in the past tense; one JSON object a line in `events.jsonl`."""

    at: float = msgspec.field(default_factory=time.time)
    """Unix time in seconds."""
    v: int = 1
    """Version of the format."""
