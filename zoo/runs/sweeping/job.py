"""Sweeping: a training and settings in, what comes of the best of them out, with the table that says why."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import partial
from typing import Any

from zoo.file_cache import release
from zoo.options import parse
from zoo.plurals import counted
from zoo.runs.attempt import Worker
from zoo.runs.candidate import Candidate, settings_in_words
from zoo.runs.events import AnyEvent
from zoo.runs.events import RunCancelled as RunCancelledEvent
from zoo.runs.picking.entrant import ALL_ROWS, Entrant, Plan
from zoo.runs.picking.field import Field
from zoo.runs.picking.final import Final
from zoo.runs.picking.halving import Halving
from zoo.runs.picking.rounds import rounds_of
from zoo.runs.picking.scoring import Scoring, answered
from zoo.runs.picking.stages import judged
from zoo.runs.shrinking.measuring import Stopped, check_stop
from zoo.runs.sweeping.costs import undominated
from zoo.runs.sweeping.placed import PlacedTrials
from zoo.runs.sweeping.rows import load_rows, task_of
from zoo.sweep_options import SweepOptions


def sweep(worker: Worker) -> AnyEvent:
    """Try a training with many settings; returns the event that ends the run.

    Raises:
        DatasetInvalid: the data cannot tell trials apart.
        RunFailed: all trials fail.
    """
    shutil.rmtree(worker.folder.model_folder, ignore_errors=True)
    try:
        return _Sweep(worker).event()
    except Stopped:
        return RunCancelledEvent()


class _Sweep:
    """One attempt at a sweep: from all trials to the one that is taken."""

    def __init__(self, worker: Worker) -> None:
        request = worker.request
        self._worker, self._options = worker, parse(SweepOptions, request.sweeping)
        self._task = task_of(request)
        self._rows = load_rows(worker, self._task)
        release()
        self._field = Field(worker, [Entrant(worker, one, self._task, self._rows) for one in request.students])
        check, labels = partial(check_stop, worker.should_stop), self._rows.data.labels
        self._scoring = Scoring(self._task, labels, self._options.metric, check, self._field.note)
        self._validation: dict[str, list[Any]] = {}
        first = request.students[0].training
        self._placed = PlacedTrials(worker, first.place, requeue=first.requeue) if first.place else None

    def event(self) -> AnyEvent:
        """The event that ends the run, once one is taken."""
        if self._options.strategy == "halving":
            self._halve()
        self._learn_elsewhere(ALL_ROWS, len(self._rows.data.train))
        for entrant in self._field:
            check_stop(self._worker.should_stop)
            self._try(entrant)
            self._forget_beaten()
        left = self._left()
        costs: dict[str, float] = {one.name: place for place, one in enumerate(left)}
        number = len(self._rows.data.train)
        results = {name: self._field.entrants[name].trained(number, Plan()) for name in costs}
        final = Final(self._worker, self._task, self._rows, self._field, self._scoring, self._options.ties)
        ended = final.conclude(results, self._validation, costs=costs)
        trials = counted(len(self._worker.request.students), "trial")
        self._field.note(
            f"these figures are of rows that chose among {trials}, and flattered by that: zoo evaluate "
            f"{self._worker.folder.name} --data FILE judges by others"
        )
        return ended

    def _halve(self) -> None:
        """Let all learn from few rows, and the better half from ever more."""
        rounds = rounds_of(len(self._field), self._options.finalists, len(self._rows.data.train))
        if not rounds:
            return
        self._field.note(
            "each round trains anew: a learning rate that falls to the end of a training falls otherwise in a longer"
        )
        plans = {} if self._placed else self._plans()
        halving = Halving(self._field, self._rows, self._scoring)
        for one in rounds:
            self._learn_elsewhere(one.words, one.rows(len(self._rows.data.train)))
            halving.halve(one, plans)

    def _learn_elsewhere(self, stage: str, rows: int) -> None:
        """Let all learn at the place of the trials, where they have one: what comes of it is known then."""
        if self._placed:
            self._placed.learn(self._field, stage, rows, self._scoring.check)

    def _plans(self) -> Mapping[str, Plan]:
        """How many passes each makes over the rows."""
        plans: dict[str, Plan] = {}
        for entrant in self._field:
            check_stop(self._worker.should_stop)
            with self._field.trying(entrant.name):
                plans[entrant.name] = entrant.passes()
        return plans

    def _try(self, entrant: Entrant) -> None:
        """Let one learn all rows, and keep what it answers; an earlier attempt may have done that."""
        candidate = entrant.known(ALL_ROWS)
        if candidate is None:
            self._field.note(f"{entrant.name} learns from all rows: {settings_in_words(entrant.settings)}")
            with self._field.trying(entrant.name):
                number = len(self._rows.data.train)
                candidate = judged(entrant, ALL_ROWS, number, Plan(), self._rows, self._scoring)
        if candidate is not None:
            answers = entrant.known_answers(ALL_ROWS)
            with self._field.trying(entrant.name):
                self._scoring.figure(answered(self._rows.data.eval, answers))  # says which figures are the better
                self._validation[entrant.name] = answers
                self._field.report(candidate)
                self._scoring.check(self._field.candidates.values())

    def _left(self) -> list[Candidate]:
        """The trials that may still be taken, the cheapest first."""
        tried = [self._field.candidates[name] for name in self._validation]
        return undominated(tried, larger_is_better=self._scoring.larger_is_better)

    def _forget_beaten(self) -> None:
        """Remove the weights of those that cannot be taken any more."""
        left = {one.name for one in self._left()}
        for name in self._validation:
            if name not in left:
                self._field.entrants[name].forget_weights(len(self._rows.data.train))
