"""A smaller network that learns to answer as a model does (Hinton et al. 2015, arXiv:1503.02531)."""

from __future__ import annotations

import dataclasses
import importlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import msgspec

from zoo.ability_options import parse_recorded
from zoo.card import Card
from zoo.catalog import result_cards
from zoo.data.example import Example
from zoo.data.splitting import input_key
from zoo.errors import DatasetInvalid
from zoo.hyperparameters import DataOptions
from zoo.plugins import Plugin
from zoo.plurals import counted
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.baseline import ignore
from zoo.runs.checkpoints import newest_step
from zoo.runs.context import TrainingRun
from zoo.runs.events import AnyEvent, Noted, RunPlanned
from zoo.runs.preparation import card_of, fetch_weights, resolve
from zoo.runs.publishing import publish
from zoo.runs.request import StudentRequest
from zoo.runs.result import MANIFEST, ResultManifest
from zoo.runs.shrinking.attempt import Attempt, Model
from zoo.runs.shrinking.measuring import Stopped
from zoo.runs.shrinking.packed import Packed, copy_linked
from zoo.runs.shrinking.student_worker import StudentWorker
from zoo.runs.teaching import teach
from zoo.runs.trained_on import record
from zoo.runs.training_data import TrainingData, load_training_data
from zoo.runs.training_job import Part, drop_unfinished, run_of
from zoo.tasks import get_task
from zoo.units import count, duration


class Student:
    """A form: another network, trained on the answers of the model.

    Args:
        attempt: at making that model smaller.
        request: of its training.
    """

    trainable = True

    def __init__(self, attempt: Attempt, request: StudentRequest) -> None:
        self._attempt, self._request = attempt, request
        self._model: Model | None = None

    @property
    def name(self) -> str:
        """That of the card."""
        return self._request.name

    @property
    def student(self) -> str:
        """It is one."""
        return self._request.name

    @property
    def words(self) -> str:
        """Whose answers it has learnt."""
        if self._request.prune:
            return f"{self._request.prune:.0%} of each of its layers taken out, then fine-tuned"
        return f"{self.name}, which learnt the answers of {self._attempt.model.card.name}"

    @property
    def in_8_bits(self) -> Packed:
        """The same with packed weights, once it is trained."""
        words = f"{self.words}, in 8 bits a weight"
        return Packed(self._attempt, "int8", self._trained, f"{self.name} int8", words, self.student)

    def usage(self, name: str) -> str:
        """As they are."""
        export = f"zoo export {name} {name}-as-files"
        return f"Other libraries read these weights as they are; `{export}` writes them without the stored answers."

    def make(self, folder: Path) -> Model:
        """Train it, or go on with it."""
        self._model = self._train()
        copy_linked(self._model.folder, folder)
        return self._model._replace(folder=folder)

    def _beginning(self, plugin: Plugin, run: TrainingRun) -> Path | None:
        """The weights that its training begins from: for another network as its card has them."""
        share, folder = self._request.prune, run.folder / "pruned"
        if not share or folder.exists():
            return folder if share else run.weights
        objective = plugin.hook("finetune")(run=dataclasses.replace(run, emit=ignore))
        pruning = importlib.import_module("zoo.training.pruning")
        done = pruning.prune_folder(self._attempt.model.folder, folder, share, objective, run)
        self._attempt.note(f"{self.name}: {done}")
        return folder

    def _trained(self) -> Model:
        if self._model is None:
            raise DatasetInvalid(f"{self.name} could not be trained", "")
        return self._model

    def _train(self) -> Model:
        worker = StudentWorker(self._attempt.worker, self._request)
        plugin, card = resolve(worker)
        if not (worker.folder.model_folder / MANIFEST).exists():
            _Training(worker, plugin, card).fit(self._attempt.examples, self._beginning)
        return _result(worker, plugin)


