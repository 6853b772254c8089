"""Shrinking: a model and data in, a smaller model out that answers as well, or the reason why there is none."""

from __future__ import annotations

import importlib
import shutil
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo.ability_options import parse_recorded
from zoo.answers import Rejected
from zoo.card import Card
from zoo.data import Dataset
from zoo.devices import available, is_native
from zoo.disk import store_error
from zoo.errors import DatasetInvalid, GateNotPassed, RunCancelled, ZooError
from zoo.file_cache import release
from zoo.options import parse
from zoo.plugins import Plugin
from zoo.plurals import counted
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.candidate import Candidate
from zoo.runs.context import PredictionRun
from zoo.runs.evaluation_job import load_judged_data
from zoo.runs.events import AnyEvent, CandidateMeasured, EvaluationCompleted, Noted, PredictionsWritten, RunFinished
from zoo.runs.events import RunCancelled as RunCancelledEvent
from zoo.runs.heads import link, link_file, merge
from zoo.runs.judging import CheckedJudge
from zoo.runs.preparation import fetch_weights, judging_options, resolve
from zoo.runs.shrinking.gate import Gate, Judged
from zoo.runs.shrinking.measuring import WARMED, Answered, Stopped, answer_rows
from zoo.runs.shrinking.publishing import ADAPTER, publish_shrunk
from zoo.runs.store import maker_of, size_bytes
from zoo.runs.stored_answers import usual_number
from zoo.shrink_options import ORIGINAL, ShrinkOptions
from zoo.tasks import get_task
from zoo.tasks.task import Task


