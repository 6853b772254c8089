"""Picking: data and models in, the one that does best on the data out, with the table that says why."""

from __future__ import annotations

import contextlib
import math
import shutil
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from zoo.blocks import Paragraph
from zoo.errors import OptionInvalid, RunFailed
from zoo.file_cache import release
from zoo.memory import release_memory
from zoo.options import parse
from zoo.pick_options import FLOOR, PickOptions
from zoo.plurals import counted
from zoo.runs.attempt import Worker
from zoo.runs.candidate import Candidate, CandidateMeasured
from zoo.runs.events import AnyEvent, EvaluationCompleted, Noted, RunFinished, Warned
from zoo.runs.events import RunCancelled as RunCancelledEvent
from zoo.runs.paired_figure import FEWEST_ROWS, Judged
from zoo.runs.picking.entrant import MOST_PROBED, Entrant, Plan, Trained
from zoo.runs.picking.floor import Floor, FloorMaker
from zoo.runs.picking.publishing import publish_picked
from zoo.runs.picking.rounds import Round, best, probed_number, rounds_of
from zoo.runs.picking.rows import load_rows
from zoo.runs.picking.scoring import Scoring, answered
from zoo.runs.picking.verdict import Verdict, judge_finalists
from zoo.runs.shrinking.measuring import Stopped, reason_of
from zoo.tasks import get_task
from zoo.units import duration

PROBED, ALL_ROWS = "not trained", "all rows"
"""What figures are of, beside those of rounds."""
MOST_KNOWN = 0.01
"""Share of the rows that choose or test that a model may have been trained on: common words are found in any data."""


def pick(worker: Worker) -> AnyEvent:
    """Pick a model; returns the event that ends the run.

    Raises:
        DatasetInvalid: the data cannot tell models apart.
        OptionInvalid: fewer than two models are within the bounds.
    """
    shutil.rmtree(worker.folder.model_folder, ignore_errors=True)
    try:
        return _Picking(worker).event()
    except Stopped:
        return RunCancelledEvent()


