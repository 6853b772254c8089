"""Runs that compute on one accelerator do so one after the other, whatever happens to those that wait."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

import zoo
from tests.echo_runs import held_after, until, wait_quietly
from zoo.errors import RunCancelled, Unsupported
from zoo.runs import liveness
from zoo.runs.events import RunFinished, RunQueued, RunStarted

pytestmark = pytest.mark.slow

Start = Callable[..., zoo.Run]
LONG = {"max_steps": 2000, "pause_ms": 50}
"""Longer than any of these tests."""


@pytest.fixture
def start(echo: None, rows: Path, accelerators: None) -> Iterator[Start]:
    """Start a fine-tuning on an accelerator; what is left of it at the end is killed."""
    runs: list[zoo.Run] = []

    def finetune(name: str, device: str = "cuda:0", **arguments: Any) -> zoo.Run:
        runs.append(zoo.finetune("echo", rows, name=name, device=device, precision="fp32", **arguments))
        return runs[-1]

    yield finetune
    for run in reversed(runs):
        run.stop(force=True)


def stands(run: zoo.Run, place: int, behind: str) -> None:
    """Wait until a run says that it stands there."""
    until(lambda: (run.snapshot.place, run.snapshot.behind) == (place, behind))
    assert "queued" == run.status


def runs_now(*runs: zoo.Run) -> None:
    """Wait until they compute."""
    until(lambda: all(run.status == "running" for run in runs))


def kill(run: zoo.Run) -> None:
    worker = liveness.recorded(run.folder)
    assert worker is not None
    psutil.Process(worker.pid).kill()
    until(lambda: not liveness.is_alive(run.folder))


def test_a_second_run_waits_for_the_first_to_be_gone(start: Start) -> None:
    with held_after(1, run="first") as held:
        first = start("first")
        until(held.exists)
        second = start("second", max_steps=2)

        stands(second, 1, "first")
        assert ("cuda:0", True) == (second.snapshot.device, second.snapshot.live)
    second.wait(progress=False)
    end = next(event for event in first.events() if isinstance(event, RunFinished))
    begin = next(event for event in second.events() if isinstance(event, RunStarted))
    assert end.at < begin.at
    assert (None, "") == (second.snapshot.place, second.snapshot.behind)
    assert 1 == sum(isinstance(event, RunQueued) for event in second.events())


def test_one_behind_a_killed_worker_moves_up(start: Start) -> None:
    first, second, third, fourth = (start(name, **LONG) for name in ("first", "second", "third", "fourth"))
    stands(second, 1, "first")
    stands(third, 2, "second")
    stands(fourth, 3, "third")

    kill(second)
    stands(third, 1, "first")
    stands(fourth, 2, "third")
    assert ("crashed", "the worker was gone before its turn had come") == (second.status, second.snapshot.error)
    assert (None, "") == (second.snapshot.place, second.snapshot.behind)
    kill(first)
    runs_now(third)
    stands(fourth, 1, "third")
    stands(second.resume(), 2, "fourth")


def test_stopping_one_that_waits_takes_no_time_and_leaves_the_others_in_line(start: Start) -> None:
    first, second, third = (start(name, **LONG) for name in ("first", "second", "third"))
    stands(third, 2, "second")
    second.stop()

    assert "cancelled" == second.status
    stands(third, 1, "first")
    with pytest.raises(RunCancelled):
        second.wait(progress=False)
    assert "running" == first.status


def test_now_starts_beside_and_the_next_waits_for_both(start: Start) -> None:
    first = start("first", **LONG)
    runs_now(first)
    beside = start("beside", now=True, **LONG)
    runs_now(beside)
    waiting, last = start("waiting", **LONG), start("last", **LONG)

    stands(waiting, 1, "beside")
    stands(last, 2, "waiting")
    with pytest.raises(Unsupported, match="run last is queued behind waiting"):
        last.resume()
    kill(beside)
    stands(waiting, 1, "first")
    last.resume(now=True)
    runs_now(last)
    assert "queued" == waiting.status


def test_runs_that_start_at_once_stand_one_behind_the_other(start: Start) -> None:
    runs_now(start("first", **LONG))
    threads = [threading.Thread(target=start, args=(f"run-{number}",), kwargs=LONG) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = [run for run in zoo.list_runs() if run.name != "first"]

    until(lambda: [1, 2, 3, 4] == sorted(run.snapshot.place or 0 for run in runs))


def test_another_device_and_the_cpu_are_free(start: Start, store: Path) -> None:
    on_cpu = start("on-cpu", "cpu", max_steps=2).wait(progress=False)
    assert not (store / "queue.json").exists()
    runs = [start(name, device, **LONG) for name, device in (("first", "cuda:0"), ("other", "cuda:1"), ("more", "cpu"))]
    runs_now(*runs)

    turns = msgspec.json.decode((store / "queue.json").read_bytes())
    assert [["0000-0000"], ["0000-0001"]] == [turn["devices"] for turn in turns]
    assert not any(isinstance(event, RunQueued) for run in (on_cpu, *runs) for event in run.events())


def test_every_job_takes_its_turn(start: Start, rows: Path, words: str, tmp_path: Path) -> None:
    first = start("first", **LONG)
    runs_now(first)
    judged = zoo.evaluate(words, rows, device="cuda:0")
    answered = zoo.predict_file(words, rows, tmp_path / "answers.csv", device="cuda:0")

    stands(judged, 1, "first")
    stands(answered, 2, judged.name)
    kill(first)
    assert ["finished", "finished"] == [wait_quietly(run).status for run in (judged, answered)]


def machine_goes_down(store: Path, *runs: zoo.Run) -> None:
    """Kill the workers, and let all that is written down of them be of a time before the machine started."""
    earlier = {"boot_id": "earlier", "started_at": 1.0}
    for run in reversed(runs):
        kill(run)
        worker = liveness.recorded(run.folder)
        assert worker is not None
        run.folder.worker_path.write_bytes(msgspec.json.encode(msgspec.structs.replace(worker, **earlier)))
    turns = msgspec.json.decode((store / "queue.json").read_bytes())
    for turn in turns:
        turn["worker"].update(earlier)
    (store / "queue.json").write_bytes(msgspec.json.encode(turns))


def test_the_queue_survives_that_the_machine_goes_down(start: Start, store: Path) -> None:
    first, second, third = (start(name, **LONG) for name in ("first", "second", "third"))
    stands(second, 1, "first")
    stands(third, 2, "second")
    machine_goes_down(store, first, second, third)

    assert ["crashed", "queued", "queued"] == [run.status for run in (first, second, third)]
    zoo.list_runs()
    runs_now(second)
    stands(third, 1, "second")
    stands(start("fourth", **LONG), 2, "third")
    assert "crashed" == first.status


def test_a_new_run_stands_behind_those_that_waited_when_the_machine_went_down(start: Start, store: Path) -> None:
    first, second = start("first", **LONG), start("second", **LONG)
    stands(second, 1, "first")
    machine_goes_down(store, first, second)

    stands(start("third", **LONG), 1, "second")
    runs_now(second)


def test_a_queue_that_cannot_be_read_is_made_anew(start: Start, store: Path) -> None:
    first = start("first", **LONG)
    runs_now(first)
    stands(start("second", **LONG), 1, "first")
    (store / "queue.json").write_bytes(b"[{")
    until(lambda: (store / "queue.json").read_bytes() != b"[{")

    assert [b"second"] == [turn["run"].encode() for turn in msgspec.json.decode((store / "queue.json").read_bytes())]


def test_one_that_waited_when_the_machine_went_down_can_be_stopped(start: Start, store: Path) -> None:
    first, second = start("first", **LONG), start("second", **LONG)
    stands(second, 1, "first")
    machine_goes_down(store, first, second)

    assert "queued" == second.status
    second.stop()
    zoo.list_runs()
    assert "cancelled" == second.status


def test_one_that_computed_on_another_machine_waits_for_those_of_this_one(start: Start, store: Path) -> None:
    first = start("first", **LONG)
    runs_now(first)
    kill(first)
    second = start("second", **LONG)
    runs_now(second)
    queue = json.loads((store / "queue.json").read_bytes())
    elsewhere = queue[0] | {"run": "first", "worker": queue[0]["worker"] | {"host": "elsewhere"}}
    (store / "queue.json").write_text(json.dumps([elsewhere, *queue]))

    first.resume()
    stands(first, 1, "second")


def test_now_is_heeded_of_one_that_begins_from_a_finished_run(start: Start, rows: Path) -> None:
    base = start("base", max_steps=2)
    base.wait(progress=False)
    runs_now(start("first", **LONG))
    second = zoo.finetune(base, rows, name="second", device="cuda:0", precision="fp32", now=True, **LONG)
    runs_now(second)
    second.stop(force=True)
