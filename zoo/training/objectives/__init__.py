"""Objectives for any body: what is learnt, whatever network learns it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from zoo.errors import PluginBroken, Unsupported
from zoo.training.objective import Objective
from zoo.training.objectives.classification import Classification
from zoo.training.objectives.label_sets import LabelSets
from zoo.training.objectives.masked_lm import MaskedLanguageModelling
from zoo.training.objectives.pooled import PooledObjective
from zoo.training.objectives.regression import Regression

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun
    from zoo.tasks.task import Task
    from zoo.training.body import Body
    from zoo.training.objectives.contrastive import Contrastive

__all__ = [
    "Classification",
    "Contrastive",
    "LabelSets",
    "MaskedLanguageModelling",
    "PooledObjective",
    "Regression",
    "build_objective",
    "objective_class",
    "pooled_objective",
]


def objective_class(task: Task) -> type[Any]:
    """What a task is learnt by.

    Raises:
        Unsupported: the task says nothing of it.
        PluginBroken: there is no such class.
    """
    if not task.objective:
        raise Unsupported(f"{task.name} has no objective that bodies are trained by", "choose another --task")
    module, _, name = task.objective.partition(":")
    try:
        objective_class: type[Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise PluginBroken(
            f"task {task.name} is learnt by {task.objective!r}: {error}",
            "Task.objective is MODULE:CLASS, such as zoo.training.objectives:Classification",
        ) from error
    return objective_class


def build_objective(run: TrainingRun, body: Body[Any]) -> Objective[Any]:
    """The objective of the run's task on a body.

    Raises:
        Unsupported: the task has none, or the body does not provide what it needs.
        PluginBroken: it cannot be imported.
    """
    if lacking := sorted(run.task.needs - body.provides):
        raise Unsupported(
            f"{run.task.name} needs {', '.join(lacking)} of a body, and that of {run.card.name} provides "
            f"{', '.join(sorted(body.provides)) or 'nothing'}",
            "the author of the plugin must not offer that task, or give it a body that does (zoo plugins guide body)",
        )
    objective: Objective[Any] = objective_class(run.task)(run, body)
    return objective


def pooled_objective(task: Task) -> type[PooledObjective]:
    """What reads the outputs of the task's head.

    Raises:
        Unsupported: the task is not answered by a head on pooled vectors.
        PluginBroken: it cannot be imported.
    """
    objective = objective_class(task)
    if not issubclass(objective, PooledObjective):
        raise Unsupported(f"{task.name} is not answered by a head on one vector an input", "choose another --task")
    return objective


def __getattr__(name: str) -> Any:
    """What not every plugin has the packages for."""
    if name == "Contrastive":
        from zoo.training.objectives.contrastive import Contrastive

        return Contrastive
    raise AttributeError(f"module 'zoo.training.objectives' has no attribute {name!r}")
