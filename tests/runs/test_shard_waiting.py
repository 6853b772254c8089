"""Shards at a place: when one is gone, and how all are ended, beside whoever hands them over."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest

from zoo.places.place import JobState
from zoo.runs import control, placement, status
from zoo.runs.attempt import Worker
from zoo.runs.events import RunInterrupted, RunLaunched
from zoo.runs.launcher import joining_run, launching
from zoo.runs.log import append
from zoo.runs.placement import Placement
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.shard_waiting import WatchedShard
from zoo.runs.store import RunFolder, create
from zoo.runs.worker import _await_handing_over


def new_run(name: str, **changes: Any) -> RunFolder:
    data = DataRequest(path="/data.csv")
    return create(RunRequest(name=name, verb="predict", model="m/m", plugin="m", task="t", data=data, **changes))


def handed_over(name: str) -> RunFolder:
    folder = new_run(name, place="gpu", joined_by="all")
    append(folder, RunLaunched(attempt=1, place="gpu", job=name))
    folder.placed_path.write_bytes(msgspec.json.encode(Placement(place="gpu", job=name, placed_at=0.0)))
    return folder


def test_a_shard_that_its_place_puts_back_into_the_queue_is_not_gone(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [JobState(phase="running")]
    monkeypatch.setattr(placement, "ASKED_S", 0.0)
    monkeypatch.setattr(placement, "_ask", lambda placed: said[-1])
    folder = handed_over("all-shard-1")
    append(folder, RunInterrupted(message="its place ended it"))
    shard = WatchedShard(folder)

    found = []
    running, waiting, ended = JobState(phase="running"), JobState(phase="waiting"), JobState(phase="ended")
    for state in (running, waiting, running, ended):
        said.append(state)
        shard.look()
        found.append(shard.gone)
    assert found == [False, False, False, True]


@pytest.mark.parametrize("force", [True, False])
def test_all_shards_that_do_not_stop_are_cancelled_at_once(
    force: bool, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, cancelled = ("all-shard-1", "all-shard-2"), list[list[str]]()
    joining = new_run("all", joins=names)
    shards = [handed_over(name) for name in names]

    def ask(one: Placement) -> JobState:
        return JobState(phase="ended" if any(cancelled) else "running")

    monkeypatch.setattr(placement, "ASKED_S", 0.0)
    monkeypatch.setattr(placement, "_ask", ask)
    monkeypatch.setattr(placement, "cancel", lambda *placed: cancelled.append([one.job for one in placed]))
    monkeypatch.setattr(placement, "is_declared", lambda placed: True)

    assert "cancelled" == control.stop(joining, force=force, timeout_s=0.0)
    assert [[*names]] == [jobs for jobs in cancelled if jobs]
    assert ["cancelled", "cancelled"] == [status.read(shard).status for shard in shards]


def test_a_run_that_has_the_name_of_a_deleted_one_joins_no_shards(store: Path) -> None:
    shard, other = new_run("all-shard-1", place="gpu", joined_by="all"), new_run("all")
    assert joining_run(shard) is None
    control.remove(shard)
    assert other.path.exists()
    assert not shard.path.exists()


def test_a_shard_waits_until_it_is_written_down_that_it_was_handed_over_and_hears_signals(store: Path) -> None:
    joining, shard = new_run("all", joins=("all-shard-1",)), new_run("all-shard-1", place="gpu", joined_by="all")
    worker = Worker(shard, shard.request, rank=0, world_size=1)
    begun: list[bool] = []

    def begin() -> None:
        _await_handing_over(worker)
        begun.append(worker.signalled)

    with launching(joining):
        thread = Thread(target=begin, daemon=True)
        thread.start()
        assert not begun
        worker.on_signal(15, None)
        thread.join(30)
        assert begun == [True]
