"""Trials that are trained at a place: those of a round as one array where it has those, else each as a job."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from zoo.errors import NoSuchFigure, PlaceFull, RunFailed, ZooError
from zoo.places.arrays import PlaceWithArrays
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
        self._lacking: RunFailed | None = None
        self._read: dict[RunFolder, int] = {}

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
            check: whether what is known of those that are judged, in earlier stages too, lets the others go on; may
                raise.

        Raises:
            Stopped: somebody asked for it; the trials have ended by then.
            NoSuchFigure: of the check; the trials that go on are cancelled.
        """
        unknown = [entrant for entrant in field if entrant.known(stage) is None]
        if unknown:
            field.note(f"{counted(len(unknown), 'trial')} at place {self._place}: {stage}")
        waiting = {one.name: placed for one in unknown if (placed := self._of_before(one.name, stage))}
        kept = [entrant for entrant in unknown if entrant.name not in waiting]
        judged = [known for entrant in field if (known := entrant.known(stage)) is not None]
        try:
            check([*field.candidates.values(), *judged])
            while kept or waiting:
                if self._worker.should_stop():
                    self._stop(waiting, stage)
                    raise Stopped
                kept = self._hand_over(field, kept, waiting, stage, rows)
                for name, placed in tuple(waiting.items()):
                    with field.trying(name):
                        if known := self._done(field.entrants[name], stage, placed):
                            del waiting[name]
                            judged.append(known)
                            check([*field.candidates.values(), *judged])
                    if name not in field.entrants:
                        waiting.pop(name, None)
                time.sleep(POLL_S)
        except RunFailed as error:
            if self._lacking and not len(field):  # what the place lacks is what to mend
                raise self._lacking from error
            raise
        except NoSuchFigure:
            self._cancel({stage_folder(self._worker.folder, name, stage): placed for name, placed in waiting.items()})
            raise

    def _hand_over(
        self, field: Field, kept: list[Entrant], waiting: dict[str, Placement], stage: str, rows: int
    ) -> list[Entrant]:
        """Hand over as many as the place takes; returns those that it does not take now, as where its queue is full.

        Raises:
            RunFailed: it takes none, and has had none of them for long.
            ZooError: it cannot be made of its declaration, and has none of them.
        """
        now = time.monotonic()
        if waiting:
            self._there_at = now
        if not kept or now < self._again_at:
            return kept
        most = len(kept)
        while kept:
            try:
                if not isinstance(place_named(self._place), PlaceWithArrays):
                    most = 1
                waiting |= self._handed_over(kept[:most], stage, rows)
            except ZooError as error:
                if not (waiting or isinstance(error, RunFailed)):
                    raise
                if isinstance(error, PlaceFull) and len(kept[:most]) > 1:  # it may have room for some of them
                    most = len(kept[:most]) // 2
                    continue
                if now - self._there_at > PATIENCE_S:
                    go_on = f"when it takes trials, zoo resume {self._worker.folder.name} goes on"
                    raise RunFailed(error.message, "; ".join(filter(None, (error.hint, go_on)))) from error
                if self._refused != error.message:
                    self._refused = error.message
                    field.note(f"{counted(len(kept), 'trial')} to be handed over later: {error.message}")
                self._again_at = now + AGAIN_S
                return kept
            self._there_at, kept = now, kept[most:]
        return []

    def _handed_over(self, entrants: Sequence[Entrant], stage: str, rows: int) -> dict[str, Placement]:
        """Jobs of trials, by their names; the place takes all of them, or none."""
        folders = {one.name: stage_folder(self._worker.folder, one.name, stage) for one in entrants}
        for folder in folders.values():
            folder.path.mkdir(parents=True, exist_ok=True)
            for left in (FAILED, REQUEUED):
                (folder.path / left).unlink(missing_ok=True)
        jobs = {folder: self._job(name, folder, stage, rows) for name, folder in folders.items()}
        with placement.all_handed_over(self._worker.folder, place_named(self._place), jobs) as placed:
            return {name: placed[folder] for name, folder in folders.items()}

    def _of_before(self, name: str, stage: str) -> Placement | None:
        """The job of a trial that an attempt before has handed over, where the place has it still."""
        folder = stage_folder(self._worker.folder, name, stage)
        before = placement.recorded(folder)
        is_there = before and before.place == self._place and placement.state_of(folder, before).phase != "ended"
        return before if is_there else None

    def _job(self, name: str, folder: RunFolder, stage: str, rows: int) -> PlacedJob:
        """What the place starts for a trial."""
        sweep = self._worker.folder
        return PlacedJob(
            name=f"{sweep.name}-{name}",
            folder=str(folder.path),
            arguments=("-m", "zoo.runs.sweeping.trial", str(sweep.path), name, stage, str(rows)),
            environment=environment_there(sweep),
            log=str(folder.log_path),
            requeue=self._requeue,
        )

    def _done(self, entrant: Entrant, stage: str, placed: Placement) -> Candidate | None:
        """What is known of a trial that has gone through a stage; None where it has not yet.

        Raises:
            RunFailed: it has failed, or its job has ended without a word.
        """
        folder = stage_folder(self._worker.folder, entrant.name, stage)
        self._report_step(folder)
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
        if lacking := placement.trouble(folder, placed):
            self._lacking = RunFailed(*lacking)
            raise self._lacking
        why = state.reason or state.word or "its job has ended without a result"
        raise RunFailed(f"at place {self._place}: {why}", f"{folder.log_path} says more")

    def _report_step(self, folder: RunFolder) -> None:
        """How far a trial is, in the log of the sweep."""
        events, self._read[folder] = read_events(folder, self._read.get(folder, 0))
        if steps := [event for event in events if isinstance(event, CandidateStepped)]:
            self._worker.emit(steps[-1])

    def _stop(self, waiting: Mapping[str, Placement], stage: str) -> None:
        """Let trials make a checkpoint, as they see that the sweep is asked to stop; cancel what waits or goes on."""
        deadline = time.monotonic() + STOPPED_S
        going_on = {stage_folder(self._worker.folder, name, stage): placed for name, placed in waiting.items()}
        if not self._worker.folder.stop_path.exists():
            self._worker.folder.stop_path.touch()  # asked by a signal, which they do not see
        while going_on and time.monotonic() < deadline:
            phases = {folder: placement.state_of(folder, placed).phase for folder, placed in going_on.items()}
            self._cancel({folder: placed for folder, placed in going_on.items() if phases[folder] == "waiting"})
            going_on = {folder: one for folder, one in going_on.items() if phases[folder] not in ("waiting", "ended")}
            time.sleep(POLL_S)
        self._cancel(going_on)

    def _cancel(self, jobs: Mapping[RunFolder, Placement]) -> None:
        with contextlib.suppress(ZooError):  # who cannot be asked ends it at its time; a result is looked for again
            placement.cancel(*jobs.values())
            for folder in jobs:
                placement.forget(folder)  # it may end for a while yet: a sweep that goes on hands the trial over anew
