"""The models, or the trials, of which one is taken: what is known of each, and who takes part no more, and why."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from zoo.data.example import Example
from zoo.errors import NoSuchFigure, OptionInvalid, RunFailed
from zoo.memory import release_memory
from zoo.pick_options import PickOptions
from zoo.plurals import counted
from zoo.runs.attempt import Worker
from zoo.runs.candidate import Candidate, CandidateMeasured, with_candidate
from zoo.runs.events import Noted, Warned
from zoo.runs.picking.entrant import Entrant, Plan
from zoo.runs.shrinking.measuring import check_stop, reason_of
from zoo.units import duration

MOST_KNOWN = 0.01
"""Share of the rows that choose or test that a model may have been trained on: common words are found in any data."""


class Field:
    """The models that take part, the smallest first, and what is known of all that have.

    Args:
        worker: of the run, which reports it.
        entrants: all that were asked for.
    """

    def __init__(self, worker: Worker, entrants: Iterable[Entrant]) -> None:
        self._worker = worker
        self.entrants = {one.name: one for one in entrants}
        """Those that take part still, by name."""
        self.candidates: dict[str, Candidate] = {}
        """What is known of each, the floor and those that take part no more among them; trials by their numbers."""

    def __iter__(self) -> Iterator[Entrant]:
        """Those that take part as this begins; some may fail meanwhile."""
        return iter(tuple(self.entrants.values()))

    def __len__(self) -> int:
        return len(self.entrants)

    @contextlib.contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """Whatever a model raises is reported, and it takes part no more.

        Raises:
            RunFailed: it was the last.
            NoSuchFigure: of the figure that decides, which no other would have either.
        """
        try:
            yield
        except NoSuchFigure:
            raise
        except Exception as error:  # a plugin may raise anything
            reason = reason_of(error)
            traceback.print_exc()
        else:
            return
        release_memory()
        failed = self.entrants.pop(name)
        self.report(
            Candidate(name=name, stage="failed", reason=reason, seconds=failed.seconds, settings=failed.settings)
        )
        self.warn(f"{name} fails, and takes part no more: {reason}")
        if not self.entrants:
            raise RunFailed(
                f"none is left to choose from; {name} was the last: {reason}",
                f"zoo logs {self._worker.folder.name} says where each failed",
            )

    def leave_out_trained(self, judging: Sequence[Example]) -> None:
        """Leave out those that were trained on rows that choose or test; others may know those to learn from at most.

        What publishers say is reported, too, and decides nothing: it is of other data.

        Args:
            judging: the rows that choose or test.

        Raises:
            OptionInvalid: fewer than two are left.
        """
        for entrant in self:
            name, learnt = entrant.name, 0
            with self.trying(name):
                learnt = entrant.learnt(judging)
                if published := "; ".join(f"{one.name} {one.value:g} on {one.dataset}" for one in entrant.card.metrics):
                    self.note(f"{name}, as published: {published}")
            if not learnt:
                continue
            words = f"trained on {learnt:,} of the {counted(len(judging), 'row')} that choose or test"
            if learnt > MOST_KNOWN * len(judging):
                self.report(Candidate(name=name, stage="left out", reason=words))
                del self.entrants[name]
            else:
                self.warn(f"{name} was {words}: its figures are flattered")
        left_out = [one.name for one in self.candidates.values() if one.stage == "left out"]
        if len(self) < 2 and left_out:
            raise OptionInvalid(
                f"fewer than two models are left: {', '.join(left_out)} learnt rows that choose or test",
                "give rows that they have not seen, or name the models that they began from with --models",
            )

    def leave_out_slow(self, options: PickOptions) -> dict[str, Plan]:
        """Leave out those that take longer than a person allows.

        Returns:
            What fine-tuning each takes.

        Raises:
            OptionInvalid: fewer than two are left.
            Stopped: somebody asked for it.
        """
        most, plans, fast = options.most_seconds, dict[str, Plan](), dict[str, Entrant]()
        for entrant in self:
            check_stop(self._worker.should_stop)
            plan = None
            with self.trying(entrant.name):
                plan = entrant.plan()
            if plan is None:
                continue
            plans[entrant.name] = plan
            takes = "says nothing of its time" if plan.seconds is None else f"takes about {duration(plan.seconds)}"
            self.note(f"{entrant.name}: fine-tuning it on all rows {takes}")
            if most is None or plan.seconds is None or plan.seconds <= most:
                fast[entrant.name] = entrant
            else:
                words = f"takes {duration(plan.seconds)}"
                self.report(Candidate(name=entrant.name, stage="left out", reason=words))
        if len(fast) < min(2, len(self)):
            raise OptionInvalid(
                f"{'only ' + next(iter(fast)) if fast else 'no model'} can be fine-tuned within {options.within} here",
                "allow more with --within, or name smaller ones with --models",
            )
        self.entrants = fast
        times = [plans[name].seconds for name in fast]
        if None not in times:
            self.note(f"fine-tuning each of them in full would take {duration(sum(filter(None, times)))}")
        return plans

    def keep(self, names: Sequence[str], reason: str) -> None:
        """Let some go on, and report why the others do not."""
        for name in self.entrants:
            if name not in names:
                self.report(msgspec.structs.replace(self.candidates[name], reason=reason))
        self.entrants = {name: one for name, one in self.entrants.items() if name in names}

    def report(self, candidate: Candidate) -> None:
        """Report what is known of one by now, where that is new."""
        if self.candidates.get(candidate.name) == candidate:
            return
        self.candidates = {one.name: one for one in with_candidate(tuple(self.candidates.values()), candidate)}
        self._worker.emit(CandidateMeasured(candidate=candidate))

    def note(self, message: str) -> None:
        """Report what a person may want to know."""
        self._worker.emit(Noted(message=message))

    def warn(self, message: str) -> None:
        """Report what a person should know."""
        self._worker.emit(Warned(message=message))
