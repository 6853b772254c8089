"""The answers of several runs, each to a part of the rows of one file, joined in order into the file of all.

Those that are answered at a place are waited for. What they wrote lies in the folder of this run until its end is
written, so a killed attempt begins the file anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from zoo.answers.answer import RecordCount
from zoo.errors import RunCancelled as RunCancelledError
from zoo.errors import RunFailed, Unsupported
from zoo.plurals import name_list
from zoo.runs import status
from zoo.runs.attempt import Worker
from zoo.runs.events import AnyEvent, RunFinished, Warned
from zoo.runs.kept_parts import SHARDS
from zoo.runs.log import last_event
from zoo.runs.prediction_job import Progress, rows_and_writer
from zoo.runs.preparation import resolve
from zoo.runs.shard_waiting import await_shards, watched_shards
from zoo.runs.store import RunFolder

BLOCK_BYTES = 4 * 2**20


class _Shard(NamedTuple):
    """A run that has answered its part of the rows."""

    name: str
    answers: Path
    finished: RunFinished


def join(worker: Worker) -> AnyEvent:
    """Write one file of the answers of all shards; returns the event that ends the run."""
    request = worker.request
    header = rows_and_writer(worker, resolve(worker)[1].columns)[2].header()
    watched = watched_shards(worker)
    answered = not all(one.is_finished for one in watched)
    progress = Progress(worker, RecordCount(), request.data.rows)
    if answered:
        await_shards(worker, watched, progress)
    shards = [_finished_shard(worker, name) for name in request.joins]
    _warn_of_calibration(worker, shards)
    out = Path(request.out)
    joined = worker.folder.path / SHARDS / "joined"
    if out.exists() and not joined.exists():
        raise Unsupported(f"{out} exists by now", f"move it away, then zoo resume {worker.folder.name}")
    whole = hashlib.sha256()
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("wb") as file:
            file.write(header)
            whole.update(header)
            for shard in shards:
                for block in _blocks(worker, shard, header):
                    file.write(block)
                    whole.update(block)
                if not answered:  # else they were counted as they came
                    progress.count(shard.finished)
                    progress.emit()
            file.flush()
            os.fsync(file.fileno())
        joined.touch()  # what is there from now on is of an attempt of this run
        part.replace(out)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return progress.finish(answers=whole.hexdigest(), calibration=shards[-1].finished.calibration)


def _finished_shard(worker: Worker, name: str) -> _Shard:
    folder = RunFolder(worker.folder.path.parent / name)
    if not folder.request_path.exists():
        raise RunFailed(f"run {name}, whose answers are to be joined, is gone", "start a new run")
    finished = last_event(folder)
    if not isinstance(finished, RunFinished):
        raise Unsupported(
            f"run {name}, whose answers are to be joined, is {status.read(folder).status}",
            f"go on with it, and this one follows: zoo resume {worker.folder.name}",
        )
    return _Shard(name, Path(folder.request.out), finished)


def _blocks(worker: Worker, shard: _Shard, header: bytes) -> Iterator[bytes]:
    """The bytes of a shard's answers without the header.

    Raises:
        RunCancelled: the run was asked to stop meanwhile.
        RunFailed: they are not what the shard has written.
    """
    written = hashlib.sha256()
    with shard.answers.open("rb") as file:
        beginning = file.read(len(header))
        written.update(beginning)
        while block := file.read(BLOCK_BYTES):
            if worker.should_stop():
                raise RunCancelledError(f"run {worker.folder.name} was stopped", "")
            written.update(block)
            yield block
    if beginning != header or written.hexdigest() != shard.finished.answers:
        raise RunFailed(f"{shard.answers} is not what run {shard.name} has written", "start a new run")


def _warn_of_calibration(worker: Worker, shards: list[_Shard]) -> None:
    """Say that the model was calibrated between two shards."""
    last = shards[-1].finished.calibration
    if others := tuple(shard.name for shard in shards if shard.finished.calibration != last):
        message = f"{worker.request.model} was calibrated after {name_list(others)}"
        worker.emit(Warned(message=f"{message}: answers before may have other probabilities"))
