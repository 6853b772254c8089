"""What a comparison says: the models, the tests between them, the rows they answer otherwise, settings, cost."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from zoo.blocks import Block

ALPHA = 0.05
"""Two models are told apart where the corrected p-value is below this."""


class Figure(msgspec.Struct, frozen=True):
    """A figure."""

    value: float | None
    """None where the answers of the model have none."""
    low: float | None = None
    """Of its 95% interval; None where nothing says how sure it is."""
    high: float | None = None


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a run took; None wherever nothing was recorded."""

    steps: int | None = None
    seconds: float | None = None
    """That workers spent on it, over all attempts."""
    memory_bytes: int | None = None
    """Most that a step was recorded with."""
    parameters: int | None = None
    weights_bytes: int | None = None


class ComparedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One of those that are compared."""

    name: str
    """As it was named: a run, one of its heads, or a model."""
    model: str
    """`plugin/name` of what answered; empty where there is no model."""
    verb: str = ""
    """Of its run; empty for a model that comes with a plugin."""
    status: str = ""
    """Likewise."""
    metrics: dict[str, Figure] = {}
    """On the rows of the comparison; as the run recorded them where there is no test. The primary one comes first."""
    judged_on: str = ""
    """Where the recorded figures are from."""
    trained_on: int = 0
    """Of the rows of the comparison, those that it has learnt from: its figures are flattered."""
    cost: Cost = Cost()


class PairTest(msgspec.Struct, frozen=True, kw_only=True):
    """Two models on the same rows."""

    first: str
    second: str
    difference: float | None
    """The figure of the first less that of the second; None where one of them has none."""
    low: float | None
    """Of the 95% interval of the difference; None where there is none, or no draw of the rows has a figure."""
    high: float | None
    test: str
    """`McNemar, exact`, or `paired bootstrap`."""
    p: float | None
    corrected: float | None
    """The p-value corrected for the number of pairs: by Holm's steps, of draws by those of Romano and Wolf."""
    better_first: int
    """Rows that the first answers better than the second."""
    better_second: int

    @property
    def tied(self) -> bool:
        """Whether the test does not tell them apart; not where one of them has no figure."""
        return self.difference is not None and (self.corrected is None or self.corrected >= ALPHA)


class Setting(msgspec.Struct, frozen=True):
    """Something that was not the same for all."""

    name: str
    values: tuple[str, ...]
    """In the order of the models; `-` where there is no such thing."""


class DifferingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that not all answer alike."""

    row: int
    """1-based row of the data."""
    input: str
    """As a person sees it."""
    target: str
    """What the data say, as a cell of a table has it."""
    answers: tuple[str, ...]
    """In the order of the models, as cells of a table."""
    figures: tuple[float | None, ...]
    """The metric of the comparison, of this row alone; None where one row alone has none."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say of several runs or models beside one another."""

    models: tuple[ComparedModel, ...]
    task: str = ""
    """That they were held against the same rows for; empty where they were not."""
    metric: str = ""
    """That the tests are of."""
    larger_is_better: bool = True
    rows: int = 0
    """That all have answered."""
    data: str = ""
    """Where these rows are from."""
    untested: str = ""
    """Why there is no test; empty where there is one."""
    pairs: tuple[PairTest, ...] = ()
    differing: tuple[DifferingRow, ...] = ()
    """Those first that are answered most unequally well."""
    settings: tuple[Setting, ...] = ()
    notes: tuple[str, ...] = ()

    def figure(self, name: str) -> float:
        """The metric of the comparison, of the model of that name; not a number where its answers have none."""
        value = next(one.metrics[self.metric].value for one in self.models if one.name == name)
        return math.nan if value is None else value

    @property
    def without_figure(self) -> tuple[str, ...]:
        """Names of the models whose answers have no such metric, where there is a test."""
        return tuple(one.name for one in self.models if math.isnan(self.figure(one.name))) if self.pairs else ()

    @property
    def best(self) -> str:
        """Name of the model with the best figure; empty where there is no test."""
        names = [one.name for one in self.models if one.name not in self.without_figure]
        if not self.pairs or not names:
            return ""
        return max(names, key=lambda name: self.figure(name) * (1 if self.larger_is_better else -1))

    @property
    def tied_with_best(self) -> tuple[str, ...]:
        """Those that no test tells apart from the best, it among them, in the order of the models."""
        best = self.best
        tied = {best} | {
            name
            for pair in self.pairs
            if pair.tied and best in (pair.first, pair.second)
            for name in (pair.first, pair.second)
        }
        return tuple(one.name for one in self.models if one.name in tied) if best else ()

    @property
    def choice(self) -> str:
        """Name of the model to take: the smallest of those that are tied with the best; empty where nothing says."""
        sizes = {one.name: one.cost.weights_bytes for one in self.models}
        tied = self.tied_with_best
        known = [name for name in tied if sizes[name] is not None]
        if len(tied) < 2 or len(known) < len(tied):
            return self.best if len(tied) < 2 else ""
        return min(known, key=lambda name: sizes[name] or 0)

    @property
    def verdict(self) -> str:
        """What the tests come to, in a sentence."""
        from zoo.comparison.words import verdict

        return verdict(self)

    def blocks(self) -> tuple[Block, ...]:
        """All of it as views draw it."""
        from zoo.comparison.words import blocks

        return blocks(self)

    def _repr_html_(self) -> str:
        from zoo.rendering.html import html

        return html(self.blocks())


def document(comparison: Comparison) -> dict[str, Any]:
    """A comparison as JSON has it."""
    return {
        **msgspec.to_builtins(comparison),
        "pairs": [{**msgspec.to_builtins(pair), "tied": pair.tied} for pair in comparison.pairs],
        "best": comparison.best,
        "tied_with_best": list(comparison.tied_with_best),
        "choice": comparison.choice,
        "verdict": comparison.verdict,
    }
