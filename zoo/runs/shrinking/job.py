"""Shrinking: a model and data in, a smaller model out that answers as well, or the reason why there is none."""

from __future__ import annotations

import shutil
import traceback
from typing import Any

import msgspec

from zoo.answers import Rejected
from zoo.errors import DatasetInvalid, GateNotPassed
from zoo.file_cache import release
from zoo.plurals import counted
from zoo.runs import hooks
from zoo.runs.attempt import Worker
from zoo.runs.candidate import Candidate
from zoo.runs.evaluation_job import load_judged_data
from zoo.runs.events import AnyEvent, EvaluationCompleted, PredictionsWritten, RunFinished
from zoo.runs.events import RunCancelled as RunCancelledEvent
from zoo.runs.heads import merge
from zoo.runs.judging import CheckedJudge
from zoo.runs.preparation import fetch_weights, resolve
from zoo.runs.publishing import base_name
from zoo.runs.shrinking.attempt import Attempt, Form, Model
from zoo.runs.shrinking.forms import forms_of
from zoo.runs.shrinking.gate import Gate
from zoo.runs.shrinking.measuring import WARMED, Answered, Stopped, answer_rows, reason_of
from zoo.runs.shrinking.publishing import ADAPTER, publish_shrunk
from zoo.runs.store import size_bytes
from zoo.shrink_options import ORIGINAL
from zoo.tasks import get_task


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
        model = Model(plugin, card, base_name(card), scratch / ORIGINAL, "fp32")
        merge(weights, model.folder)
        shutil.rmtree(model.folder / ADAPTER, ignore_errors=True)
        labels = card.labels or dataset.labels
        attempt = Attempt(worker, task, model, labels, dataset.examples, dataset.columns, scratch)
        event = _Shrinking(attempt).event()
    except Stopped:
        return RunCancelledEvent()
    except GateNotPassed:
        shutil.rmtree(worker.folder.students_folder, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return event


class _Shrinking:
    """The gate, and what comes to it."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt, self._worker = attempt, attempt.worker
        self._forms = forms_of(attempt)
        self._models: dict[str, Model] = {}

    def event(self) -> AnyEvent:
        """The event that ends the run, once all forms are measured and one is published."""
        gate = self._measure_original()
        for form in self._forms:
            self._measure(form, gate)
        return self._conclude(gate)

    def _measure_original(self) -> Gate:
        """Answer all rows with the model as it is; those that it cannot answer are left out."""
        attempt, model = self._attempt, self._attempt.model
        attempt.note(attempt.place)
        # What is imported when a model is first loaded is not the model's.
        few = [example.input for example in attempt.examples[:WARMED]]
        hooks.load_predictor(model.plugin, attempt.prediction_run(model)).predict(few)
        answered = self._answered(model, 0)
        left_out = attempt.keep_answered(answered.answers)
        if not attempt.examples:
            raise DatasetInvalid(
                f"{model.card.name} can answer none of the {counted(left_out, 'row')}",
                f"zoo evaluate {model.card.name} on the same data says why",
            )
        if left_out:
            attempt.note(f"{counted(left_out, 'row')} that the model cannot answer left out")
        options, judged = attempt.options, attempt.judged(ORIGINAL)
        gate = Gate(
            attempt.task,
            attempt.labels,
            options.metric,
            options.max_drop,
            judged,
            self._worker.should_stop,
            attempt.note,
        )
        attempt.report(_candidate(ORIGINAL, model, answered, metric=gate.metric, figure=gate.figure))
        return gate

    def _measure(self, form: Form, gate: Gate) -> None:
        """Make a form of the model and answer all rows with it; one that fails is told, and is none."""
        attempt, folder = self._attempt, self._attempt.folder_of(form.name)
        try:
            model = form.make(folder)
            answered = self._answered_whole(form, model)
            drop = gate.drop(attempt.judged(form.name))
        except Exception as error:  # a plugin may raise anything
            reason = reason_of(error)
            traceback.print_exc()
            shutil.rmtree(folder, ignore_errors=True)
            attempt.report(Candidate(name=form.name, reason=reason))
            return
        passed = gate.passes(drop)
        reason = "" if passed else f"may drop by more than {attempt.options.max_drop:g}"
        judged = {**drop._asdict(), "passed": passed, "reason": reason}
        attempt.report(_candidate(form.name, model, answered, metric=gate.metric, **judged))
        self._models[form.name] = model
        if not passed:
            shutil.rmtree(folder, ignore_errors=True)

    def _answered_whole(self, form: Form, model: Model) -> Answered:
        """The answers of a form to all rows, which are kept.

        Raises:
            DatasetInvalid: some rows are not answered.
        """
        answered = self._answered(model, 1 + self._forms.index(form))
        rejected = sum(isinstance(answer, Rejected) for answer in answered.answers)
        if rejected:
            raise DatasetInvalid(f"{counted(rejected, 'row')} that the original answers could not be answered")
        self._attempt.answers[form.name] = answered.answers
        return answered

    def _conclude(self, gate: Gate) -> AnyEvent:
        """Publish the best of those that passed.

        Raises:
            GateNotPassed: none did, or none is better than the model as it is.
        """
        attempt, target = self._attempt, self._attempt.options.target
        candidates = [one for name, one in attempt.measured.items() if name != ORIGINAL]
        better = [one for one in candidates if one.passed and _cost(one, target) < _cost(attempt.original, target)]
        if not better:
            raise GateNotPassed(*self._why_none(candidates, gate))
        chosen = min(better, key=lambda one: _cost(one, target))
        word = "larger" if target == "size" else "slower"
        for one in candidates:
            if one.passed and one is not chosen:
                attempt.report(msgspec.structs.replace(one, reason=word))
        chosen = msgspec.structs.replace(chosen, chosen=True)
        attempt.report(chosen)
        judge = CheckedJudge(attempt.task, attempt.labels)
        for value, answer in attempt.judged(chosen.name):
            judge.add(value, answer)
        figures = judge.figures()
        form = next(one for one in self._forms if one.name == chosen.name)
        publish_shrunk(attempt, form, self._models[chosen.name], figures)
        self._worker.emit(EvaluationCompleted(step=0, metrics=figures, rows=len(attempt.examples)))
        report, intervals = judge.report(), judge.intervals()
        return RunFinished(metrics=figures, intervals=intervals, report=report, labels=attempt.labels)

    def _why_none(self, candidates: list[Candidate], gate: Gate) -> tuple[str, str]:
        name, options = self._attempt.model.card.name, self._attempt.options
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
            f"no smaller form of {name} keeps {gate.metric} within {options.max_drop:g} of "
            f"{self._attempt.original.figure:.4f}, so nothing was written",
            hint,
        )

    def _answered(self, model: Model, place: int) -> Answered:
        """The answers of one candidate."""
        attempt = self._attempt
        rows, run = len(attempt.examples), attempt.prediction_run(model)
        total = rows * (1 + len(self._forms))
        return answer_rows(
            lambda: hooks.load_predictor(model.plugin, run),
            attempt.examples,
            self._worker.should_stop,
            lambda done: self._worker.emit(PredictionsWritten(rows=place * rows + done, total_rows=total)),
        )


def _candidate(name: str, model: Model, answered: Answered, **judged: Any) -> Candidate:
    return Candidate(
        name=name,
        precision=model.precision,
        size_bytes=size_bytes(model.folder),
        memory_bytes=answered.memory_bytes,
        latency_s=answered.latency_s,
        rows_per_s=answered.rows_per_s,
        **judged,
    )


def _cost(candidate: Candidate, target: str) -> float:
    """What the target makes as small as possible."""
    return candidate.size_bytes if target == "size" else candidate.latency_s
