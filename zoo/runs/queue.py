"""Whose turn it is at an accelerator: the runs that compute on one do so one after the other. The CPU is shared.

`queue.json` in the store lists the runs that compute, and those that wait, in the order in which they were asked for.
The turn of a run has come when none computes on one of its devices and none before it waits for one. It waits for all
of them at one place, so no two runs wait for each other. A place holds for as long as the worker is there, and with it
the memory that it has of the device: what is listed of a process that is gone holds nobody up, and goes when the next
one comes. Only the place of a run that waited when the machine went down is kept, until someone starts its worker anew
(`zoo.runs.launcher.start_lost`).
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import structs

from zoo import atomic
from zoo.devices import accelerator_keys
from zoo.locking import locked
from zoo.paths import home, runs_folder
from zoo.runs import liveness
from zoo.runs.liveness import WorkerProcess
from zoo.runs.log import read_events
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import Status, fold
from zoo.runs.store import RunFolder


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A run in the queue."""

    run: str
    worker: WorkerProcess
    devices: tuple[str, ...]
    """As `zoo.devices.accelerator_keys` has them."""
    computes: bool = False
    """Whether its turn has come, or it waits for nobody."""

    def shares_with(self, devices: Sequence[str]) -> bool:
        """Whether it has one of them."""
        return not set(self.devices).isdisjoint(devices)


class Standing(NamedTuple):
    """Where a run stands."""

    number: int
    """Among those that wait, 1 being the next; 0 for one that computes."""
    behind: str = ""
    """The run just before it; empty where nobody stands in its way."""


MY_TURN = Standing(1)


def enter(folder: RunFolder, *, now: bool = False) -> None:
    """Put a run at the end of the queue; one that needs no accelerator has no place in it.

    A run keeps a place that it has already, or that it had when the machine went down.

    Args:
        folder: the run, whose worker has been recorded.
        now: do not wait for others.
    """
    worker, devices = liveness.recorded(folder), devices_of(folder.request)
    if worker is None or not devices:
        return
    with _changed() as turns:
        names = [turn.run for turn in turns]
        index = names.index(folder.name) if folder.name in names else len(turns)
        computes = now or any(turn.computes and _is_there(turn) for turn in turns[index : index + 1])
        turns[index : index + 1] = [Turn(run=folder.name, worker=worker, devices=devices, computes=computes)]
        _begin(folder, turns)


def take_turn(folder: RunFolder) -> Standing | None:
    """Let a run compute if nobody stands in its way.

    Returns:
        Where it stands; None where it is not in the queue.
    """
    place = place_of(folder)
    if place != MY_TURN:
        return place
    with _changed() as turns:
        _begin(folder, turns)  # unless someone has come meanwhile
        return _place_of(folder, turns)


def _begin(folder: RunFolder, turns: list[Turn]) -> None:
    if _place_of(folder, turns) == MY_TURN:
        turns[:] = [structs.replace(turn, computes=turn.computes or turn.run == folder.name) for turn in turns]


def place_of(folder: RunFolder) -> Standing | None:
    """Where a run stands right now; None where it is not in the queue, or its worker is gone."""
    return _place_of(folder, _read())


def place_at_end(request: RunRequest) -> Standing:
    """Where a run would stand that were started now."""
    turns = [turn for turn in _read() if _is_there(turn)]
    return _place(turns, len(turns), devices_of(request))


def _place_of(folder: RunFolder, queue: Sequence[Turn]) -> Standing | None:
    turns = [turn for turn in queue if _is_there(turn)]
    index = next((index for index, turn in enumerate(turns) if turn.run == folder.name), None)
    if index is None:
        return None
    return Standing(0) if turns[index].computes else _place(turns, index, turns[index].devices)


def _place(turns: Sequence[Turn], index: int, devices: Sequence[str]) -> Standing:
    """Where a run stands that waits for some devices; those that compute on them are before it wherever they are."""
    others = [turn for turn in turns if turn.shares_with(devices)]
    waiting = [turn for turn in turns[:index] if turn in others and not turn.computes]
    ahead = [turn for turn in others if turn.computes] + waiting
    return Standing(len(waiting) + 1, ahead[-1].run if ahead else "")


def devices_of(request: RunRequest) -> tuple[str, ...]:
    """The accelerators that a run needs for itself; none on the CPU, nor for a dry run, which someone waits for, nor
    at a place or on several machines, which are given to one run at a time, nor to join what others have answered.
    """
    elsewhere = request.place or request.nodes > 1
    computes = not (request.dry_run or elsewhere or request.joins)
    return accelerator_keys(request.device, request.processes) if computes else ()


def lengths() -> Mapping[str, int]:
    """How many runs compute on an accelerator or wait for it, by its key."""
    return Counter(key for turn in _read() if _is_there(turn) for key in turn.devices)


def lost() -> Iterator[RunFolder]:
    """Runs that waited when the machine went down, in their order."""
    return (_folder(turn) for turn in _read() if _was_waiting(turn))


def _is_there(turn: Turn) -> bool:
    """Whether the worker of a run is a process of this machine."""
    return liveness.is_here(turn.worker) and turn.worker.is_there()


def _was_waiting(turn: Turn) -> bool:
    """Whether a run waited for its turn when the machine went down."""
    return not turn.computes and liveness.went_down_since(turn.worker) and _last_status(turn) == "queued"


def _last_status(turn: Turn) -> Status:
    return fold(read_events(_folder(turn))[0]).status


def _stays(turn: Turn) -> bool:
    """Whether a place is kept; each machine looks after its own."""
    return not liveness.is_here(turn.worker) or _is_there(turn) or _was_waiting(turn)


def _folder(turn: Turn) -> RunFolder:
    return RunFolder(runs_folder() / turn.run)


def _path() -> Path:
    return home() / "queue.json"


@contextlib.contextmanager
def _changed() -> Iterator[list[Turn]]:
    """Those that stay, to be changed by one process at a time, and written down."""
    path = _path()
    with locked(path.with_name("queue.lock"), lambda: False):
        turns = [turn for turn in _read() if _stays(turn)]
        yield turns
        atomic.write_bytes(path, msgspec.json.encode(turns))


def _read() -> list[Turn]:
    """The queue; one that nobody can read is empty, and those that wait come again."""
    try:
        return msgspec.json.decode(_path().read_bytes(), type=list[Turn])
    except (OSError, UnicodeError, msgspec.DecodeError):
        return []
