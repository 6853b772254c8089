"""How many rows are enough for what is asked of them: checked before a run exists, and again by its worker."""

from __future__ import annotations

import math

from zoo.errors import DatasetInvalid
from zoo.metrics.intervals import Z
from zoo.metrics.paired import least_bound
from zoo.metrics.power_law import FEWEST as FEWEST_SIZES
from zoo.plurals import counted

FEWEST_JUDGED = 20
"""Rows whose labels can be judged by one another."""
FEWEST_CHOOSING = 20
"""Rows to choose by: fewer tell nothing apart."""
MOST_DIVIDED = 20_000
"""Rows that are divided before a run exists, to see whether they are enough; of more there are."""
SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Of the rows to learn from, at the sizes of a curve."""
LEAST_ROWS = 10
"""Of a size; smaller shares are left out."""
HELD_OUT = 0.2
"""Of the rows, that judge a curve, where no others were named."""


def check_judged_labels(path: str, rows: int) -> None:
    """Insist on rows whose labels can be judged by one another.

    Args:
        path: of the data.
        rows: that can be used.

    Raises:
        DatasetInvalid: there are too few.
    """
    if rows < FEWEST_JUDGED:
        raise DatasetInvalid(
            f"{path} has {counted(rows, 'row')} that can be judged by one another, and {FEWEST_JUDGED} are needed",
            "name data with more rows",
        )


def check_choosing(test: int, validation: int) -> None:
    """Insist on rows that can tell models apart.

    Args:
        test: rows that choose nothing, and judge in the end.
        validation: rows that choose.

    Raises:
        DatasetInvalid: there are too few.
    """
    for rows, what, advice in (
        (test, "test", "--test FILE, or a larger --test-share"),
        (validation, "choose by", "a larger --validation-share"),
    ):
        if rows < FEWEST_CHOOSING:
            raise DatasetInvalid(
                f"{counted(rows, 'row')} to {what} cannot tell models apart",
                f"{FEWEST_CHOOSING} are needed at least: give more data, or {advice}",
            )


def check_trials(rows: int) -> None:
    """Insist on rows that can tell trainings with other settings apart.

    Args:
        rows: that a training is evaluated on.

    Raises:
        DatasetInvalid: there are too few.
    """
    if rows < FEWEST_CHOOSING:
        raise DatasetInvalid(
            f"{counted(rows, 'row')} to choose by cannot tell trials apart",
            f"{FEWEST_CHOOSING} are needed at least: hold out more with eval_share in [options], or name some with "
            "eval",
        )


def curve_sizes(path: str, learnt: int, judging: int, *, held_out: bool) -> list[int]:
    """From how many rows a curve learns, the fewest first.

    Args:
        path: of the data.
        learnt: rows to learn from.
        judging: rows that judge.
        held_out: whether these were held out of the data.

    Raises:
        DatasetInvalid: there are too few rows, or none that judge.
    """
    if not judging:
        raise DatasetInvalid(
            f"{path} has no rows that could judge: none could be held out", "name rows that judge: --eval DATA"
        )
    sizes = [size for size in (round(learnt * share) for share in SHARES) if size >= LEAST_ROWS]
    if len(sizes) < FEWEST_SIZES:
        least = LEAST_ROWS / SHARES[-FEWEST_SIZES]
        more = round(least / (1 - HELD_OUT)) if held_out else round(least)
        raise DatasetInvalid(
            f"{path} has {counted(learnt, 'row')} to learn from, too few for a curve", f"{more} rows make one"
        )
    return sizes


def check_drop(rows: int, metric: str, allowed: float) -> None:
    """Insist on rows that can show that a share drops by so little.

    Args:
        rows: that judge.
        metric: name of the share.
        allowed: the most that it may drop.

    Raises:
        DatasetInvalid: there are too few.
    """
    bound = least_bound(rows)
    if bound > allowed:
        needed = math.ceil(Z**2 * (1 - allowed) / allowed)
        raise DatasetInvalid(
            f"{counted(rows, 'row')} cannot show that {metric} drops by {allowed:g} at most: even if no answer were "
            f"worse, the 95% interval would reach to {bound:.3f}",
            f"give at least {needed:,} rows, or --max-drop {math.ceil(1000 * bound) / 1000:g}",
        )


def check_folds_filled(inputs: int, rows: int, folds: int) -> None:
    """Insist on as many folds as there are inputs to be dealt to them.

    Args:
        inputs: different ones, or folds that they fill.
        rows: that have them.
        folds: that are asked for.

    Raises:
        DatasetInvalid: there are too few.
    """
    if inputs < folds:
        raise DatasetInvalid(
            f"{counted(rows, 'row')} have too few different inputs for {folds} folds",
            f"--folds {inputs}, or more rows" if inputs > 1 else "more rows",
        )
