"""Several objectives over one body: multi-task learning, and L_pre + L_fine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zoo.training.engine import train_sources
from zoo.training.source import Source

if TYPE_CHECKING:
    from zoo.runs.context import FitResult, TrainingRun
    from zoo.training.body import Body


class Joint:
    """What a run with several sources is fitted by.

    Each source has a body of its own, which prepares its inputs as its options say; the network of all is that of the
    first.

    Args:
        run: has a run for each source.
        body: makes that of one of these.
    """

    def __init__(self, run: TrainingRun, body: Callable[[TrainingRun], Body[Any]]) -> None:
        self._mixing = run.mixing
        rows = tuple(example for one in run.sources for example in one.train)
        first, *others = (dataclasses.replace(one, rows_of_all=rows) for one in run.sources)
        shared = body(first)
        sources = [_source(first, shared)]
        for one in others:
            of_source = body(one)
            of_source.share(shared)
            sources.append(_source(one, of_source))
        self._sources = tuple(sources)

    def fit(self, run: TrainingRun) -> FitResult:
        """Train them with the engine."""
        return train_sources(self._sources, run, self._mixing)


def _source(run: TrainingRun, body: Body[Any]) -> Source:
    return Source(objective=body.objective(run), run=run, weight=run.weight)
