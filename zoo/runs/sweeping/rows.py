"""The rows of a sweep, the same for the worker of the run and for trials that are trained elsewhere."""

from __future__ import annotations

from typing import cast

from zoo.ability_options import parse_recorded
from zoo.enough_rows import check_trials
from zoo.hyperparameters import DataOptions
from zoo.runs.attempt import Worker
from zoo.runs.picking.rows import PickRows, in_nested_order
from zoo.runs.preparation import resolve
from zoo.runs.request import RunRequest
from zoo.runs.training_data import load_training_data
from zoo.runs.trial_model import warn_of_learnt
from zoo.tasks import get_task
from zoo.tasks.task import Task


def task_of(request: RunRequest) -> Task:
    """What all trials learn."""
    return get_task(request.task).divided_at(request.data.separator).named_by(request.data.classes)


def load_rows(worker: Worker, task: Task) -> PickRows:
    """The rows as the training of the recipe divides them; those that it evaluates on choose.

    Raises:
        DatasetInvalid: there are too few.
    """
    request = worker.request
    _, card = resolve(worker)
    ability = card.ability("finetune", request.task)
    options = cast("DataOptions", parse_recorded(ability, request.options))  # has its fields: plugins are held to it
    data = load_training_data(worker, task, options, {} if request.new_heads else card.columns)
    check_trials(len(data.eval))
    warn_of_learnt(worker, card, data.eval)
    return PickRows(data, (), nested=in_nested_order(data.train, task.target, options.seed))
