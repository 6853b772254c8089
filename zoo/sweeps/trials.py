"""The trials of a sweep: which settings are tried."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping
from typing import Any

from zoo.errors import OptionInvalid
from zoo.options import Scalar
from zoo.sweep_options import MOST_TRIALS, SweepOptions
from zoo.sweeps.values import Listed, Range, Values

Settings = dict[str, Scalar]
"""The options of a trial that are not the same for all, by name."""
USUAL = 10
"""Trials that are drawn where nobody says how many."""
MOST_DRAWN_AGAIN = 100
"""Draws of settings that were drawn already, one after the other, before it is taken that there are no others."""


def strategy_of(options: SweepOptions, values: Mapping[str, Values]) -> str:
    """How trials are chosen.

    Raises:
        OptionInvalid: a grid is asked for of what no list has.
    """
    ranges = [name for name, one in values.items() if isinstance(one, Range)]
    if options.strategy == "grid" and ranges:
        raise OptionInvalid(
            f"{ranges[0]} has a range, of which a grid cannot try every number",
            "list its values, or draw them: strategy random",
        )
    drawn = bool(ranges) or options.trials is not None
    return options.strategy or ("random" if drawn else "grid")


def settings_of_trials(options: SweepOptions, values: Mapping[str, Values]) -> list[Settings]:
    """What each trial is to be tried with, no two alike.

    Args:
        options: how they are chosen.
        values: what each option may be.

    Raises:
        OptionInvalid: there are fewer than two, or too many.
    """
    strategy, combinations = strategy_of(options, values), _combinations(values)
    drawn = options.trials or (math.inf if strategy == "grid" or (strategy == "halving" and combinations) else USUAL)
    if combinations and combinations <= drawn:
        if combinations < 2:
            raise OptionInvalid("nothing varies: each option has one value", "give one of them several")
        if combinations > MOST_TRIALS:
            raise OptionInvalid(
                f"these lists have {combinations:,} combinations", "draw some of them: strategy random, and trials"
            )
        lists = [one.values for one in values.values() if isinstance(one, Listed)]
        return [dict(zip(values, one, strict=True)) for one in itertools.product(*lists)]
    return _drawn(values, int(drawn), random.Random(f"sweep {options.seed}"))  # noqa: S311  (no secret)


def _combinations(values: Mapping[str, Values]) -> int:
    """How many there are; 0 where there are no end of them."""
    return math.prod(len(one.values) if isinstance(one, Listed) else 0 for one in values.values())


def _drawn(values: Mapping[str, Values], number: int, draws: random.Random) -> list[Settings]:
    settings: dict[tuple[Any, ...], Settings] = {}
    again = 0
    while len(settings) < number and again < MOST_DRAWN_AGAIN:
        one = {name: values_of.draw(draws) for name, values_of in values.items()}
        key = tuple(one.values())
        again = again + 1 if key in settings else 0
        settings[key] = one
    if len(settings) < 2:
        raise OptionInvalid("nothing varies: each option has one value", "give one of them several, or a wider range")
    return list(settings.values())
