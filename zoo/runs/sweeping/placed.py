"""Trials that are trained at a place: each is a job there, so many at once as there is room for."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Mapping

import msgspec

from zoo.errors import NoSuchFigure, RunFailed, ZooError
from zoo.places.place import PlacedJob
from zoo.places.table import place_named
from zoo.plurals import counted
from zoo.runs import placement
from zoo.runs.attempt import Worker
from zoo.runs.candidate import Candidate, CandidateStepped
from zoo.runs.launcher import environment_there
from zoo.runs.log import read_events
from zoo.runs.picking.entrant import Entrant
from zoo.runs.picking.field import Field
from zoo.runs.placement import Placement
from zoo.runs.shrinking.measuring import Stopped
from zoo.runs.store import RunFolder
from zoo.runs.sweeping.trial import FAILED, REQUEUED, stage_folder

POLL_S = 1.0
"""Between two looks at all trials."""
SEEN_S = 20.0
"""How long after the end of a job its files may come: a shared disk shows them late."""
AGAIN_S = 30.0
"""After which a place that has refused a trial is asked again."""
PATIENCE_S = 600.0
"""How long a place may refuse trials that has taken some, and has none of them any more."""
STOPPED_S = 60.0
"""How long trials may take to make a checkpoint once the sweep is asked to stop."""


class PlacedTrials:
    """Hands trials over, and waits for what comes of them.

    Args:
        worker: of the sweep.
        place: name of the place.
        requeue: whether a trial that the place has ended is begun again there.
    """

    def __init__(self, worker: Worker, place: str, *, requeue: bool) -> None:
        self._worker, self._place, self._requeue = worker, place, requeue
        self._ended: dict[str, float] = {}
        self._there_at, self._again_at = -math.inf, 0.0
        self._refused = ""
        self._steps: dict[str, int] = {}

    def learn(
        self,
        field: Field,
        stage: str,
        rows: int,
        check: Callable[[Iterable[Candidate]], None] = lambda judged: None,
    ) -> None:
        """Let all that take part go through a stage; those that fail take part no more.

        Args:
            field: of the sweep.
            stage: what the figure will be of.
            rows: that each learns from.
            check: whether what is known of those that are judged lets the others go on; may raise.

        Raises:
            Stopped: somebody asked for it; the trials have ended by then.
            NoSuchFigure: of the check; the trials that go on are cancelled.
        """
        waiting: dict[str, Placement] = {}
        kept = [entrant for entrant in field if entrant.known(stage) is None]
        if kept:
            field.note(f"{counted(len(kept), 'trial')} at place {self._place}: {stage}")
        judged = [known for entrant in field if (known := entrant.known(stage)) is not None]
        try:
            check(judged)
            while kept or waiting:
                if self._worker.should_stop():
                    self._stop(waiting, stage)
                    raise Stopped
                kept = self._hand_over(field, kept, waiting, stage, rows)
                for name, placed in tuple(waiting.items()):
                    with field.trying(name):
                        if known := self._done(field.entrants[name], stage, placed):
                            del waiting[name]
                            check(judged := [*judged, known])
                    if name not in field.entrants:
                        waiting.pop(name, None)
                time.sleep(POLL_S)
        except NoSuchFigure:
            for name, placed in waiting.items():
                self._cancel(stage_folder(self._worker.folder, name, stage), placed)
            raise

    def _hand_over(
        self, field: Field, kept: list[Entrant], waiting: dict[str, Placement], stage: str, rows: int
    ) -> list[Entrant]:
        """Hand over as many as the place takes; returns those that it does not take now, as where its queue is full."""
        now = time.monotonic()
        if waiting:
            self._there_at = now
        if now < self._again_at:
            return kept
        for number, entrant in enumerate(kept):
            with field.trying(entrant.name):
                try:
                    waiting[entrant.name] = self._handed_over(entrant, stage, rows)
                    self._there_at = now
                except RunFailed as error:
                    if now - self._there_at > PATIENCE_S:
                        raise
                    if self._refused != error.message:
                        self._refused = error.message
                        field.note(f"{counted(len(kept) - number, 'trial')} to be handed over later: {error.message}")
                    self._again_at = now + AGAIN_S
                    return kept[number:]
        return []

    def _handed_over(self, entrant: Entrant, stage: str, rows: int) -> Placement:
        """The job of a trial: a new one, but where that of an attempt before goes on."""
        sweep = self._worker.folder
        folder = stage_folder(sweep, entrant.name, stage)
        before = placement.recorded(folder)
        if before and before.place == self._place and placement.state_of(folder, before).phase != "ended":
            return before
        folder.path.mkdir(parents=True, exist_ok=True)
        for left in (FAILED, REQUEUED):
            (folder.path / left).unlink(missing_ok=True)
        job = PlacedJob(
            name=f"{sweep.name}-{entrant.name}",
            folder=str(folder.path),
            arguments=("-m", "zoo.runs.sweeping.trial", str(sweep.path), entrant.name, stage, str(rows)),
            environment=environment_there(sweep),
            log=str(folder.log_path),
            requeue=self._requeue,
        )
        with placement.handed_over(folder, place_named(self._place), job) as placed:
            return placed

    def _done(self, entrant: Entrant, stage: str, placed: Placement) -> Candidate | None:
        """What is known of a trial that has gone through a stage; None where it has not yet.

        Raises:
            RunFailed: it has failed, or its job has ended without a word.
        """
        folder = stage_folder(self._worker.folder, entrant.name, stage)
        self._report_step(entrant.name, folder)
        if known := entrant.known(stage):
            return known
        with contextlib.suppress(FileNotFoundError):
            raise RunFailed(msgspec.json.decode((folder.path / FAILED).read_bytes(), type=str))
        state = placement.state_of(folder, placed)
        if state.phase != "ended":
            self._ended.pop(entrant.name, None)
            return None
        if time.monotonic() - self._ended.setdefault(entrant.name, time.monotonic()) < SEEN_S:
            return None
        lacking = placement.trouble(folder, placed)
        why = lacking[0] if lacking else state.reason or state.word or "its job has ended without a result"
        raise RunFailed(f"at place {self._place}: {why}", f"{folder.log_path} says more")

    def _report_step(self, name: str, folder: RunFolder) -> None:
        """How far a trial is, in the log of the sweep."""
        steps = [event for event in read_events(folder)[0] if isinstance(event, CandidateStepped)]
        if steps and steps[-1].step != self._steps.get(name):
            self._steps[name] = steps[-1].step
            self._worker.emit(steps[-1])

    def _stop(self, waiting: Mapping[str, Placement], stage: str) -> None:
        """Let trials make a checkpoint, as they see that the sweep is asked to stop; cancel what waits or goes on."""
        deadline = time.monotonic() + STOPPED_S
        going_on = {stage_folder(self._worker.folder, name, stage): placed for name, placed in waiting.items()}
        if not self._worker.folder.stop_path.exists():
            self._worker.folder.stop_path.touch()  # asked by a signal, which they do not see
        while going_on and time.monotonic() < deadline:
            for folder, placed in tuple(going_on.items()):
                phase = placement.state_of(folder, placed).phase
                if phase == "waiting":
                    self._cancel(folder, placed)
                if phase in ("waiting", "ended"):
                    del going_on[folder]
            time.sleep(POLL_S)
        for folder, placed in going_on.items():
            self._cancel(folder, placed)

    def _cancel(self, folder: RunFolder, placed: Placement) -> None:
        with contextlib.suppress(ZooError):  # who cannot be asked ends it at its time; a result is looked for again
            placement.cancel(folder, placed)
            placement.forget(folder)  # it may end for a while yet: a sweep that goes on hands the trial over anew
