"""A shard at a place is gone once nobody is at it, and its place does not begin it again."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from zoo.places.place import JobState
from zoo.runs import placement
from zoo.runs.events import RunInterrupted, RunLaunched
from zoo.runs.log import append
from zoo.runs.placement import Placement
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.shard_waiting import WatchedShard
from zoo.runs.store import create


def test_a_shard_that_its_place_puts_back_into_the_queue_is_not_gone(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [JobState(phase="running")]
    monkeypatch.setattr(placement, "ASKED_S", 0.0)
    monkeypatch.setattr(placement, "_ask", lambda placed: said[-1])
    data = DataRequest(path="/data.csv")
    request = RunRequest(
        name="all-shard-1", verb="predict", model="m/m", plugin="m", task="t", data=data, place="gpu", joined_by="all"
    )
    folder = create(request)
    append(folder, RunLaunched(attempt=1, place="gpu", job="1"))
    folder.placed_path.write_bytes(msgspec.json.encode(Placement(place="gpu", job="1", placed_at=0.0)))
    append(folder, RunInterrupted(message="its place ended it"))
    shard = WatchedShard(folder)

    found = []
    for phase in ("running", "waiting", "running", "ended"):
        said.append(JobState(phase=phase))
        shard.look()
        found.append(shard.gone)
    assert found == [False, False, False, True]
