"""Starting a worker: a process of its own that outlives whoever started it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from msgspec import structs

from zoo.devices import first_device
from zoo.errors import RunFailed, StoreInvalid, Unsupported, ZooError
from zoo.kinds.input_kind import FEW_KERNELS
from zoo.locking import locked
from zoo.paths import home
from zoo.places.here import start_process
from zoo.places.node import NODE_VARIABLES
from zoo.places.place import PlacedJob
from zoo.places.table import FILE_VARIABLE, place_named
from zoo.places.table import path as places_path
from zoo.runs import events, liveness, placement, queue, ranks, status
from zoo.runs.events import RunLaunched
from zoo.runs.log import append, read_events, waits
from zoo.runs.snapshot import fold
from zoo.runs.store import RunFolder, store_invalid, write_request
from zoo.runs.versions import variable_of
from zoo.settings import value
from zoo.tasks import get_task


def launch(folder: RunFolder, *, now: bool = False) -> None:
    """Start a run, or an attempt to go on with it, and return at once.

    Where it computes on an accelerator its worker waits for its turn, behind all that were started before.

    Args:
        folder: the run.
        now: do not wait for those that compute on the same accelerator.

    Raises:
        Unsupported: the run is still going, or has finished.
        RunFailed: the worker process cannot be started.
        StoreInvalid: the run's folder cannot be written.
    """
    start_lost()
    with launching(folder):
        if liveness.is_alive(folder):
            raise _still_going(folder)
        if status.read(folder).status == "finished":
            raise Unsupported(f"run {folder.name} has finished", "start a new run from its result by its name")
        _launch(folder, now=now)


def begin(folder: RunFolder, *, now: bool = False) -> None:
    """Start a run that waits for another one; one that has begun, or was stopped, stays as it is.

    Args:
        folder: the run.
        now: do not wait for those that compute on the same accelerator.

    Raises:
        RunFailed: the worker process cannot be started.
        StoreInvalid: the run's folder cannot be written.
    """
    with launching(folder):
        if waits(folder) and not liveness.is_alive(folder):
            _launch(folder, now=now)


def change_processes(folder: RunFolder, processes: int) -> None:
    """Let a training that is gone on with have another number of processes.

    Raises:
        Unsupported: there are not as many devices, the run is no training, is still going, or has finished.
        StoreInvalid: the run's folder cannot be written.
    """
    request = folder.request
    if request.verb not in ("pretrain", "finetune"):
        raise Unsupported(f"run {folder.name} is no training, and has one process", "leave --processes out")
    if processes > 1 and request.is_private:
        raise Unsupported(f"run {folder.name} is private, and computes in one process", "leave --processes out")
    device = first_device(request.device, processes)
    with launching(folder):
        if liveness.is_alive(folder):
            raise _still_going(folder)
        if status.read(folder).status == "finished":
            raise Unsupported(f"run {folder.name} has finished", "start a new run from its result by its name")
        write_request(folder, structs.replace(request, processes=processes, device=device))


@contextlib.contextmanager
def launching(folder: RunFolder, should_stop: Callable[[], bool] = lambda: False) -> Iterator[IO[bytes]]:
    """Be the only one who starts a run, or sees to it that nobody does; of one that is handed over to a place together
    with others, the only one who starts any of them.

    Args:
        folder: the run.
        should_stop: whether to wait for others no longer.

    Raises:
        RunCancelled: `should_stop` said so.
        StoreInvalid: the run's folder cannot be written.
    """
    try:
        with locked(_together(folder).path / "launch.lock", should_stop) as file:
            yield file
    except OSError as error:
        raise store_invalid(f"run {folder.name} cannot be started", error, folder.path) from error


def _together(folder: RunFolder) -> RunFolder:
    """The run that joins what a shard at a place answers, or the run itself."""
    with contextlib.suppress(StoreInvalid):
        if folder.request.place:
            return joining_run(folder) or folder
    return folder


def joining_run(folder: RunFolder) -> RunFolder | None:
    """The run that joins what a shard answers; None of any other run, and where it is gone, or another has its name.

    Raises:
        StoreInvalid: what one of them was asked to do cannot be read.
    """
    joining = RunFolder(folder.path.parent / name) if (name := folder.request.joined_by) else None
    return joining if joining and joining.request_path.exists() and folder.name in joining.request.joins else None


def _still_going(folder: RunFolder) -> Unsupported:
    place = queue.place_of(folder)
    if place and place.behind:
        return Unsupported(
            f"run {folder.name} is queued behind {place.behind}", f"start it beside: zoo resume {folder.name} --now"
        )
    return Unsupported(f"run {folder.name} is still going", f"watch it: zoo attach {folder.name}")


def start_lost() -> None:
    """Start the workers anew of runs that waited for their turn when the machine went down; they keep their places."""
    for folder in queue.lost():
        try:
            with locked(folder.path / "launch.lock", lambda: False):
                if not liveness.is_alive(folder) and status.read(folder).status == "queued":
                    _launch(folder)
        except RunFailed as error:
            with contextlib.suppress(OSError):
                append(folder, events.RunFailed(kind=type(error).__name__, message=error.message, hint=error.hint))
        except (OSError, StoreInvalid):
            continue  # who looks at that run hears of it; no other is to suffer from its folder


def launch_shards(joining: RunFolder, shards: Sequence[RunFolder]) -> None:
    """Hand shards over to their place, those that are there already apart; all at once, as a place may take them.

    Args:
        joining: the run that joins what they answer.
        shards: all of one place.

    Raises:
        ZooError: the place takes none of them, or a folder cannot be written.
    """
    with launching(joining):
        idle = [one for one in shards if not liveness.is_alive(one) and status.read(one).status != "finished"]
        if not idle:
            return
        attempts = {shard: _next_attempt(shard) for shard in idle}
        jobs = {shard: _placed_job(shard, attempt) for shard, attempt in attempts.items()}
        with placement.all_handed_over(joining, place_named(idle[0].request.place), jobs) as placed:
            for shard, one in placed.items():
                append(shard, RunLaunched(attempt=attempts[shard], place=one.place, job=one.job))


def _next_attempt(folder: RunFolder) -> int:
    """Number of the attempt that begins, for which nothing is left of the one before."""
    folder.stop_path.unlink(missing_ok=True)
    ranks.forget(folder)
    return fold(read_events(folder)[0]).attempt + 1


def _launch(folder: RunFolder, *, now: bool = False) -> None:
    attempt = _next_attempt(folder)
    if folder.request.place:
        _hand_over(folder, attempt)
        return
    placement.forget(folder)
    with folder.log_path.open("ab") as log:
        try:
            settings = environment(_kernels_of(folder)) | {"ZOO_ATTEMPT": str(attempt)}
            process = start_process(worker_command(folder), log, settings)
        except OSError as error:
            raise RunFailed(f"run {folder.name}: its worker cannot be started: {error}") from error
    threading.Thread(target=process.wait, daemon=True).start()  # so that no dead process is left in the table
    liveness.record(folder, process.pid)
    queue.enter(folder, now=now)
    append(folder, RunLaunched(attempt=attempt))


def _hand_over(folder: RunFolder, attempt: int) -> None:
    """Let the place of a run start its worker, now or when its turn there has come."""
    place = place_named(folder.request.place)
    with placement.handed_over(folder, place, _placed_job(folder, attempt)) as placed:
        append(folder, RunLaunched(attempt=attempt, place=placed.place, job=placed.job))


def _placed_job(folder: RunFolder, attempt: int) -> PlacedJob:
    """What a place starts."""
    request = folder.request
    return PlacedJob(
        name=folder.name,
        folder=str(folder.path),
        arguments=tuple(worker_command(folder)[1:]),
        environment=environment_there(folder) | {"ZOO_ATTEMPT": str(attempt)} | variable_of(request.versions),
        log=str(folder.log_path),
        processes=request.processes,
        nodes=request.nodes,
        requeue=request.requeue,
    )


def environment_there(folder: RunFolder) -> dict[str, str]:
    """The variables of a process that computes at a place for a run, beside those that it has there."""
    settings = environment(_kernels_of(folder))
    added = {name: text for name, text in settings.items() if name in _OF_WORKERS or os.environ.get(name) != text}
    return added | {"ZOO_HOME": str(home()), FILE_VARIABLE: settings[FILE_VARIABLE]}


def worker_command(folder: RunFolder) -> list[str]:
    """What runs the worker: itself, or torch's launcher with one worker per process; on each of several machines, what
    brings these together (see `zoo.places.node`).

    `accelerate launch --cpu` starts a single process whatever it is asked for, so torchrun does it.
    """
    request = folder.request
    processes = request.processes
    worker = ["-m", "zoo.runs.worker", str(folder.path)]
    if request.nodes > 1:
        return [sys.executable, "-m", "zoo.runs.node_worker", str(folder.path)]
    if processes == 1:
        return [sys.executable, *worker]
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return [sys.executable, *torchrun, *worker]


def environment(kernels: int = FEW_KERNELS) -> dict[str, str]:
    """The environment of a process that computes.

    Args:
        kernels: how many compiled ones it keeps.
    """
    settings = {
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",  # a file in the folder one works in never stands in for a library
        **_waiting(),
        **_kept(kernels),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    own = own_environment()
    if home := value("home"):  # whoever changes the setting meanwhile does not move what a run looks for
        own["ZOO_HOME"] = home
    own["ZOO_TRACKER"] = value("tracker")
    own[FILE_VARIABLE] = str(places_path())
    return own | settings | {_THREADS_ASKED_FOR: own.get("OMP_NUM_THREADS", "")}


def own_environment() -> dict[str, str]:
    """The variables of this process, without those by which torchrun tells it that it is one of several."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return dict(os.environ)
    own = {
        name: value
        for name, value in os.environ.items()
        if name not in _OF_ONE_OF_SEVERAL and not name.startswith(("TORCHELASTIC_", "ROLE_", "GROUP_"))
    }
    threads = os.environ.get(_THREADS_ASKED_FOR)
    return own | ({"OMP_NUM_THREADS": threads} if threads else {})


