"""How a model is picked for data: which take part, what they may cost, which rows and which figure judge them."""

from __future__ import annotations

from typing import Annotated, Literal

from zoo.errors import OptionInvalid
from zoo.options import Options, option
from zoo.units import parse_duration, parse_size

FLOOR = "floor"
"""Name among the models of what every network has to be better than."""


class PickOptions(Options, frozen=True, kw_only=True):
    """How a model is picked."""

    models: Annotated[
        str,
        option("Which take part, commas between. All that learn the task and whose weights are here, if not given."),
    ] = ""
    under: Annotated[str, option("The most that the weights of one may take, such as 100MB.")] = ""
    within: Annotated[
        str, option("The longest that fine-tuning one on all rows may take on this machine, such as 10min.")
    ] = ""
    finalists: Annotated[
        int, option("How many are fine-tuned on all rows in the end and held against one another.", ge=2, le=64)
    ] = 2
    ties: Annotated[
        Literal["smaller", "best"],
        option("Which of those is taken that no test tells apart from the best: the smallest, or the best itself."),
    ] = "smaller"
    metric: Annotated[str, option("The figure that decides; the one that the task is judged by if not given.")] = ""
    epochs: Annotated[
        float | None,
        option(
            "Passes over the rows of each fine-tuning; auto is as for zoo finetune.",
            gt=0,
            le=10_000,
            unit="epochs",
            advanced=True,
        ),
    ] = None
    test_share: Annotated[
        float, option("Of the rows, held out for the test where there is none.", gt=0, le=0.5, advanced=True)
    ] = 0.15
    validation_share: Annotated[
        float, option("Of the other rows, held out to choose by.", gt=0, le=0.5, advanced=True)
    ] = 0.15
    seed: Annotated[int, option("Of which rows are held out, and of their order.", ge=0, lt=2**32, advanced=True)] = 42

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the models that take part; none where all do that are here."""
        return tuple(dict.fromkeys(name.strip() for name in self.models.split(",") if name.strip()))

    @property
    def most_bytes(self) -> float | None:
        """Of the weights of a model; None where it does not matter."""
        return parse_size(self.under) if self.under else None

    @property
    def most_seconds(self) -> float | None:
        """Of fine-tuning a model; None where it does not matter."""
        return parse_duration(self.within) if self.within else None

    def check(self) -> None:
        """Bounds must be some."""
        for flag, example, text, parsed in (
            ("--under", "100MB", self.under, parse_size),
            ("--within", "10min", self.within, parse_duration),
        ):
            try:
                sensible = not text or parsed(text) > 0
            except ValueError:
                sensible = False
            if not sensible:
                raise OptionInvalid(f"{flag} is {text!r}, which says no bound", f"such as {flag} {example}")
