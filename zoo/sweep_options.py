"""How the best of several trainings is looked for: which are tried, and which figure decides."""

from __future__ import annotations

from typing import Annotated, Literal

from zoo.errors import OptionInvalid
from zoo.options import Options, option

MOST_TRIALS = 1_000
"""Of a sweep."""


class SweepOptions(Options, frozen=True, kw_only=True):
    """How trials are chosen, and one of them is taken."""

    strategy: Annotated[
        Literal["grid", "random", "halving"] | None,
        option(
            "Every combination, some drawn by chance, or many of which the better half learns from ever more rows; "
            "auto is grid, or random where an option has a range."
        ),
    ] = None
    trials: Annotated[
        int | None,
        option(
            "How many are drawn; auto is 10, and of halving all combinations where no option has a range.",
            ge=2,
            le=MOST_TRIALS,
        ),
    ] = None
    finalists: Annotated[
        int, option("How many learn from all rows in the end, of halving.", ge=1, le=64, advanced=True)
    ] = 2
    ties: Annotated[
        Literal["cheaper", "best"],
        option("Which is taken of those that no test tells apart from the best: the cheapest, or the best itself."),
    ] = "cheaper"
    metric: Annotated[str, option("The figure that decides; the one that the task is judged by if not given.")] = ""
    seed: Annotated[int, option("Of which trials are drawn.", ge=0, lt=2**32, advanced=True)] = 42

    def check(self) -> None:
        """A grid has as many trials as it has."""
        if self.strategy == "grid" and self.trials is not None:
            raise OptionInvalid(
                f"--trials is {self.trials}, but a grid tries every combination",
                "leave it out (--trials auto), or draw as many: --strategy random",
            )