_THREADS_ASKED_FOR = "ZOO_OMP_NUM_THREADS"
"""What `OMP_NUM_THREADS` was before torchrun, which sets it where nobody has; empty where nobody had."""


_OF_WORKERS = (
    "PYTHONUNBUFFERED",
    "PYTHONSAFEPATH",
    "OMP_WAIT_POLICY",
    "GOMP_SPINCOUNT",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY",
    "LRU_CACHE_CAPACITY",
    "TOKENIZERS_PARALLELISM",
    "HF_HUB_DISABLE_TELEMETRY",
    "HF_HUB_DISABLE_PROGRESS_BARS",
    "ZOO_TRACKER",
    _THREADS_ASKED_FOR,
)
"""What this adds for each worker; where one of them hands something over to a place, it has them already."""


_OF_ONE_OF_SEVERAL = (
    "RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
    "OMP_NUM_THREADS",
    *NODE_VARIABLES,
)


def _waiting() -> dict[str, str]:
    """How threads wait for each other: by spinning for some microseconds, then asleep.

    To sleep at once costs a fifth of a training step on a machine of one's own. To spin for long, as is the default,
    makes it three times slower once anything else wants the cores: a second run, a browser.
    """
    settings = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys()
    return {} if settings else {"GOMP_SPINCOUNT": "1000"}


def _kept(kernels: int) -> dict[str, str]:
    """How many compiled kernels oneDNN, and torch on top of it, keep: one for each shape of matrices in bf16."""
    names = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"}
    return dict.fromkeys(names - os.environ.keys(), str(kernels))


def _kernels_of(folder: RunFolder) -> int:
    """How many a run keeps, by what goes into its model; the worker tells of a task that cannot be used."""
    with contextlib.suppress(ZooError):
        return get_task(folder.task).input.kernels
    return FEW_KERNELS
