"""Where a run was handed over to: `placed.json` in its folder, and what that place says of it.

A worker at a place is no process of this machine, even where it happens to run here. Its heartbeat says that it is
there; where that is late, or has not begun, the place is asked.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar

import msgspec

from zoo import atomic
from zoo.errors import OptionInvalid, ZooError
from zoo.places.arrays import cancel_all, give_up, submit_all
from zoo.places.lacking import missing_there
from zoo.places.place import JobState, Place, PlacedJob
from zoo.places.table import declared_place, place_named
from zoo.runs.store import RunFolder
from zoo.sanitize import error_text

HEARTBEAT_LATE_S = 15.0
"""A worker that was silent for this long may be gone: its place is asked."""
LOG_CHARACTERS = 4_000
"""Of the end of a log that are looked at for what was missing."""
ASKED_S = 5.0
"""How long an answer of a place counts."""
ANSWER_S = 4.0
"""How long a list of runs waits for the places that they are at."""
_states: dict[tuple[str, str], tuple[float, JobState]] = {}
"""What each place said of each job, and when."""
_waits = ContextVar("waits", default=True)
"""Whether whoever wants to know something waits for the answer of a place."""
_lock = threading.Lock()


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `placed.json`."""

    place: str
    """Its name."""
    job: str
    """What the place calls the run."""
    placed_at: float
    """Unix time in seconds."""
    ended: JobState | None = None
    """How it ended there, once somebody has seen it: a scheduler forgets its jobs."""


_to_ask: dict[tuple[str, str], tuple[RunFolder, Placement]] = {}
"""What views want to know."""


@contextlib.contextmanager
def handed_over(folder: RunFolder, place: Place, job: PlacedJob) -> Iterator[Placement]:
    """Let a place have a job, and write down that it has.

    Where it does not take it, or what is done next fails, what was known of the job before is known still, and the
    place keeps none that nobody knows of.

    Raises:
        ZooError: the place does not take it.
    """
    with all_handed_over(folder, place, {folder: job}) as placed:
        yield placed[folder]


@contextlib.contextmanager
def all_handed_over(
    whole: RunFolder, place: Place, jobs: Mapping[RunFolder, PlacedJob]
) -> Iterator[dict[RunFolder, Placement]]:
    """The same of the jobs of several runs, all or none of which the place has then.

    Args:
        whole: the run that they are parts of.
        place: the place.
        jobs: of each run.

    Raises:
        ZooError: the place does not take them.
    """
    before = {folder: recorded(folder) for folder in jobs}
    for folder in jobs:
        forget(folder)
    try:
        ids = submit_all(place, list(jobs.values()), whole.name, str(whole.path))
        try:
            placed = {
                folder: Placement(place=place.name, job=job_id, placed_at=time.time())
                for folder, job_id in zip(jobs, ids, strict=True)
            }
            for folder, placement in placed.items():
                _write(folder, placement)
            yield placed
        except BaseException:
            give_up(place, ids)
            raise
    except BaseException:
        with contextlib.suppress(OSError):
            for folder, known in before.items():
                folder.placed_path.unlink(missing_ok=True)
                if known is not None:
                    _write(folder, known)
        raise


def recorded(folder: RunFolder) -> Placement | None:
    """Where a run was handed over to; None for one of this machine."""
    try:
        return msgspec.json.decode(folder.placed_path.read_bytes(), type=Placement)
    except (OSError, msgspec.DecodeError):
        return None


def forget(folder: RunFolder) -> None:
    """Let a run be one of this machine, or be handed over anew."""
    folder.placed_path.unlink(missing_ok=True)
    folder.worker_path.unlink(missing_ok=True)
    folder.interrupt_path.unlink(missing_ok=True)


def sign_off(folder: RunFolder, *, again: bool) -> None:
    """Let nobody take the worker for one that is there: the last thing that it does.

    Args:
        folder: the run.
        again: whether its place begins it again.
    """
    placement = recorded(folder)
    folder.worker_path.unlink(missing_ok=True)
    if placement and not again:
        _write(folder, msgspec.structs.replace(placement, ended=JobState(phase="ended")))


def is_alive(folder: RunFolder, placement: Placement) -> bool:
    """Whether a worker is at the run, or comes to it by itself."""
    silent_s = _silent_s(folder)
    if silent_s is not None and silent_s < HEARTBEAT_LATE_S:
        return True
    state = state_of(folder, placement)
    return state.phase != "ended"  # of one that cannot be asked about nobody knows that it is gone


def is_waiting(folder: RunFolder, placement: Placement) -> bool:
    """Whether no worker is at the run, and its turn at the place is still to come."""
    silent_s = _silent_s(folder)
    late = silent_s is None or silent_s >= HEARTBEAT_LATE_S
    return late and state_of(folder, placement).phase == "waiting"


def _silent_s(folder: RunFolder) -> float | None:
    """Seconds since the last heartbeat; None where there was none."""
    try:
        return time.time() - folder.worker_path.stat().st_mtime
    except OSError:
        return None


def state_of(folder: RunFolder, placement: Placement) -> JobState:
    """What the place says of a run, and what it said last where that was its end."""
    if placement.ended is not None:
        return placement.ended
    key = (placement.place, placement.job)
    asked_at, state = _states.get(key, (-ASKED_S, JobState(phase="unknown")))
    if time.monotonic() - asked_at >= ASKED_S:
        if not _waits.get():
            _ask_meanwhile(folder, placement)
            return state
        state = _answer(folder, placement)
    return state


