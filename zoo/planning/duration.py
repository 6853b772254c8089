"""How long something may take, as people say it."""

from __future__ import annotations

import re

from zoo.errors import OptionInvalid

_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = re.compile(r"(\d+|\d*\.\d+)\s*(s|min|m|h|d)")


def read_duration(text: str | float) -> float:
    """Seconds: of 90s, 10min, 10m, 1.5h, 2h30m, 1d; a number is seconds.

    Raises:
        OptionInvalid: it is no such time, or none at all.
    """
    words = str(text).strip().lower()
    if isinstance(text, int | float) and not isinstance(text, bool):
        words = f"{text:f}s"
    parts = _PART.findall(words)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if _PART.sub("", words).strip() or not seconds:
        raise OptionInvalid(f"--within is {text!r}, which is no time", "such as --within 90s, 10min, 1.5h or 2h30m")
    return seconds