def shrink(worker: Worker) -> AnyEvent:
    """Make a model smaller; returns the event that ends the run.

    Raises:
        GateNotPassed: nothing that is smaller answers as well.
        DatasetInvalid: the data cannot show it, or the model answers none of them.
    """
    plugin, card = resolve(worker)
    request = worker.request
    task = get_task(request.task).divided_at(request.data.separator).named_by(request.data.classes)
    dataset, _ = load_judged_data(worker, card, task)
    release()
    weights = fetch_weights(worker, card)
    assert weights is not None
    scratch = worker.folder.path / "candidates"
    for folder in (scratch, worker.folder.model_folder):
        shutil.rmtree(folder, ignore_errors=True)
    scratch.mkdir()
    try:
        shrinking = _Shrinking(worker, plugin, card, task, dataset, scratch)
        shrinking.measure_original(weights)
        for name in shrinking.options.candidates:
            shrinking.measure(name)
        return shrinking.conclude()
    except Stopped:
        return RunCancelledEvent()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Shrinking:
    """One attempt at making a model smaller."""

    def __init__(self, worker: Worker, plugin: Plugin, card: Card, task: Task, dataset: Dataset, scratch: Path) -> None:
        self._worker, self._plugin, self._card, self._task = worker, plugin, card, task
        self._examples, self._labels = dataset.examples, card.labels or dataset.labels
        self._columns, self._scratch = dataset.columns, scratch
        self.options = parse(ShrinkOptions, worker.request.shrinking)
        asked = self.options.stored_answers
        self._kept_answers = usual_number(card) if asked is None else asked
        self._measured: dict[str, Candidate] = {}
        self._answers: dict[str, list[Any]] = {}
        self._gate: Gate | None = None
        self._place = ""
        here = available()
        self._device = next((one for one in here if one.name == worker.request.device), here[0])

    def measure_original(self, weights: Path) -> None:
        """Answer all rows with the model as it is; those that it cannot answer are left out."""
        folder = self._scratch / ORIGINAL
        merge(weights, folder)
        shutil.rmtree(folder / ADAPTER, ignore_errors=True)
        self._note_place()
        # What is imported when a model is first loaded is not the model's.
        few = [example.input for example in self._examples[:WARMED]]
        hooks.load_predictor(self._plugin, self._prediction_run(ORIGINAL, folder)).predict(few)
        answered = self._answered(ORIGINAL, folder)
        kept = [not isinstance(answer, Rejected) for answer in answered.answers]
        if not any(kept):
            raise DatasetInvalid(
                f"{self._card.name} can answer none of the {counted(len(kept), 'row')}",
                f"zoo evaluate {self._card.name} on the same data says why",
            )
        if left_out := kept.count(False):
            self._note(f"{counted(left_out, 'row')} that the model cannot answer left out")
        self._examples = tuple(one for one, is_kept in zip(self._examples, kept, strict=True) if is_kept)
        self._answers[ORIGINAL] = [one for one, is_kept in zip(answered.answers, kept, strict=True) if is_kept]
        options = self.options
        self._gate = Gate(
            self._task,
            self._labels,
            options.metric,
            options.max_drop,
            self._judged(ORIGINAL),
            self._worker.should_stop,
            self._note,
        )
        self._report(ORIGINAL, folder, answered, figure=self._gate.figure)

    def measure(self, name: str) -> None:
        """Pack the model and answer all rows with what comes of it; one that fails is told, and is none."""
        assert self._gate is not None
        folder = self._scratch / name
        packing = importlib.import_module("zoo.training.packing")
        try:
            shutil.copytree(self._scratch / ORIGINAL, folder, copy_function=_linked)
            packing.pack_folder(folder, name)
            answered = self._answered(name, folder)
            rejected = sum(isinstance(answer, Rejected) for answer in answered.answers)
            if rejected:
                raise DatasetInvalid(f"{counted(rejected, 'row')} that the original answers could not be answered")
            self._answers[name] = answered.answers
            drop = self._gate.drop(self._judged(name))
        except (Stopped, RunCancelled):
            raise
        except (ZooError, RuntimeError, ValueError, OSError) as error:
            traceback.print_exc()
            shutil.rmtree(folder, ignore_errors=True)
            told = (store_error(error) if isinstance(error, OSError) else None) or error
            said = told.message if isinstance(told, ZooError) else f"{type(told).__name__}: {told}"
            self._emit(Candidate(name=name, precision=self._precision(name), reason=said))
            return
        passed = self._gate.passes(drop)
        reason = "" if passed else f"may drop by more than {self.options.max_drop:g}"
        self._report(
            name,
            folder,
            answered,
            figure=drop.figure,
            drop=drop.drop,
            low=drop.low,
            high=drop.high,
            passed=passed,
            reason=reason,
        )
        if not passed:
            shutil.rmtree(folder, ignore_errors=True)

    def conclude(self) -> AnyEvent:
        """Publish the best of those that passed.

        Raises:
            GateNotPassed: none did, or none is better than the model as it is.
        """
        original, target = self._measured[ORIGINAL], self.options.target
        candidates = [one for name, one in self._measured.items() if name != ORIGINAL]
        better = [one for one in candidates if one.passed and _cost(one, target) < _cost(original, target)]
        if not better:
            raise GateNotPassed(*self._why_none(candidates, original))
        chosen = min(better, key=lambda one: _cost(one, target))
        word = "larger" if target == "size" else "slower"
        for one in candidates:
            if one.passed and one is not chosen:
                self._emit(msgspec.structs.replace(one, reason=word))
        self._emit(msgspec.structs.replace(chosen, chosen=True))
        judge = CheckedJudge(self._task, self._labels)
        for target_value, answer in self._judged(chosen.name):
            judge.add(target_value, answer)
        figures = judge.figures()
        link_file(maker_of(self._card.name).trained_on_path, self._worker.folder.trained_on_path)
        publish_shrunk(
            self._worker,
            self._plugin,
            self._card,
            run=self._prediction_run(chosen.name, self._scratch / chosen.name),
            candidates=tuple(self._measured.values()),
            chosen=chosen,
            place=self._place,
            metrics=figures,
            columns=self._columns,
            inputs=[example.input for example in self._examples[: self._kept_answers]],
        )
        self._worker.emit(EvaluationCompleted(step=0, metrics=figures, rows=len(self._examples)))
        return RunFinished(metrics=figures, intervals=judge.intervals(), report=judge.report(), labels=self._labels)

    def _why_none(self, candidates: Sequence[Candidate], original: Candidate) -> tuple[str, str]:
        assert self._gate is not None
        name, options = self._card.name, self.options
        if any(one.passed for one in candidates):
            how = "smaller than" if options.target == "size" else "sooner than"
            return (
                f"what answers as well as {name} is no {how} it, so nothing was written",
                "--target size and --target latency look at different things" if options.target != "size" else "",
            )
        best = min((one.high for one in candidates if one.high is not None), default=None)
        hint = f"zoo logs {self._worker.folder.name} says what went wrong"
        if best is not None:
            hint = f"more rows make the intervals shorter; the best one ends at {best:.4f}"
        return (
            f"no smaller form of {name} keeps {self._gate.metric} within {options.max_drop:g} of "
            f"{original.figure:.4f}, so nothing was written",
            hint,
        )

    def _answered(self, name: str, folder: Path) -> Answered:
        """The answers of one candidate."""
        rows, place = len(self._examples), 0 if name == ORIGINAL else 1 + self.options.candidates.index(name)
        total = rows * (1 + len(self.options.candidates))
        run = self._prediction_run(name, folder)
        return answer_rows(
            lambda: hooks.load_predictor(self._plugin, run),
            self._examples,
            self._worker.should_stop,
            lambda done: self._worker.emit(PredictionsWritten(rows=place * rows + done, total_rows=total)),
        )

    def _prediction_run(self, name: str, folder: Path) -> PredictionRun:
        request = self._worker.request
        ability = self._card.ability("predict", request.task)
        return PredictionRun(
            card=self._card,
            task=get_task(request.task),
            weights=folder,
            options=parse_recorded(ability, judging_options(self._worker.request)),
            device=request.device,
            precision=self._precision(name),
            note=self._note,
        )

    def _precision(self, name: str) -> str:
        """What a candidate computes in: as the model is kept, where the model knows that on this device."""
        known = self._card.ability("predict", self._worker.request.task).precisions
        kept_in: dict[str, tuple[str, ...]] = {ORIGINAL: (), "bf16": ("bf16",)}
        preferred = kept_in.get(name, ("int8", "bf16"))
        return next((one for one in preferred if one in known and is_native(one, self._device)), "fp32")

    def _note_place(self) -> None:
        """Say where it is measured: what holds here need not hold elsewhere."""
        device = self._device
        sets = f", {' '.join(device.instruction_sets)}" if device.instruction_sets else ""
        self._place = f"measured on {device.description}{sets}"
        self._note(self._place)

    def _note(self, message: str) -> None:
        self._worker.emit(Noted(message=message))

    def _judged(self, name: str) -> list[Judged]:
        return [(one.target, answer) for one, answer in zip(self._examples, self._answers[name], strict=True)]

    def _report(self, name: str, folder: Path, answered: Answered, **judged: Any) -> None:
        assert self._gate is not None
        self._emit(
            Candidate(
                name=name,
                precision=self._precision(name),
                size_bytes=size_bytes(folder),
                memory_bytes=answered.memory_bytes,
                latency_s=answered.latency_s,
                rows_per_s=answered.rows_per_s,
                metric=self._gate.metric,
                **judged,
            )
        )

    def _emit(self, candidate: Candidate) -> None:
        self._measured[candidate.name] = candidate
        self._worker.emit(CandidateMeasured(candidate=candidate))


def _linked(path: str, twin: str) -> None:
    """What is packed becomes a new file; the others take no room."""
    link(Path(path), Path(twin))


def _cost(candidate: Candidate, target: str) -> float:
    """What the target makes as small as possible."""
    return candidate.size_bytes if target == "size" else candidate.latency_s
