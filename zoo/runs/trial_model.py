"""A model that is trained in the course of a run, to be judged on rows that it has not seen, and then is forgotten."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo import atomic
from zoo.ability_options import parse_recorded
from zoo.answers import Rejected
from zoo.card import Card
from zoo.catalog import result_cards
from zoo.data import Dataset, split
from zoo.data.example import Example
from zoo.errors import RunCancelled
from zoo.plugins import Plugin
from zoo.plurals import counted
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.baseline import CHUNK, FINISHED, ignore
from zoo.runs.candidate import CandidateStepped
from zoo.runs.context import PredictionRun, TrainingRun
from zoo.runs.events import AnyEvent, Noted, RunPlanned, StepCompleted, Warned
from zoo.runs.preparation import card_of
from zoo.runs.publishing import base_name
from zoo.runs.result import ResultManifest
from zoo.runs.trained_on import count_trained_on

SetAside = Callable[[Sequence[tuple[Example, str]]], None]
"""Takes rows that cannot be used, with the reason."""


class TrialModel:
    """Trains, or goes on with it, and answers.

    Args:
        worker: of the run.
        plugin: that trains.
        card: of the model that it begins from.
        run: a training of the whole; its rows are others.
        folder: of its own.
        name: what the run calls it.
    """

    def __init__(self, worker: Worker, plugin: Plugin, card: Card, run: TrainingRun, folder: Path, name: str) -> None:
        self._worker, self._plugin, self._card, self._run = worker, plugin, card, run
        self._folder, self._name = folder, name

    def train(self, rows: Sequence[Example], set_aside: SetAside = ignore) -> None:
        """Learn from rows, some of which choose the step whose weights are kept; nothing where that is done already.

        Args:
            rows: to learn from.
            set_aside: takes those that turn out unusable; nobody where another training of the run does.

        Raises:
            RunCancelled: somebody asked for it.
        """
        if (self._folder / FINISHED).exists():
            return
        self._worker.emit(Noted(message=f"{self._name}: learns from {counted(len(rows), 'row')}"))
        shutil.rmtree(self._folder / "model", ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        options, target = self._run.options, self._run.task.target
        dataset = Dataset(path=self._worker.request.data.path, examples=tuple(rows), columns={}, target=target)
        train, held_out = split(dataset, options.eval_share, options.seed, target=target)
        run = dataclasses.replace(
            self._run,
            train=train,
            eval=held_out,
            folder=self._folder,
            emit=_Told(self._worker, self._name),
            set_aside=set_aside,
        )
        result = hooks.fit(self._plugin, "finetune", run)
        if result.cancelled:
            raise RunCancelled(f"stopped while {self._name} learnt", "")
        for left in ("checkpoints", "scratch"):
            shutil.rmtree(self._folder / left, ignore_errors=True)
        atomic.write_bytes(self._folder / FINISHED, msgspec.json.encode((result.task, result.labels)))

    def answers(self, rows: Sequence[Example], set_aside: SetAside = ignore) -> Iterator[tuple[Example, Any]]:
        """What it says of rows, as the judge of the task is given it; those that it cannot answer are left out.

        Args:
            rows: to answer.
            set_aside: takes those that are left out; as in `train`.

        Raises:
            RunCancelled: somebody asked for it.
        """
        predictor = hooks.load_predictor(self._plugin, self._prediction())
        for start in range(0, len(rows), CHUNK):
            if self._worker.should_stop():
                raise RunCancelled(f"stopped while {self._name} answered", "")
            part = rows[start : start + CHUNK]
            answers = predictor.judged([one.input for one in part], [one.target for one in part])
            pairs = list(zip(part, answers, strict=True))
            set_aside([(example, answer.reason) for example, answer in pairs if isinstance(answer, Rejected)])
            yield from ((example, answer) for example, answer in pairs if not isinstance(answer, Rejected))

    def _prediction(self) -> PredictionRun:
        """The model, as its plugin is asked for it."""
        run, base = self._run, base_name(self._card)
        task, labels = msgspec.json.decode((self._folder / FINISHED).read_bytes(), type=tuple[str, tuple[str, ...]])
        manifest = ResultManifest(
            name=self._worker.folder.name,
            plugin=self._plugin.name,
            base=base,
            parent=self._card.name,
            verb="finetune",
            task=task or run.task.name,
            labels=labels or run.labels,
        )
        folder = self._folder / "model"
        (card,) = result_cards(manifest, card_of(self._plugin, f"{self._plugin.name}/{base}"), folder)
        return PredictionRun(
            card=card,
            task=run.task,
            weights=folder,
            options=parse_recorded(card.ability("predict", run.task.name), run.task.judged_options),
            device=run.device,
            precision=run.precision,
        )


def warn_of_learnt(worker: Worker, card: Card, rows: Sequence[Example]) -> None:
    """Tell how many of the rows that judge have taught the very model that all trainings begin from."""
    if learnt := count_trained_on(card.name, rows):
        of_all = f"{learnt:,} of {counted(len(rows), 'row')} that judge {'is' if learnt == 1 else 'are'}"
        message = f"{of_all} among those that {card.name} was trained on, and all models begin from it"
        worker.emit(Warned(message=f"{message}: figures are flattered; begin from a model that has not seen them"))


class _Told:
    """What the run is told of such a training: how far it is.

    Args:
        worker: of the run.
        name: of the model.
    """

    def __init__(self, worker: Worker, name: str) -> None:
        self._worker, self._name, self._batch_size = worker, name, 0

    def __call__(self, event: AnyEvent | Any) -> None:
        if isinstance(event, RunPlanned):
            self._batch_size = event.batch_size
        elif isinstance(event, StepCompleted):
            rows = (event.steps - event.step) * self._batch_size
            left = rows / event.samples_per_s if rows and event.samples_per_s else None
            self._worker.emit(
                CandidateStepped(name=self._name, step=event.step, steps=event.steps, loss=event.loss, left_s=left)
            )
