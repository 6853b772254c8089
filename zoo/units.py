"""Numbers as people read them: bytes, durations, counts, shares."""

from __future__ import annotations

import re
import time

BAR_WIDTH = 20
"""Characters of a bar."""


def bar(share: float) -> str:
    """A bar of fixed width."""
    filled = round(max(0.0, min(1.0, share)) * BAR_WIDTH)
    return "━" * filled + "─" * (BAR_WIDTH - filled)


def duration(seconds: float) -> str:
    """Seconds, as people say them: 42s, 3m05s, 2h10m, 3d4h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3600}h"


def size(size_bytes: float) -> str:
    """Bytes, in decimal units as disks are sold: 90.9 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def count(number: float) -> str:
    """A large number, short: 22.7M."""
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.1f}{unit}"
    return f"{number:.0f}"


def parse_count(text: str) -> int:
    """The number that `count` writes, or one in full: 25M, 1.5B, 300k, 25,000,000.

    Raises:
        ValueError: it is no such number.
    """
    match = re.fullmatch(r"(\d+|\d*\.\d+)\s*([kmb]?)", _ungrouped(text).replace("_", ""))
    if match is None:
        raise ValueError(f"{text!r} is no number of things")
    return round(float(match[1]) * {"b": 1e9, "m": 1e6, "k": 1e3}.get(match[2], 1))


def _ungrouped(text: str) -> str:
    """Without commas between thousands; any other stays, as some write 1,5 for 1.5."""
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text.strip().lower())


_BYTES = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def parse_size(text: str) -> float:
    """The bytes that `size` writes: 90.9 MB, 1.5GB, 512MiB, 4096.

    Raises:
        ValueError: it is no such number.
    """
    match = re.fullmatch(r"(\d+|\d*\.\d+)\s*([kmgt]?i?)b?", _ungrouped(text))
    if match is None or match[2] not in _BYTES:
        raise ValueError(f"{text!r} is no number of bytes")
    return float(match[1]) * _BYTES[match[2]]


def parse_duration(text: str) -> float:
    """The seconds that `duration` writes: 42s, 3m05s, 2h10m, 10min, 1.5h.

    Raises:
        ValueError: it is none.
    """
    parts = re.findall(r"(\d+\.?\d*|\.\d+)\s*([a-z]+)\s*", text.strip().lower())
    written = "".join(f"{number}{unit}" for number, unit in parts)
    if not parts or written != re.sub(r"\s", "", text.lower()) or any(unit not in _SECONDS for _, unit in parts):
        raise ValueError(f"{text!r} says no time")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def ago(at: float | None) -> str:
    """How long ago, in few letters: 40s, 5m, 3h, 12d."""
    if at is None:
        return ""
    seconds = max(0.0, time.time() - at)
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= length:
            return f"{seconds // length:.0f}{unit}"
    return f"{seconds:.0f}s"


def plain_number(value: float) -> str:
    """A number of data: seven digits, all that single precision has; a whole one is not shortened to an exponent."""
    text = f"{value:.7g}"
    return f"{value:.0f}" if "e+" in text and abs(value) < 1e15 else text
