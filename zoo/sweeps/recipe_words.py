"""Advice in the words of a recipe: what a training has flags for is written there, and a sweep has no such flags."""

from __future__ import annotations

import re

from zoo.kinds.kind import INPUT, TARGET
from zoo.sweep_options import SweepOptions

_OWN = {*SweepOptions.__struct_fields__, "vary", "name", "device", "precision", "on", "requeue", "now", "dry_run"}
"""Flags that a sweep has, too."""
_FLAG = re.compile(r"(\bzoo [a-z]+ [^;)\n]*)|(?<![\w-])--([a-z][a-z0-9-]*)(?: (?:NAME|FILE|DATA)\b)?")
"""A command, whose flags are its own; or a flag, perhaps with what stands for its value."""


def in_words_of_recipe(advice: str) -> str:
    """Advice with keys of a recipe where it names flags that a sweep has not.

    Args:
        advice: on a training, as whoever types one takes it.
    """

    def key(match: re.Match[str]) -> str:
        name = (match[2] or "").replace("-", "_")
        if match[1] or name in _OWN:
            return match[0]
        return f'columns = {{ {name} = "NAME" }}' if name in (INPUT, TARGET) else name

    return _FLAG.sub(key, advice)