class _Picking:
    """One attempt at picking a model: the models, and what is known of each."""

    def __init__(self, worker: Worker) -> None:
        request = worker.request
        self._worker, self._options = worker, parse(PickOptions, request.picking)
        self._task = get_task(request.task).divided_at(request.data.separator).named_by(request.data.classes)
        self._rows = load_rows(worker, self._task, self._options)
        release()
        self._labels = self._rows.data.labels
        self._entrants = {one.name: Entrant(worker, one, self._task, self._rows) for one in request.students}
        self._measured: dict[str, Candidate] = {}
        self._scoring = Scoring(self._task, self._labels, self._options.metric, self._check, self._note)

    def event(self) -> AnyEvent:
        """The event that ends the run, once one is picked."""
        self._leave_out()
        plans = self._within_bounds()
        floor = self._floor()
        self._probe()
        for one in rounds_of(len(self._entrants), self._options.finalists, len(self._rows.data.train)):
            self._halve(one, plans)
        return self._conclude(plans, floor)

    @contextlib.contextmanager
    def _trying(self, name: str) -> Iterator[None]:
        """Whatever a model raises is told, and it takes part no more.

        Raises:
            RunFailed: it was the last.
        """
        try:
            yield
        except Exception as error:  # a plugin may raise anything
            reason = reason_of(error)
            traceback.print_exc()
        else:
            return
        release_memory()
        seconds = self._entrants.pop(name).seconds
        self._report(Candidate(name=name, stage="failed", reason=reason, seconds=seconds))
        self._worker.emit(Warned(message=f"{name} fails, and takes part no more: {reason}"))
        if not self._entrants:
            raise RunFailed(
                f"no model is left to be picked; {name} was the last: {reason}",
                f"zoo logs {self._worker.folder.name} says where each failed",
            )

    def _leave_out(self) -> None:
        """Those that were trained on rows that choose or test; the others may learn those to learn from at most.

        What publishers say is told, too, and decides nothing: it is of other data.
        """
        judging = (*self._rows.data.eval, *self._rows.test)
        for name, entrant in tuple(self._entrants.items()):
            learnt = 0
            with self._trying(name):
                learnt = entrant.learnt(judging)
                if said := "; ".join(f"{one.name} {one.value:g} on {one.dataset}" for one in entrant.card.metrics):
                    self._note(f"{name}, as published: {said}")
            if not learnt:
                continue
            words = f"trained on {learnt:,} of the {counted(len(judging), 'row')} that choose or test"
            if learnt > MOST_KNOWN * len(judging):
                self._report(Candidate(name=name, stage="left out", reason=words))
                del self._entrants[name]
            else:
                self._worker.emit(Warned(message=f"{name} was {words}: its figures are flattered"))
        if len(self._entrants) < 2 and any(one.stage == "left out" for one in self._measured.values()):
            known = ", ".join(name for name, one in self._measured.items() if one.stage == "left out")
            raise OptionInvalid(
                f"fewer than two models are left: {known} learnt rows that choose or test",
                "give rows that they have not seen, or name the models that they began from with --models",
            )

    def _within_bounds(self) -> dict[str, Plan]:
        """What each takes; those that take too long are left out.

        Raises:
            OptionInvalid: fewer than two are left.
        """
        most, plans = self._options.most_seconds, dict[str, Plan]()
        for name, entrant in tuple(self._entrants.items()):
            self._check()
            plan = None
            with self._trying(name):
                plan = entrant.plan()
            if plan is None:
                continue
            plans[name] = plan
            takes = "says nothing of its time" if plan.seconds is None else f"takes about {duration(plan.seconds)}"
            self._note(f"{name}: fine-tuning it on all rows {takes}")
            if most is not None and plan.seconds is not None and plan.seconds > most:
                self._report(Candidate(name=name, stage="left out", reason=f"takes {duration(plan.seconds)}"))
        kept = [name for name in self._entrants if name not in self._measured]
        if len(kept) < min(2, len(self._entrants)):
            raise OptionInvalid(
                f"{'only ' + kept[0] if kept else 'no model'} can be fine-tuned within {self._options.within} here",
                "allow more with --within, or name smaller ones with --models",
            )
        self._entrants = {name: self._entrants[name] for name in kept}
        times = [plans[name].seconds for name in kept]
        if None not in times:
            self._note(f"fine-tuning each of them in full would take {duration(sum(filter(None, times)))}")
        return plans

    def _floor(self) -> Floor | None:
        """What no network has seen, judged by the rows that choose."""
        path = self._worker.folder.students_folder / f"{FLOOR}.json"
        maker = FloorMaker(self._task, self._rows, path, self._worker.should_stop)
        floor = maker.known() if maker.can else None
        if floor is None and maker.can:
            objective = self._lent_objective()
            try:
                floor = None if objective is None else maker.make(objective)
            except Exception as error:  # as when memory runs out: the models are held against one another all the same
                self._note(f"no floor: {reason_of(error)}")
                return None
        if floor is None:
            self._note(f"no floor: no linear model of plain {self._task.input}s answers {self._task.name}")
            return None
        words = f"a linear model of {self._task.input.plainly}"
        figures = self._scoring.of(answered(self._rows.data.eval, floor.validation))
        self._report(Candidate(name=FLOOR, stage=ALL_ROWS, reason=words, **figures))
        return floor

    def _lent_objective(self) -> Any:
        """That of the first model that has one."""
        for name, entrant in tuple(self._entrants.items()):
            objective = None
            with self._trying(name):
                objective = entrant.objective()
            if objective is not None:
                return objective
        return None

    def _probe(self) -> None:
        """Ask each body once; the better half goes on, and the largest in any case."""
        names, finalists = tuple(self._entrants), self._options.finalists
        if len(names) <= finalists:
            self._note(f"{counted(len(names), 'model')}: all are fine-tuned on all rows at once")
            return
        for entrant in tuple(self._entrants.values()):
            if candidate := entrant.known(PROBED) or self._probed(entrant):
                self._report(candidate)
        figures = {name: self._measured[name].figure for name in self._entrants}
        if without := [name for name, figure in figures.items() if figure is None]:
            self._note(f"no neighbours and no linear probe for {', '.join(without)}: no single vector of an input")
        largest = tuple(figures)[-1:]
        self._keep(figures, probed_number(len(names), finalists), "its vectors tell less", always=largest)

    def _probed(self, entrant: Entrant) -> Candidate | None:
        """What its body knows; None where it fails."""
        answers = None
        with self._trying(entrant.name):
            answers = entrant.probed(MOST_PROBED)
        if entrant.name not in self._entrants:
            return None
        known: dict[str, Any] = {}
        if answers is not None:
            of = {"linear probe": self._scoring.of(answers.linear)}
            if answers.neighbours:
                of["nearest neighbours"] = self._scoring.of(answers.neighbours)
            chosen = best(
                {how: one["figure"] for how, one in of.items()}, 1, larger_is_better=self._scoring.larger_is_better
            )
            known = of[chosen[0]]
            said = ", ".join(f"{how} {one['figure']:.4f}" for how, one in of.items())
            self._note(f"{entrant.name}, not trained: {said}")
        candidate = Candidate(name=entrant.name, stage=PROBED, seconds=entrant.seconds, **known)
        entrant.keep(PROBED, candidate)
        return candidate

    def _halve(self, one: Round, plans: dict[str, Plan]) -> None:
        """Fine-tune those that are left for a short while; the better half goes on."""
        rows = one.rows(len(self._rows.data.train))
        for name, entrant in tuple(self._entrants.items()):
            if candidate := entrant.known(one.words) or self._shortly_trained(entrant, one, rows, plans[name]):
                self._report(candidate)
        figures = {name: self._measured[name].figure for name in self._entrants}
        self._keep(figures, one.kept, "others learn more of them")

    def _shortly_trained(self, entrant: Entrant, one: Round, rows: int, plan: Plan) -> Candidate | None:
        """What it has learnt by then; None where it fails."""
        self._note(f"{entrant.name} learns from {counted(rows, 'row')}, {one.words}")
        taken = None
        with self._trying(entrant.name):
            trained = entrant.trained(rows, plan)
            taken = entrant.answered(trained, self._rows.data.eval)
        if taken is None:
            return None
        figures = self._scoring.of(answered(self._rows.data.eval, taken.answers))
        candidate = msgspec.structs.replace(entrant.measured(one.words, trained, taken), **figures)
        entrant.keep(one.words, candidate)
        entrant.forget(trained)
        return candidate

    def _keep(self, figures: dict[str, float | None], kept: int, reason: str, *, always: Sequence[str] = ()) -> None:
        """Let the best go on, and say of the others why they do not."""
        going_on = best(figures, kept, larger_is_better=self._scoring.larger_is_better, always=always)
        for name in figures:
            if name not in going_on:
                self._report(msgspec.structs.replace(self._measured[name], reason=reason))
        self._entrants = {name: self._entrants[name] for name in going_on}

    def _conclude(self, plans: dict[str, Plan], floor: Floor | None) -> AnyEvent:
        """Fine-tune the finalists on all rows, take one by the rows that choose, and judge by the test rows once."""
        results: dict[str, Trained] = {}
        answers: dict[str, list[Any]] = {}
        tests: dict[str, list[Any]] = {}
        for name, entrant in tuple(self._entrants.items()):
            self._note(f"{name} learns from all rows")
            with self._trying(name):
                trained = entrant.trained(len(self._rows.data.train), plans[name])
                taken = entrant.answered(trained, self._rows.data.eval)
                tests[name] = entrant.answered(trained, self._rows.test).answers
                results[name], answers[name] = trained, taken.answers
                self._report(entrant.measured(ALL_ROWS, trained, taken))
        if floor is not None:
            answers[FLOOR], tests[FLOOR] = floor.validation, floor.test
        judged = self._scoring.by_all(self._rows.data.eval, answers)
        verdict = self._verdict(judged)
        tested = self._scoring.by_all(self._rows.test, tests)
        for name, of in judged.items():
            self._report_final(name, of, tested[name], verdict)
        chosen = verdict.chosen
        judge = self._scoring.judge(tested[chosen])
        metrics, intervals = judge.figures(), judge.intervals()
        words = self._words(verdict, self._scoring.figure(tested[chosen]).metric)
        table = tuple(self._measured.values())
        publish_picked(self._worker, results[chosen], chosen, metrics, intervals, words, table)
        self._worker.emit(EvaluationCompleted(step=0, metrics=metrics, rows=len(tested[chosen])))
        report = (Paragraph(text=words, tone="strong"), *judge.report())
        return RunFinished(metrics=metrics, intervals=intervals, report=report, labels=self._labels)

    def _verdict(self, judged: dict[str, list[Judged]]) -> Verdict:
        sizes = {name: self._measured[name].size_bytes for name in self._entrants}
        figure = self._scoring.figure(next(iter(judged.values())))
        rows = next(iter(judged.values()))
        if len(rows) < FEWEST_ROWS and figure.of(rows).right is None:
            self._worker.emit(
                Warned(
                    message=f"{counted(len(rows), 'row')} choose, fewer than {FEWEST_ROWS}: of {figure.metric}, whose "
                    "intervals are found by drawing rows anew, they tell little"
                )
            )
        verdict = judge_finalists(judged, sizes, figure, self._options.ties)
        beside = verdict.beside.get(FLOOR)
        if beside is not None and (beside.tied or beside.drop < 0):
            self._worker.emit(
                Warned(
                    message=f"no network is better than the floor, a linear model of {self._task.input.plainly}, as "
                    "far as these rows can tell"
                )
            )
        return verdict

    def _report_final(self, name: str, judged: list[Judged], tested: list[Judged], verdict: Verdict) -> None:
        known, test = self._scoring.of(judged), self._scoring.of(tested)
        beside = verdict.beside.get(name)
        if beside is not None:
            known |= {"drop": beside.drop, "low": beside.low, "high": beside.high}
            known["p"] = None if math.isnan(beside.p) else beside.p
        reason = self._measured[name].reason
        if name not in (FLOOR, verdict.chosen):
            reason = _why_not(verdict, name)
        self._report(
            msgspec.structs.replace(
                self._measured[name],
                **known,
                test=test["figure"],
                test_interval=test["interval"],
                chosen=name == verdict.chosen,
                reason=reason,
            )
        )

    def _words(self, verdict: Verdict, metric: str) -> str:
        """What the tests come to, in a sentence."""
        on = f"by {metric} on {counted(len(self._rows.data.eval), 'row')} that chose"
        tied = [name for name in verdict.tied if name != FLOOR]
        if not tied:
            return f"{verdict.chosen} is taken: it is the best {on}"
        names = f"{', '.join([verdict.best, *tied[:-1]])} and {tied[-1]}"
        how = "the smaller" if self._options.ties == "smaller" else "the best"
        return f"{names} are tied {on}: no test tells them apart; {how} is taken, {verdict.chosen}"

    def _check(self) -> None:
        if self._worker.should_stop():
            raise Stopped

    def _report(self, candidate: Candidate) -> None:
        self._measured[candidate.name] = candidate
        self._worker.emit(CandidateMeasured(candidate=candidate))

    def _note(self, message: str) -> None:
        self._worker.emit(Noted(message=message))


def _why_not(verdict: Verdict, name: str) -> str:
    """Why a finalist is not taken."""
    beside = verdict.beside.get(name)
    if beside is None:
        return "as good as what is taken, but larger"
    return "tied, not taken" if beside.tied else "worse"
