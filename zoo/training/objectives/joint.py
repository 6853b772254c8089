"""Several objectives over one body: multi-task learning, and L_pre + L_fine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.training.engine import train_sources
from zoo.training.source import Source

if TYPE_CHECKING:
    from zoo.runs.context import FitResult, TrainingRun
    from zoo.training.body import Body


class Joint:
    """What a run with several sources is fitted by.

    Args:
        run: has a run for each source.
        body: that the objectives of all share.
    """

    def __init__(self, run: TrainingRun, body: Body[Any]) -> None:
        from zoo.training.objectives import build_objective

        self._mixing = run.mixing
        self._sources = tuple(
            Source(objective=build_objective(one, body), run=one, weight=one.weight) for one in run.sources
        )

    def fit(self, run: TrainingRun) -> FitResult:
        """Train them with the engine."""
        return train_sources(self._sources, run, self._mixing)
