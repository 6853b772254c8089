"""Which models the screen shows, and in which order: the filters that keys go through, the column sorted by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from zoo.model_filter import ModelFilter
from zoo.ranking import order_key, rank
from zoo.suggested import SuggestedModel
from zoo.tui.feed import ModelLine
from zoo.units import count, size

Value = TypeVar("Value")
SORTS = ("", "name", "tasks", "family", "parameters", "size", "here", "used")
"""What S goes through; empty is the order of the catalog."""
SIZES = (None, 5_000_000, 25_000_000, 100_000_000)
"""Most parameters, of what Z goes through."""
FITS = ("", "predict", "finetune")
"""What M goes through."""


_SUGGESTED_SORT_KEYS: dict[str, Callable[[SuggestedModel], tuple[bool, object]]] = {
    "name": lambda model: (True, model.repository.lower()),
    "tasks": lambda model: (True, model.task),
    "parameters": lambda model: (model.parameters is not None, model.parameters),
}


class ModelList:
    """The state of the list."""

    def __init__(self) -> None:
        self.filter = ModelFilter()
        self.sort, self.descending = "", False

    def __str__(self) -> str:
        """What it is narrowed down to; empty where it is not."""
        chosen = self.filter
        room = "measuring memory" if chosen.memory_bytes is None else f"in {size(chosen.memory_bytes)}"
        most = chosen.max_parameters
        parts = (
            f"task: {chosen.task}" if chosen.task else "",
            f"family: {chosen.family}" if chosen.family else "",
            f"up to {count(most)}" if most is not None else "",
            f"fits: {chosen.fits} {room}" if chosen.fits else "",
        )
        return "  ".join(filter(None, parts))

    def lines(self, models: Iterable[ModelLine], words: Sequence[str]) -> list[ModelLine]:
        """The models to show.

        Args:
            models: all, in order.
            words: that a model has to have, in lower case; they find those that are folded away, too.
        """
        lines = [
            line
            for line in models
            if self.filter.matches(line.card)
            and all(word in line.haystack for word in words)
            and (words or not line.card.superseded_by)
        ]
        if self.sort:
            lines.sort(key=lambda line: _sort_key(line, self.sort), reverse=self.descending)
        elif words or self.filter.task:  # otherwise they are in order
            lines.sort(key=lambda line: order_key(line.card, words, self.filter.task))
        return lines

    def suggested(self, models: Iterable[SuggestedModel], words: Sequence[str]) -> list[SuggestedModel]:
        """The models to pull that belong into the same list; their family and what fits are not known.

        Args:
            models: all that could be pulled, in order.
            words: as for `lines`.
        """
        chosen = self.filter
        if chosen.family or chosen.fits:
            return []
        rows = [one for one in models if one.matches(words, task=chosen.task, max_parameters=chosen.max_parameters)]
        if self.sort in _SUGGESTED_SORT_KEYS:
            rows.sort(key=_SUGGESTED_SORT_KEYS[self.sort], reverse=self.descending)
        return rows

    def next_task(self, models: Iterable[ModelLine], suggested: Iterable[SuggestedModel]) -> None:
        """Those of one task after the other."""
        tasks = ["", *sorted({task for line in models for task in line.card.tasks} | {one.task for one in suggested})]
        self.filter = replace(self.filter, task=_after(self.filter.task, tasks))

    def next_family(self, models: Iterable[ModelLine]) -> None:
        """Those of one family after the other, of the models that the other filters leave."""
        others = replace(self.filter, family="")
        families = ["", *sorted({line.card.family for line in models if others.matches(line.card)})]
        self.filter = replace(self.filter, family=_after(self.filter.family, families))

    def next_size(self) -> None:
        """Those of fewer parameters."""
        self.filter = replace(self.filter, max_parameters=_after(self.filter.max_parameters, SIZES))

    def next_verb(self) -> None:
        """Those that memory has room for, to predict and to fine-tune."""
        self.filter = replace(self.filter, fits=_after(self.filter.fits, FITS))

    def next_sort(self) -> None:
        """By one column after the other."""
        self.sort_by(_after(self.sort, SORTS))

    def sort_by(self, key: str) -> None:
        """By a column; once more turns the order."""
        self.descending = not self.descending if key == self.sort and key else key in ("parameters", "size", "used")
        self.sort = key


def _after(value: Value, values: Sequence[Value]) -> Value:
    """The next one, the first after the last; the first where the value is none of them."""
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]


def _sort_key(line: ModelLine, key: str) -> tuple[bool, object]:
    """What is not known comes last, or first where the order is turned."""
    card = line.card
    value: object = {
        "name": card.name.lower(),
        "mark": rank(card),
        "tasks": card.tasks,
        "family": card.family,
        "parameters": card.parameters,
        "size": card.weights.size_bytes if card.weights else None,
        "here": not line.local,
        "runs": line.runs,
        "used": line.used_at,
        "plugin": card.plugin,
    }[key]
    return (value is not None, value) if key in ("parameters", "size", "used") else (True, value)
