"""What a training consists of, once all is settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.hyperparameters import TrainingOptions
from zoo.runs.context import TrainingRun
from zoo.training.methods import Method
from zoo.training.objective import Objective
from zoo.training.plan import Plan

if TYPE_CHECKING:
    from accelerate.accelerator import Accelerator


@dataclass(frozen=True)
class TrainingSetup:
    """What is trained, by which method and plan, and where."""

    objective: Objective[Any]
    run: TrainingRun
    accelerator: Accelerator
    method: Method
    plan: Plan

    @property
    def options(self) -> TrainingOptions:
        """Of the run."""
        options: TrainingOptions = self.run.options
        return options
