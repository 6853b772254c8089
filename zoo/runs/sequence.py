"""Runs one after the other: each begins from the result of the one before, when that has finished."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import msgspec

from zoo.errors import StoreInvalid, Unsupported, ZooError
from zoo.locking import locked
from zoo.plurals import name_list
from zoo.runs import going_on, launcher, status, store
from zoo.runs.events import RunCancelled, RunFailed, RunPostponed
from zoo.runs.log import append, awaited, is_going_on, named_run, read_events, waits
from zoo.runs.store import RunFolder


def postpone(folder: RunFolder, after: RunFolder, *, now: bool = False) -> None:
    """Let a run wait for the end of another one; where that has finished already, it begins.

    Args:
        folder: the run.
        after: the other one.
        now: where it begins, do not wait for those that compute on the same accelerator.

    Raises:
        ZooError: the run's folder cannot be written, or it cannot be started.
    """
    try:
        _postpone(folder, after)
    except OSError as error:
        raise store.store_invalid(f"run {folder.name} cannot be put off", error, folder.path) from error
    if status.read(after).status == "finished":
        launcher.begin(folder, now=now)


def _postpone(folder: RunFolder, after: RunFolder) -> None:
    append(folder, RunPostponed(after=after.name, created_at=after.request.created_at))


def followers(folder: RunFolder) -> tuple[RunFolder, ...]:
    """The runs that wait for the end of a run, the oldest first."""
    return waiting_runs().get(folder.name, ())


def waiting_runs() -> dict[str, tuple[RunFolder, ...]]:
    """All runs that wait, the oldest first, by the name of the run that each waits for."""
    waiting: dict[str, tuple[RunFolder, ...]] = {}
    for run in reversed(going_on.noted()):
        if (other := awaited(run)) is not None:
            waiting[other.name] = (*waiting.get(other.name, ()), run)
    return waiting


def begin_followers(folder: RunFolder) -> tuple[RunFolder, ...]:
    """Start the runs that wait for a run, if it has finished; one that cannot be started says why.

    Returns:
        Those that waited.
    """
    if status.read(folder).status != "finished":
        return ()
    waiting = followers(folder)
    for follower in waiting:
        try:
            launcher.begin(follower)
        except ZooError as error:
            with contextlib.suppress(OSError):  # the others are not to suffer from its folder
                append(follower, RunFailed(kind=type(error).__name__, message=error.message, hint=error.hint))
    return waiting


def wait_again(folder: RunFolder) -> bool:
    """Let a run that was stopped before it began wait again, where the one before it has not finished yet.

    Returns:
        Whether it waits; False where nothing is in its way.

    Raises:
        Unsupported: it waits already, or nobody is at the run before.
    """
    s = status.read(folder)
    if not s.after or s.attempt:
        return False
    before = run_before(folder)
    what = f"run {folder.name} follows {s.after}, which is"
    if before is None:
        raise Unsupported(f"{what} gone", "start a new run")
    state = status.read(before).status
    if state == "finished":
        return False
    if not is_going_on(before):
        hint = f"go on with that, and this one follows: zoo resume {s.after}"
        if s.status != "waiting":
            hint = f"go on with that, then with this one: zoo resume {s.after}, then zoo resume {folder.name}"
        raise Unsupported(f"{what} {state}", hint)
    if s.status == "waiting":
        raise Unsupported(f"{what} {state}", f"it begins by itself; watch it: zoo attach {folder.name}")
    postpone(folder, before)
    return True


def run_before(folder: RunFolder) -> RunFolder | None:
    """The run that a run begins after, or began after; None where there is none, or it is gone."""
    postponed = (event for event in reversed(read_events(folder)[0]) if isinstance(event, RunPostponed))
    return named_run(folder, event) if (event := next(postponed, None)) else None


def unfinished_shards(folder: RunFolder) -> tuple[RunFolder, ...]:
    """The runs whose answers a run is to join and that have not finished, in their order; none that is gone, and none
    where its request cannot be read, so that it can be stopped all the same.
    """
    try:
        names = folder.request.joins
    except StoreInvalid:
        return ()
    shards = (RunFolder(folder.path.parent / name) for name in names)
    return tuple(one for one in shards if one.request_path.exists() and status.read(one).status != "finished")


def cancel_waiting(folder: RunFolder) -> bool:
    """Let a run that waits begin by itself no more; returns whether it waited.

    Raises:
        StoreInvalid: the run's folder cannot be written.
    """
    if not waits(folder):
        return False
    try:
        with locked(folder.path / "launch.lock", lambda: False):
            if not waits(folder):
                return False
            append(folder, RunCancelled())
            return True
    except OSError as error:
        raise store.store_invalid(f"run {folder.name} cannot be asked to stop", error, folder.path) from error


def follow_renamed(folder: RunFolder, waiting: tuple[RunFolder, ...], before: str) -> None:
    """Let the runs that wait for a run do so under its new name.

    Args:
        folder: of the run, as it is called now.
        waiting: for it.
        before: its name until now.
    """
    for follower in waiting:
        request = follower.request
        plugin, _, model = request.model.partition("/")
        model = f"{plugin}/{folder.name}{model.removeprefix(before)}"
        store.write_request(follower, msgspec.structs.replace(request, model=model))
        _postpone(follower, folder)


def check_not_awaited(folders: Sequence[RunFolder]) -> None:
    """Insist that no run waits for one of these, but for others of them, and that shards are joined first.

    Raises:
        Unsupported: naming those that do.
    """
    _check_no_shards_apart(folders)
    names = {folder.name for folder in folders}
    for folder, waiting in waiting_runs().items() if names else ():
        if others := tuple(run.name for run in waiting if folder in names and run.name not in names):
            raise Unsupported(
                f"the result of run {folder} is waited for by {name_list(others)}",
                f"delete all of them: zoo rm {' '.join((folder, *others))}; or let them wait no more: "
                f"zoo stop {' '.join(others)}",
            )


def _check_no_shards_apart(folders: Sequence[RunFolder]) -> None:
    """Refuse shards whose answers are still to be joined, without the run that does it, and that run while one goes on.

    Raises:
        Unsupported: naming what is in the way.
    """
    names = {folder.name for folder in folders}
    for folder in folders:
        try:
            joining = None if folder.request.joined_by in names else launcher.joining_run(folder)
        except StoreInvalid:  # what cannot be read must be removable, too
            continue
        if joining and status.read(joining).status != "finished":
            name = joining.name
            raise Unsupported(
                f"what run {folder.name} has answered is to be joined by run {name}, which has not finished",
                f"go on with that: zoo resume {name}; or delete all: zoo rm {name} '{name}-shard-*'",
            )
        if going_on := next((one for one in unfinished_shards(folder) if is_going_on(one)), None):
            raise Unsupported(
                f"run {going_on.name}, whose answers run {folder.name} joins, is still going",
                f"stop all of them first: zoo stop {folder.name}",
            )