class _Training:
    """The fine-tuning of a network on what its teacher answers."""

    def __init__(self, worker: StudentWorker, plugin: Plugin, card: Card) -> None:
        self._worker, self._plugin, self._card = worker, plugin, card
        request = worker.request
        ability = card.ability("finetune", request.task)
        self._task = get_task(ability.task).divided_at(request.data.separator).named_by(request.data.classes)
        # Has its fields: plugins are held to it.
        self._options = cast("DataOptions", parse_recorded(ability, request.options))

    def fit(self, judged: Sequence[Example], beginning: Callable[[Plugin, TrainingRun], Path | None]) -> None:
        """Do it, or go on with it, and publish what comes of it in its own folder.

        Args:
            judged: rows that it must not learn from.
            beginning: the weights that it begins from.

        Raises:
            Stopped: somebody asked for it.
            DatasetInvalid: nothing is left to learn from.
        """
        worker, plugin = self._worker, self._plugin
        drop_unfinished(worker)
        data = _without(judged, load_training_data(worker, self._task, self._options, self._card.columns), worker)
        data, teaching = teach(worker, self._task, data)
        part = Part(worker, "finetune", self._task, self._options, data, teaching=teaching)
        run = run_of(worker, part, self._card, fetch_weights(worker, self._card))
        try:
            run = dataclasses.replace(run, weights=beginning(plugin, run))
            if newest_step(worker.folder.checkpoints_folder) is None:
                _tell_cost(worker, plugin, run)
            result = hooks.fit(plugin, "finetune", run)
        finally:
            shutil.rmtree(run.scratch_folder, ignore_errors=True)
        if result.cancelled:
            raise Stopped
        publish(worker, plugin, self._card, run, result, [data])
        shutil.rmtree(worker.folder.checkpoints_folder, ignore_errors=True)


def _without(judged: Sequence[Example], data: TrainingData, worker: Worker) -> TrainingData:
    """The data without the rows that judge.

    Raises:
        DatasetInvalid: nothing is left.
    """
    keys = set(map(input_key, judged))
    train, held_out = (tuple(one for one in rows if input_key(one) not in keys) for rows in (data.train, data.eval))
    if left_out := len(data.train) + len(data.eval) - len(train) - len(held_out):
        worker.emit(Noted(message=f"{counted(left_out, 'row')} left out, as they are among those that judge"))
        record(worker.folder, map(input_key, train))
    if not train:
        raise DatasetInvalid("all rows to learn from are among those that judge", "name others: --train FILE")
    return dataclasses.replace(data, train=train, eval=held_out)


def _tell_cost(worker: StudentWorker, plugin: Plugin, run: TrainingRun) -> None:
    """Say what the training takes, before it begins, by its first steps."""
    plans: list[RunPlanned] = []

    def look(event: AnyEvent) -> None:
        if isinstance(event, RunPlanned):
            plans.append(event)

    hooks.fit(plugin, "finetune", dataclasses.replace(run, dry_run=True, emit=look, set_aside=ignore))
    if not plans:  # a loop of the plugin's own, which does not say
        return
    plan = plans[-1]
    takes = f", about {duration(plan.steps * plan.batch_size / plan.samples_per_s)}" if plan.samples_per_s else ""
    size = f" of {count(plan.parameters)} parameters" if plan.parameters else ""
    rows = counted(len(run.train), "row")
    steps = f"{counted(plan.steps, 'step')} of {plan.batch_size}, {counted(plan.epochs, 'epoch')}"
    worker.emit(Noted(message=f"a network{size} learns from {rows}: {steps}{takes}"))


def _result(worker: StudentWorker, plugin: Plugin) -> Model:
    """What a training has published."""
    folder = worker.folder.model_folder
    manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=ResultManifest)
    (card,) = result_cards(manifest, card_of(plugin, f"{plugin.name}/{manifest.base}"), folder)
    return Model(plugin, card, manifest.base, folder, "fp32")
