"""What a process that compares is asked, and what it says meanwhile: JSON lines."""

from __future__ import annotations

import msgspec

from zoo.comparison.result import Comparison


class CompareRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The only line that it reads."""

    names: tuple[str, ...]
    device: str = "auto"
    precision: str = "auto"


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How far it is, in words."""

    text: str


class Compared(msgspec.Struct, frozen=True, tag="compared"):
    """What came of it; the last line."""

    comparison: Comparison


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Why nothing came of it; the last line."""

    message: str
    hint: str = ""


Reply = Progress | Compared | Refused
