"""A model that may be picked, or a trial that may be taken: what fine-tuning it takes, what its body knows before, what
it answers after.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import shutil
import time
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

import msgspec

from zoo import atomic
from zoo.ability_options import option_set, parse_recorded
from zoo.answers import Rejected
from zoo.card import Card
from zoo.catalog import result_cards
from zoo.data.example import Example
from zoo.encoding import encode_json
from zoo.enough_rows import FEWEST_CHOOSING
from zoo.errors import DatasetInvalid
from zoo.hyperparameters import DataOptions
from zoo.memory import release_memory
from zoo.plugins import Plugin
from zoo.plurals import counted
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.baseline import ignore
from zoo.runs.candidate import Candidate
from zoo.runs.context import PredictionRun, TrainingRun
from zoo.runs.events import AnyEvent, Noted, PredictionsWritten, RunPlanned
from zoo.runs.log import read_events
from zoo.runs.picking.rows import PickRows
from zoo.runs.preparation import card_of, fetch_weights, resolve
from zoo.runs.publishing import publish
from zoo.runs.request import StudentRequest
from zoo.runs.result import MANIFEST, ResultManifest
from zoo.runs.shrinking.measuring import Answered, Stopped, answer_rows, check_stop
from zoo.runs.shrinking.student_worker import StudentWorker
from zoo.runs.snapshot import fold
from zoo.runs.store import RunFolder, size_bytes
from zoo.runs.trained_on import count_trained_on
from zoo.runs.training_data import TrainingData
from zoo.runs.training_job import Part, drop_unfinished, run_of
from zoo.sanitize import one_line
from zoo.tasks.task import Task

FOLDS = 5
"""That rows are divided into where nothing is trained."""
MOST_PROBED = 2_000
"""Rows that a body is asked about before anything is trained."""
ALL_ROWS = "all rows"
"""The last stage."""
JUDGED, ANSWERS = "judged.json", "answers.json"
"""What is known of a stage that is done: an attempt to come need not do it again."""


class Plan(msgspec.Struct, frozen=True):
    """What fine-tuning a model on all rows takes."""

    epochs: float = 0.0
    """0 where it has a loop of its own, which does not say."""
    seconds: float | None = None
    """None where that is not known."""


class Trained(NamedTuple):
    """What came of a fine-tuning."""

    card: Card
    folder: Path
    manifest: ResultManifest


class Entrant:
    """A model that takes part.

    Args:
        worker: of the run.
        request: of the model and its fine-tuning.
        task: that is learnt.
        rows: that it is tried on.
    """

    def __init__(self, worker: Worker, request: StudentRequest, task: Task, rows: PickRows) -> None:
        self.name, self._worker, self._request, self._task, self._rows = request.name, worker, request, task, rows
        self._own = StudentWorker(worker, request)
        self._took = self._own.folder.path / "seconds.json"

    @property
    def seconds(self) -> float:
        """That trying it took by now, in earlier attempts and at a place, too."""
        return msgspec.json.decode(self._took.read_bytes(), type=float) if self._took.exists() else 0.0

    @property
    def settings(self) -> dict[str, Any]:
        """In which it differs from the other trials of a sweep; none of a model that may be picked."""
        return self._request.settings

    @cached_property
    def plugin(self) -> Plugin:
        """That has it."""
        return self._resolved[0]

    @cached_property
    def card(self) -> Card:
        """Of it; errors as in `resolve`."""
        return self._resolved[1]

    @cached_property
    def _resolved(self) -> tuple[Plugin, Card]:
        return resolve(self._own)

    def learnt(self, examples: Sequence[Example]) -> int:
        """How many examples have an input that it, or a model that it was made from, has been trained on."""
        return count_trained_on(self.card.name, examples)

    def plan(self) -> Plan:
        """What its fine-tuning takes, by its first steps here.

        Raises:
            Stopped: somebody asked for it; what a few steps say by then is not kept.
        """
        path = self._own.folder.path / "plan.json"
        if not path.exists():
            plans: list[RunPlanned] = []

            def look(event: AnyEvent) -> None:
                if isinstance(event, RunPlanned):
                    plans.append(event)

            with self._timed():
                run = dataclasses.replace(self._run(self._own, self._rows.data), dry_run=True, emit=look)
                hooks.fit(self.plugin, "finetune", dataclasses.replace(run, set_aside=ignore))
            check_stop(self._worker.should_stop)
            plan = Plan()
            if plans:
                planned = plans[-1]
                rate = planned.samples_per_s
                seconds = planned.steps * planned.batch_size / rate if rate else None
                plan = Plan(planned.epochs, planned.trial.training_s(planned.steps) if planned.trial else seconds)
            atomic.write_bytes(path, msgspec.json.encode(plan))
        return msgspec.json.decode(path.read_bytes(), type=Plan)

    def passes(self) -> Plan:
        """How many passes it makes over the rows: as was said, else as its first steps here say; errors as `plan`."""
        epochs = self._request.training.options.get("epochs")
        return Plan(float(epochs)) if epochs else self.plan()

    def known(self, stage: str) -> Candidate | None:
        """What an earlier attempt has found of a stage; None where it was not done."""
        path = self._own.folder.path / _folder_of(stage) / JUDGED
        if not path.exists():
            return None
        return msgspec.json.decode(path.read_bytes(), type=Candidate)

    def keep(self, stage: str, candidate: Candidate, answers: Sequence[Any] | None = None) -> None:
        """Keep what was found for an attempt to come.

        Args:
            stage: of it.
            candidate: what is known by then.
            answers: to the rows that choose, where they are needed later.
        """
        folder = self._own.folder.path / _folder_of(stage)
        folder.mkdir(parents=True, exist_ok=True)
        if answers is not None:
            tagged = [(type(one).__name__, one) for one in answers]
            atomic.write_bytes(folder / ANSWERS, encode_json(tagged))
        atomic.write_bytes(folder / JUDGED, msgspec.json.encode(candidate))

    def known_answers(self, stage: str) -> list[Any]:
        """The answers that were kept of a stage that is known."""
        kinds = {one.__name__: one for one in (Rejected, self._task.prediction, *get_args(self._task.prediction))}
        path = self._own.folder.path / _folder_of(stage) / ANSWERS
        return [msgspec.convert(one, kinds[kind]) for kind, one in msgspec.json.decode(path.read_bytes())]

    def objective(self) -> Any:
        """What its training would begin with; None where its body makes no single vector of an input."""
        run = dataclasses.replace(self._run(self._own, self._rows.data), emit=ignore, precision="fp32", exact=True)
        trainable = self.plugin.hook("finetune")(run=run)
        pooled = importlib.import_module("zoo.training.objectives").PooledObjective
        return trainable if isinstance(trainable, pooled) else None

    def probed(self, rows: int) -> Any:
        """What nearest neighbours and a linear head say of rows that they have not seen; None where its body makes no
        single vector of an input.

        Raises:
            DatasetInvalid: it can read too few of them.
            Stopped: somebody asked for it; RunCancelled likewise.
        """
        probing = importlib.import_module("zoo.training.probing")
        with self._timed():
            objective = self.objective()
            if objective is None:
                return None
            examples, device = self._rows.data.train[:rows], self._request.training.device
            known = probing.vectors_of(
                objective, device, self.name, examples, partial(check_stop, self._worker.should_stop)
            )
            if len(known.examples) < FEWEST_CHOOSING:
                raise DatasetInvalid(f"it can read {len(known.examples):,} of {counted(len(examples), 'row')}")
            folds = probing.folds_of(self._task, known.examples, FOLDS)
            return probing.out_of_fold(objective, known, folds, self._worker.should_stop)

    def trained(self, rows: int, plan: Plan) -> Trained:
        """Fine-tune it on the first rows, or go on with that; on all of them as by itself.

        Raises:
            Stopped: somebody asked for it.
        """
        # A result has the name of the folder that it is in: here that of the run, whose model it may become.
        place = f"{rows}-rows"
        self._follow_name(self._own.folder.path / place)
        worker = StudentWorker(self._worker, self._request, place, self._worker.folder.name)
        folder = worker.folder.model_folder
        if not (folder / MANIFEST).exists():
            drop_unfinished(worker)
            data = self._rows.first(rows)
            run = self._run(worker, data)
            if rows < len(self._rows.data.train):
                run = dataclasses.replace(run, options=_as_long(run.options, plan))
            with self._timed():
                try:
                    result = hooks.fit(self.plugin, "finetune", run)
                finally:
                    shutil.rmtree(run.scratch_folder, ignore_errors=True)
            if result.cancelled:
                raise Stopped
            publish(worker, self.plugin, self.card, run, result, [data])
            shutil.rmtree(worker.folder.checkpoints_folder, ignore_errors=True)
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=ResultManifest)
        base = card_of(self.plugin, f"{self.plugin.name}/{manifest.base}")
        (card,) = result_cards(manifest, base, folder)
        return Trained(card, folder, manifest)

    def _follow_name(self, place: Path) -> None:
        """Go on with what an earlier attempt has begun also where the run was called otherwise then."""
        for folder in list(place.iterdir()) if place.is_dir() else ():
            if folder.is_dir() and folder.name != self._worker.folder.name:
                folder.rename(place / self._worker.folder.name)

    def forget(self, trained: Trained) -> None:
        """Remove the weights of a training that is judged."""
        shutil.rmtree(trained.folder, ignore_errors=True)

    def forget_weights(self, rows: int) -> None:
        """Remove what came of a training on so many rows, where it is still there."""
        shutil.rmtree(self._own.folder.path / f"{rows}-rows", ignore_errors=True)

    def answered(self, trained: Trained, examples: Sequence[Example]) -> Answered:
        """What it answers to rows, and what that takes.

        Raises:
            DatasetInvalid: it answers none of them.
            Stopped: somebody asked for it.
        """
        training = self._request.training
        ability = trained.card.ability("predict", self._task.name)
        known = option_set(ability).__struct_fields__
        options = {name: value for name, value in self._task.judged_options.items() if name in known}
        run = PredictionRun(
            card=trained.card,
            task=self._task,
            weights=trained.folder,
            options=parse_recorded(ability, options),
            device=training.device,
            precision=training.precision if training.precision in ability.precisions else "fp32",
            note=ignore,
        )
        release_memory()
        taken = answer_rows(
            lambda: hooks.load_predictor(self.plugin, run),
            examples,
            self._worker.should_stop,
            lambda done: self._worker.emit(PredictionsWritten(rows=done, total_rows=len(examples))),
        )
        if all(isinstance(one, Rejected) for one in taken.answers):
            raise DatasetInvalid(f"it answers none of {counted(len(examples), 'row')}")
        return taken

    def measured(self, stage: str, number: int, trained: Trained, answered: Answered) -> Candidate:
        """What is known of it by then, its figure aside.

        Args:
            stage: what its figure is of.
            number: of the rows that it has learnt from.
            trained: what came of that.
            answered: what it answers, and what that takes.
        """
        return Candidate(
            name=self.name,
            stage=stage,
            precision=self._request.training.precision,
            size_bytes=_weights_bytes(trained) if self.settings else size_bytes(trained.folder),
            memory_bytes=answered.memory_bytes,
            latency_s=answered.latency_s,
            rows_per_s=answered.rows_per_s,
            seconds=self.seconds,
            settings=self.settings,
            rows_learnt=_rows_learnt(RunFolder(trained.folder.parent), number) if self.settings else 0,
        )

    def _run(self, worker: StudentWorker, data: TrainingData) -> TrainingRun:
        ability = self.card.ability("finetune", self._task.name)
        # Has its fields: plugins are held to it.
        options = cast("DataOptions", parse_recorded(ability, worker.request.options))
        part = Part(worker, "finetune", self._task, options, dataclasses.replace(data, worker=worker))
        run = run_of(worker, part, self.card, fetch_weights(worker, self.card))
        return dataclasses.replace(run, set_aside=lambda unusable: self._note_unusable(worker, unusable))

    def _note_unusable(self, worker: StudentWorker, unusable: Sequence[tuple[Example, str]]) -> None:
        """Rows that one model cannot read are nothing to the others."""
        if unusable:
            rows, (example, reason) = counted(len(unusable), "row"), unusable[0]
            worker.emit(Noted(message=f"cannot learn from {rows}, first row {example.row}: {one_line(reason)}"))

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        begun, before = time.perf_counter(), self.seconds
        try:
            yield
        finally:
            atomic.write_bytes(self._took, msgspec.json.encode(before + time.perf_counter() - begun))
            release_memory()


def _as_long(options: Any, plan: Plan) -> Any:
    """As many passes as over all rows, judged once, in the end."""
    changes: dict[str, Any] = {"epochs": plan.epochs, "eval_steps": 1_000_000} if plan.epochs else {}
    fields = type(options).__struct_fields__
    return msgspec.structs.replace(options, **{name: new for name, new in changes.items() if name in fields})


def _weights_bytes(trained: Trained) -> int:
    """Of what a training has made, without what tells of the training."""
    return sum(file.size_bytes or 0 for file in trained.manifest.files)


def _rows_learnt(folder: RunFolder, rows: int) -> int:
    """Rows that a training went through, each as often as it did; 0 where its plugin does not say.

    The last batch of a pass is as short as it has to be: however large batches are, passes are of as many rows.
    """
    s = fold(read_events(folder)[0])
    if s.plan is None:
        return 0
    # One that ends early ends at an evaluation, and the last steps before that may be told by nothing else.
    step = max(s.step, *(one.step for one in s.evaluations), 0)
    if not s.plan.epochs:
        return step * s.plan.batch_size
    passes, left = divmod(step, max(1, round(s.plan.steps / s.plan.epochs)))
    return passes * rows + min(rows, left * s.plan.batch_size)


def _folder_of(stage: str) -> str:
    """Named by the stage, of which a share of the rows is a fraction."""
    return stage.replace("/", "-").replace(" ", "-")
