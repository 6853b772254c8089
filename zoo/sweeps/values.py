"""What one option of a sweep may be: values that are listed, or a range to draw from."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from zoo.errors import OptionInvalid
from zoo.options import Option, Scalar, read
from zoo.suggestions import did_you_mean

EXAMPLES = "1e-5,3e-5 for values, 1e-5..1e-3 or 1e-5..1e-3:log for a range"
SCALES = ("linear", "log")
MUCH = 10
"""A range whose ends are so many times apart is drawn from by logarithms where nobody says how."""
_KEYS = ("low", "high", "scale")
_NUMBER = r"[-+]?\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+]?\.\d+(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.(?!\.)\s*({_NUMBER})\s*(?::\s*(\w+)\s*)?")


class Listed(NamedTuple):
    """Values, one after the other."""

    values: tuple[Scalar, ...]

    def draw(self, draws: random.Random) -> Scalar:
        """One of them by chance."""
        return draws.choice(self.values)

    def said(self) -> Any:
        """As it is kept with the run, and written into a recipe."""
        return ["auto" if value is None else value for value in self.values]


class Range(NamedTuple):
    """All numbers between two."""

    low: float
    high: float
    log: bool
    """Whether their logarithms are drawn evenly, in the place of the numbers themselves."""
    whole: bool
    """Whether only whole numbers count."""

    def draw(self, draws: random.Random) -> Scalar:
        """One of them by chance, of three digits where it is not whole."""
        if self.log:
            number = math.exp(draws.uniform(math.log(self.low), math.log(self.high)))
        else:
            number = draws.uniform(self.low, self.high)
        number = round(number) if self.whole else float(f"{number:.3g}")
        ends = (int(self.low), int(self.high)) if self.whole else (self.low, self.high)
        return min(max(number, ends[0]), ends[1])

    def said(self) -> Any:
        """As it is kept with the run, and written into a recipe."""
        ends = (int(self.low), int(self.high)) if self.whole else (self.low, self.high)
        return {"low": ends[0], "high": ends[1], "scale": SCALES[self.log]}


Values = Listed | Range


def named_values(said: str) -> tuple[str, str]:
    """The name of an option, and what it may be, as one word says both: `lr=1e-5,3e-5`.

    Raises:
        OptionInvalid: it says nothing of an option.
    """
    name, equals, values = said.partition("=")
    name = name.strip().removeprefix("--")
    if not name or not equals:
        raise OptionInvalid(f"--vary is {said!r}, which gives no option values", f"such as lr={EXAMPLES}")
    return name, values


def said_twice(name: str, before: str) -> OptionInvalid:
    """The error of an option that varies twice: nobody knows which of them counts.

    Args:
        name: as it is called.
        before: as it was called before.
    """
    also = "" if name == before else f", also as {before}"
    at_once = f"give all values at once: {name}=A,B,C, or in a recipe {name} = [A, B, C]"
    return OptionInvalid(f"what {name} may be is said twice{also}", at_once)


def vary_of(lines: Iterable[str]) -> dict[str, str]:
    """What several options may be, a word for each; errors as of `named_values`, and where one comes twice."""
    vary: dict[str, str] = {}
    for name, values in map(named_values, lines):
        if name in vary:
            raise said_twice(name, name)
        vary[name] = values
    return vary


def read_values(described: Option, said: Any) -> Values:
    """What an option may be, as a recipe, a flag or Python says it.

    Args:
        described: the option.
        said: a list of values, or an array; a range, as a table of low, high and scale; a text that says either; or one
            value.

    Raises:
        OptionInvalid: it is none of that, or a value is none that the option takes.
    """
    if hasattr(said, "tolist"):  # an array of numpy or torch
        said = said.tolist()
    if isinstance(said, str):
        if parts := _RANGE.fullmatch(said):
            said = {"low": parts[1], "high": parts[2]} | ({"scale": parts[3]} if parts[3] else {})
        else:
            said = said.split(",")
    if isinstance(said, Mapping):
        return _range(described, said)
    values = tuple(said) if isinstance(said, list | tuple | range) else (said,)
    empty = [isinstance(value, str) and not value.strip() for value in values]
    if all(empty):
        raise OptionInvalid(f"{described.name} has no values to be tried", f"such as {EXAMPLES}")
    if any(empty):
        raise OptionInvalid(f"value {empty.index(True) + 1} of {described.name} is empty", f"such as {EXAMPLES}")
    return Listed(tuple(dict.fromkeys(read(described, value) for value in values)))


def _range(described: Option, said: Mapping[str, Any]) -> Range:
    name = described.name
    for key in said:
        if key not in _KEYS:
            raise OptionInvalid(
                f"the range of {name} has {key!r}", did_you_mean(key, _KEYS, f"a range has {', '.join(_KEYS)}")
            )
    if "low" not in said or "high" not in said:
        raise OptionInvalid(f"the range of {name} has no {'high' if 'low' in said else 'low'}", f"such as {EXAMPLES}")
    if described.kind not in ("int", "float") or described.choices:
        raise OptionInvalid(f"{name} is given a range, but takes {described.accepted}", "list values: a, b, c")
    low, high = (read(described, said[key]) for key in ("low", "high"))
    if not isinstance(low, int | float) or not isinstance(high, int | float) or low >= high:
        raise OptionInvalid(
            f"the range of {name} is from {said['low']} to {said['high']}", "the first end is the lower"
        )
    scale = said.get("scale", SCALES[low > 0 and high >= MUCH * low])
    if scale not in SCALES:
        raise OptionInvalid(
            f"the scale of {name} is {scale!r}", did_you_mean(str(scale), SCALES, f"it is {' or '.join(SCALES)}")
        )
    if scale == "log" and low <= 0:
        raise OptionInvalid(f"the range of {name} begins at {low}, which has no logarithm", "begin it above 0")
    return Range(low, high, scale == "log", described.kind == "int")
