"""What a federated run begins with, whether its clients are simulated or elsewhere, or it is one itself."""

from __future__ import annotations

from typing import NamedTuple, cast

from zoo.ability_options import parse_recorded
from zoo.card import Card
from zoo.hyperparameters import DataOptions, FederationOptions
from zoo.options import parse
from zoo.plugins import Plugin
from zoo.runs.attempt import Worker
from zoo.runs.events import Noted
from zoo.runs.preparation import resolve
from zoo.runs.training_job import drop_unfinished
from zoo.tasks import get_task
from zoo.tasks.task import Task


class Federated(NamedTuple):
    """What is learnt together, and how."""

    plugin: Plugin
    card: Card
    task: Task
    options: DataOptions
    federation: FederationOptions


def prepare(worker: Worker) -> Federated:
    """Find what is learnt, and drop what an earlier attempt has left unfinished."""
    request = worker.request
    assert request.federation is not None
    plugin, card = resolve(worker)
    drop_unfinished(worker)
    ability = card.ability("finetune", request.task)
    task = get_task(ability.task).divided_at(request.data.separator).named_by(request.data.classes)
    options = cast("DataOptions", parse_recorded(ability, request.options))  # has its fields: plugins are held to it
    if request.task_reason:
        worker.emit(Noted(message=request.task_reason))
    return Federated(plugin, card, task, options, parse(FederationOptions, request.federation.options))