@contextlib.contextmanager
def without_waiting() -> Iterator[None]:
    """Let `state_of` say within what was known last, and have the place asked meanwhile: for views of many runs."""
    token = _waits.set(False)
    try:
        yield
    finally:
        _waits.reset(token)


def ask_places(folders: Iterable[RunFolder]) -> dict[str, str]:
    """Have the places of runs asked whose workers are silent, all places at once, and wait for them a few seconds.

    What `state_of` says is known by then, or unknown for as long as an answer would count.

    Returns:
        Why nothing is known of what is at a place, by its name; empty where all have answered.
    """
    silent: defaultdict[str, list[tuple[RunFolder, Placement]]] = defaultdict(list)
    for folder in folders:
        placed, silent_s = recorded(folder), _silent_s(folder)
        if placed and placed.ended is None and (silent_s is None or silent_s >= HEARTBEAT_LATE_S):
            silent[placed.place].append((folder, placed))
    answers: dict[tuple[str, str], JobState] = {}
    threads = [threading.Thread(target=_ask_each, args=(runs, answers), daemon=True) for runs in silent.values()]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + ANSWER_S
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    why = {}
    for place, job in ((placed.place, placed.job) for runs in silent.values() for _, placed in runs):
        if (state := answers.get((place, job))) is None:
            state = JobState(phase="unknown", reason=f"no answer within {ANSWER_S:g} seconds")
            _states[place, job] = (time.monotonic(), state)
        if state.phase == "unknown":
            why[place] = state.reason
    return why


def _ask_each(runs: Sequence[tuple[RunFolder, Placement]], answers: dict[tuple[str, str], JobState]) -> None:
    """Ask about one after the other, as a place may say all at once; called by a thread of the place's own."""
    for folder, placed in runs:
        answers[placed.place, placed.job] = state_of(folder, placed)


def _ask_meanwhile(folder: RunFolder, placement: Placement) -> None:
    """Have a place asked of a run by the thread that asks for all views, one after the other."""
    key = (placement.place, placement.job)
    with _lock:
        if key in _to_ask:
            return
        is_idle = not _to_ask
        _to_ask[key] = (folder, placement)
        if is_idle:
            threading.Thread(target=_ask_all, daemon=True).start()


def _ask_all() -> None:
    """Ask until nothing is left to be asked."""
    while True:
        with _lock:
            key = next(iter(_to_ask))
        _answer(*_to_ask[key])
        with _lock:
            del _to_ask[key]
            if not _to_ask:
                return


def _answer(folder: RunFolder, placement: Placement) -> JobState:
    """What the place says of a run now; its end is written down."""
    state = _ask(placement)
    _states[placement.place, placement.job] = (time.monotonic(), state)
    if state.phase == "ended":
        _note_end(folder, placement, state)
    return state


def _note_end(folder: RunFolder, placement: Placement, state: JobState) -> None:
    """Write down how a job has ended, where it is that of the run still, and the person is whose job it was.

    A scheduler may say nothing of the jobs of others.
    """
    with contextlib.suppress(OSError):  # who may only look at the store asks again
        is_ours = not hasattr(os, "geteuid") or folder.placed_path.stat().st_uid == os.geteuid()
        if is_ours and recorded(folder) == placement:
            _write(folder, msgspec.structs.replace(placement, ended=state))


def _ask(placement: Placement) -> JobState:
    try:
        return place_named(placement.place).state(placement.job)
    except ZooError as error:
        return JobState(phase="unknown", reason=error.message)
    except Exception as error:  # a kind that another distribution brings may raise anything
        return JobState(phase="unknown", reason=f"{type(error).__name__}: {error_text(error)}")


def cancel(*placements: Placement) -> None:
    """Let places end the jobs of runs, all that one place has at once.

    Raises:
        ZooError: there is no such place any more, or it cannot be asked.
    """
    jobs: defaultdict[str, list[str]] = defaultdict(list)
    for placed in placements:
        jobs[placed.place].append(placed.job)
    for name, ids in jobs.items():
        cancel_all(place_named(name), ids)
        for job_id in ids:
            _states.pop((name, job_id), None)


def is_declared(placement: Placement) -> bool:
    """Whether the place of a run is declared still.

    Raises:
        ZooError: what is declared cannot be read.
    """
    try:
        declared_place(placement.place)
    except OptionInvalid:
        return False
    return True


def trouble(folder: RunFolder, placement: Placement) -> tuple[str, str] | None:
    """What a run lacked at its place, and how to mend it; None where that is not what ended it, or nobody knows."""
    with contextlib.suppress(ZooError, OSError):
        place = place_named(placement.place)
        said = [place.said(str(folder.path), placement.job)]
        with contextlib.suppress(FileNotFoundError):
            said.append(folder.log_path.read_text(encoding="utf-8", errors="replace")[-LOG_CHARACTERS:])
        return missing_there(place, "\n".join(said))
    return None


def _write(folder: RunFolder, placement: Placement) -> None:
    atomic.write_bytes(folder.placed_path, msgspec.json.encode(placement))
