"""Picking: data and models in, the one that does best on the data out, with the table that says why."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from zoo.file_cache import release
from zoo.options import parse
from zoo.pick_options import FLOOR, PickOptions
from zoo.plurals import counted
from zoo.runs.attempt import Worker
from zoo.runs.candidate import Candidate
from zoo.runs.events import AnyEvent
from zoo.runs.events import RunCancelled as RunCancelledEvent
from zoo.runs.picking.entrant import ALL_ROWS, MOST_PROBED, Entrant, Plan, Trained
from zoo.runs.picking.field import Field
from zoo.runs.picking.final import Final
from zoo.runs.picking.floor import Floor, FloorMaker
from zoo.runs.picking.halving import Halving
from zoo.runs.picking.rounds import best, probed_number, rounds_of
from zoo.runs.picking.rows import load_rows
from zoo.runs.picking.scoring import Scoring, answered
from zoo.runs.shrinking.measuring import Stopped, check_stop, reason_of
from zoo.tasks import get_task

PROBED = "not trained"
"""What figures are of before anything is learnt."""


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
    """One attempt at picking a model: from all that take part to the finalists."""

    def __init__(self, worker: Worker) -> None:
        request = worker.request
        self._worker, self._options = worker, parse(PickOptions, request.picking)
        self._task = get_task(request.task).divided_at(request.data.separator).named_by(request.data.classes)
        self._rows = load_rows(worker, self._task, self._options)
        release()
        self._field = Field(worker, [Entrant(worker, one, self._task, self._rows) for one in request.students])
        check, labels = partial(check_stop, worker.should_stop), self._rows.data.labels
        self._scoring = Scoring(self._task, labels, self._options.metric, check, self._field.note)
        self._halving = Halving(self._field, self._rows, self._scoring)

    def event(self) -> AnyEvent:
        """The event that ends the run, once one is picked."""
        self._field.leave_out_trained((*self._rows.data.eval, *self._rows.test))
        plans = self._field.leave_out_slow(self._options)
        floor = self._floor()
        self._probe()
        for one in rounds_of(len(self._field), self._options.finalists, len(self._rows.data.train)):
            self._halving.halve(one, plans)
        return self._conclude(plans, floor)

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
                self._field.note(f"no floor: {reason_of(error)}")
                return None
        if floor is None:
            self._field.note(f"no floor: no linear model of plain {self._task.input}s answers {self._task.name}")
            return None
        words = f"a linear model of {self._task.input.plainly}"
        figures = self._scoring.of(answered(self._rows.data.eval, floor.validation))
        self._field.report(Candidate(name=FLOOR, stage=ALL_ROWS, reason=words, **figures))
        return floor

    def _lent_objective(self) -> Any:
        """That of the first model that has one."""
        for entrant in self._field:
            objective = None
            with self._field.trying(entrant.name):
                objective = entrant.objective()
            if objective is not None:
                return objective
        return None

    def _probe(self) -> None:
        """Ask each body once; the better half goes on, and the largest in any case."""
        models, finalists = len(self._field), self._options.finalists
        if models <= finalists:
            self._field.note(f"{counted(models, 'model')}: all are fine-tuned on all rows at once")
            return
        for entrant in self._field:
            if candidate := entrant.known(PROBED) or self._probed(entrant):
                self._field.report(candidate)
                self._scoring.check(self._field.candidates.values())
        figures = self._halving.figures()
        if without := [name for name, figure in figures.items() if figure is None]:
            self._field.note(
                f"no neighbours and no linear probe for {', '.join(without)}: no single vector of an input"
            )
        unknown = (*without, *tuple(figures)[-1:])  # the largest, and those that nothing speaks against
        kept = probed_number(models, finalists)
        self._halving.keep(figures, kept, "its vectors tell less", always=unknown)

    def _probed(self, entrant: Entrant) -> Candidate | None:
        """What its body knows; None where it fails."""
        answers = None
        with self._field.trying(entrant.name):
            answers = entrant.probed(MOST_PROBED)
        if entrant.name not in self._field.entrants:
            return None
        figures: dict[str, Any] = {}
        if answers is not None:
            of = {"linear probe": self._scoring.of(answers.linear)}
            if answers.neighbours:
                of["nearest neighbours"] = self._scoring.of(answers.neighbours)
            by_probe = {probe: one["figure"] for probe, one in of.items()}
            figures = of[best(by_probe, 1, larger_is_better=self._scoring.larger_is_better)[0]]
            words = ", ".join(
                f"{probe} {'no figure' if figure is None else f'{figure:.4f}'}" for probe, figure in by_probe.items()
            )
            self._field.note(f"{entrant.name}, not trained: {words}")
        candidate = Candidate(name=entrant.name, stage=PROBED, seconds=entrant.seconds, **figures)
        entrant.keep(PROBED, candidate)
        return candidate

    def _conclude(self, plans: Mapping[str, Plan], floor: Floor | None) -> AnyEvent:
        """Fine-tune the finalists on all rows, and take one."""
        results: dict[str, Trained] = {}
        validation: dict[str, Sequence[Any]] = {}
        test: dict[str, Sequence[Any]] = {}
        for entrant in self._field:
            name = entrant.name
            self._field.note(f"{name} learns from all rows")
            with self._field.trying(name):
                number = len(self._rows.data.train)
                trained = entrant.trained(number, plans[name])
                taken = entrant.answered(trained, self._rows.data.eval)
                test[name] = entrant.answered(trained, self._rows.test).answers
                results[name], validation[name] = trained, taken.answers
                self._field.report(entrant.measured(ALL_ROWS, number, trained, taken))
        if floor is not None:
            validation[FLOOR], test[FLOOR] = floor.validation, floor.test
        final = Final(self._worker, self._task, self._rows, self._field, self._scoring, self._options.ties)
        return final.conclude(results, validation, test)
