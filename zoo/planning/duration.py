"""How long something may take, as people say it."""

from __future__ import annotations

from zoo.errors import OptionInvalid
from zoo.units import parse_duration


def read_duration(text: str | float) -> float:
    """Seconds: of 90s, 10min, 10m, 1.5h, 2h30m, 1d; a number is seconds.

    Raises:
        OptionInvalid: it is no such time, or none at all.
    """
    is_number = isinstance(text, int | float) and not isinstance(text, bool)
    try:
        seconds = parse_duration(f"{text:f}s" if is_number else str(text))
    except ValueError:
        seconds = 0.0
    if not seconds:
        raise OptionInvalid(f"--within is {text!r}, which is no time", "such as --within 90s, 10min, 1.5h or 2h30m")
    return seconds
