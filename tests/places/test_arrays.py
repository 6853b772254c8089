"""Several jobs for one place: an array where it has those, and all or none of them in any case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from zoo.errors import RunFailed
from zoo.findings import Finding
from zoo.places.arrays import cancel_all, submit_all
from zoo.places.place import JobState, PlacedJob, PlaceSettings

JOBS = [PlacedJob(name=f"job-{number}", folder=f"/{number}", arguments=(), log="") for number in range(3)]


class Tent:
    """A place that takes some jobs, one by one."""

    def __init__(self, room: int) -> None:
        self.name, self.settings, self.room = "tent", PlaceSettings(), room
        self.jobs: list[str] = []

    def submit(self, job: PlacedJob) -> str:
        if len(self.jobs) == self.room:
            raise RunFailed("the tent is full")
        self.jobs.append(job.name)
        return job.name

    def state(self, id: str) -> JobState:
        return JobState(phase="running")

    def cancel(self, id: str) -> None:
        if id not in self.jobs:
            raise RunFailed(f"no {id}")
        self.jobs.remove(id)

    def said(self, folder: str, id: str) -> str:
        return ""

    def check(self) -> Iterator[Finding]:
        yield from ()


class Camp(Tent):
    """One that takes them as an array."""

    def submit_array(self, jobs: Sequence[PlacedJob], name: str, folder: str) -> list[str]:
        return [f"{name}-{number}" for number in range(len(jobs))]

    def cancel_jobs(self, ids: Sequence[str]) -> None:
        self.jobs.append(" ".join(ids))


def test_a_place_with_arrays_takes_all_at_once_and_one_job_as_ever() -> None:
    camp = Camp(room=1)
    assert submit_all(camp, JOBS, "all", "/all") == ["all-0", "all-1", "all-2"]
    assert submit_all(camp, JOBS[:1], "all", "/all") == ["job-0"]


def test_a_place_that_does_not_take_all_keeps_none() -> None:
    tent = Tent(room=3)
    assert submit_all(tent, JOBS, "all", "/all") == ["job-0", "job-1", "job-2"]
    full = Tent(room=2)
    with pytest.raises(RunFailed, match="the tent is full"):
        submit_all(full, JOBS, "all", "/all")
    assert full.jobs == []


def test_jobs_are_ended_at_once_where_a_place_has_arrays_and_all_that_can_be_in_any_case() -> None:
    camp, tent = Camp(room=1), Tent(room=3)
    cancel_all(camp, ["all-0", "all-1"])
    assert camp.jobs == ["all-0 all-1"]
    submit_all(tent, JOBS, "all", "/all")
    with pytest.raises(RunFailed, match="no other"):
        cancel_all(tent, ["job-0", "other", "job-2"])
    assert tent.jobs == ["job-1"]
