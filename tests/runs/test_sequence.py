"""Runs one after the other, in real worker processes: each begins once, from the result of the one before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

import zoo
from tests.echo_runs import held_after, until, wait_quietly
from zoo.errors import OptionInvalid, RunFailed, UnknownModel, Unsupported
from zoo.recipes import read_recipe
from zoo.runs import launcher, liveness, sequence, store
from zoo.runs.events import RunFinished, RunLaunched, RunPostponed, RunStarted
from zoo.runs.launcher import launching
from zoo.runs.store import RunFolder
from zoo.runs.worker import NICENESS

Start = Callable[..., zoo.Run]
pytestmark = pytest.mark.slow
HERE = {"device": "cpu", "precision": "fp32"}


def follow(run: zoo.Run, data: Any, **options: Any) -> zoo.Run:
    return zoo.finetune(run, data, **HERE, **options)


def launched(run: zoo.Run) -> int:
    return sum(isinstance(event, RunLaunched) for event in run.events())


def test_each_begins_from_the_result_of_the_one_before(finetune: Start, rows: Path) -> None:
    first = finetune(name="first", pause_ms=30)
    second = follow(first, rows, name="second")
    third = follow(second, [("good", "positive"), ("bad", "negative")] * 5, eval_data=rows, name="third")

    assert (second.status, third.status) == ("waiting", "waiting")
    assert [run.name for run in first.followers] == ["second"]
    with pytest.raises(Unsupported, match="run second is waiting and has no model yet"):
        second.model  # noqa: B018
    assert third.wait(progress=False).status == "finished"
    assert [run.folder.request.model for run in (second, third)] == ["echo/first", "echo/second"]
    assert [type(event) for event in second.events()[:3]] == [RunPostponed, RunLaunched, RunStarted]
    assert second.events()[2].at > next(event.at for event in first.events() if isinstance(event, RunFinished))
    assert (first.followers, third.snapshot.after) == ((), "second")
    recipes = [read_recipe(run.folder.path / "recipe.toml") for run in (first, second, third)]
    assert [[one.sources[0].data for one in recipe.followers] for recipe in recipes] == [
        [str(rows), third.folder.request.data.path],
        [third.folder.request.data.path],
        [],
    ]


def test_the_process_that_asked_for_both_may_end(echo: None, rows: Path) -> None:
    code = (
        f"import zoo; first = zoo.finetune('echo', {str(rows)!r}, name='first', pause_ms=30, device='cpu');"
        f"zoo.finetune(first, {str(rows)!r}, name='second', device='cpu')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert zoo.open_run("second").wait(progress=False).status == "finished"


def test_what_is_wrong_is_told_before_the_first_has_finished(finetune: Start, rows: Path, tmp_path: Path) -> None:
    with held_after(step=1):  # it does not finish meanwhile
        first = finetune(name="first", pause_ms=200)
        with pytest.raises(OptionInvalid, match="there is a run 'first' already"):
            follow(first, rows, name="first")
        with pytest.raises(OptionInvalid, match="nonsense"):
            follow(first, rows, nonsense=3)
        with pytest.raises(Unsupported, match="first has not been trained yet, so it cannot be asked"):
            zoo.finetune(first, rows, teacher="echo/first", **HERE)
        with pytest.raises(UnknownModel):
            zoo.finetune("first", rows, **HERE)
    first.stop()
    with pytest.raises(Unsupported, match="run first is cancelled, so nothing can begin from its result"):
        follow(first, rows)
    assert [run.name for run in zoo.list_runs()] == ["first"]


def test_nothing_begins_from_the_result_of_one_whose_own_beginning_is_gone(finetune: Start, rows: Path) -> None:
    base = finetune(name="base", max_steps=2)
    base.wait(progress=False)
    with held_after(step=1) as held:
        first = zoo.finetune(base, rows, name="first", **HERE)
        until(held.exists)  # it has read what it begins from
        base.remove()
        with pytest.raises(UnknownModel, match="run first begins from echo/base, and there is no such model any more"):
            follow(first, rows)
        first.stop(force=True)


def test_a_run_that_does_not_finish_is_not_followed_until_it_has(finetune: Start, rows: Path) -> None:
    with held_after(1):
        first = finetune(name="first", fail_at=5)
        second = follow(first, rows, name="second")
    wait_quietly(first)
    with pytest.raises(RunFailed, match="second has not begun: first, which it follows, has not finished"):
        second.wait(progress=False)
    with pytest.raises(Unsupported, match="follows first, which is failed"):
        second.resume()
    request = json.loads(first.folder.request_path.read_text())
    request["options"]["fail_at"] = 0
    first.folder.request_path.write_text(json.dumps(request))
    first.resume()
    assert second.wait(progress=False).status == "finished"
    assert launched(second) == 1


@pytest.mark.parametrize("resumed", ["first", "second"])
def test_killed_between_the_two_they_go_on_once(finetune: Start, rows: Path, resumed: str) -> None:
    with held_after(1, run="first") as held:
        first = finetune(name="first")
        second = follow(first, rows, name="second")
        until(held.exists)
        with launching(second.folder):  # the worker of the first gets no further
            held.unlink()
            until(lambda: first.status == "finished")
            worker = liveness.recorded(first.folder)
            assert worker is not None
            psutil.Process(worker.pid).kill()
            until(lambda: not liveness.is_alive(first.folder))
    assert second.status == "waiting"

    zoo.open_run(resumed).resume()
    for _ in range(3):
        threading.Thread(target=launcher.begin, args=(second.folder,)).start()
        assert sequence.begin_followers(first.folder) == ()
    assert second.wait(progress=False).status == "finished"
    assert launched(second) == 1
    with pytest.raises(Unsupported, match="has finished"):
        first.resume()


def test_one_that_waits_can_be_taken_out_and_put_back(finetune: Start, rows: Path) -> None:
    with held_after(1) as held:
        first = finetune(name="first")
        second = follow(first, rows, name="second")
        with pytest.raises(Unsupported, match=r"which is (starting|running)"):
            second.resume()
        second.stop()
        assert (second.status, first.followers) == ("cancelled", ())
        second.resume()
        assert second.status == "waiting"
        second.stop()
        until(held.exists)
        first.stop()
    with pytest.raises(Unsupported) as caught:
        second.resume()
    assert caught.value.hint == "go on with that, then with this one: zoo resume first, then zoo resume second"
    first.resume().wait(progress=False)
    assert second.status == "cancelled"
    assert second.resume().wait(progress=False).status == "finished"
    assert launched(second) == 1


def test_those_that_wait_learn_of_a_new_name_and_may_get_one(
    finetune: Start, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also at the very moment at which they would begin."""
    with held_after(1) as held:
        first = finetune(name="first")
        second = follow(first, rows, name="second")
        until(held.exists)
        first.stop()
    rename = store.rename

    def rename_late(folder: RunFolder, name: str) -> RunFolder:
        held.unlink()
        until(lambda: renamed.status == "finished" and not liveness.is_alive(renamed.folder))
        assert sequence.begin_followers(renamed.folder) == ()
        launcher.begin(folder)
        return rename(folder, name)

    with held_after(3, run="one") as held:
        renamed = first.rename("one").resume()
        with pytest.raises(OptionInvalid, match="there is a run 'one' already"):
            second.rename("one")
        assert second.status == "waiting"
        until(held.exists)
        monkeypatch.setattr(store, "rename", rename_late)
        two = second.rename("two")
    assert two.wait(progress=False).status == "finished"
    assert (two.folder.request.name, two.folder.request.model, launched(two)) == ("two", "echo/one", 1)
    assert sorted(run.name for run in zoo.list_runs()) == ["one", "two"]


def test_a_worker_is_as_nice_and_as_free_as_the_one_before(finetune: Start, rows: Path) -> None:
    seen: dict[str, tuple[int, str]] = {}
    with held_after(1) as held:
        first = finetune(name="first")
        second = follow(first, rows, name="second")
        for run in (first, second):
            until(held.exists)
            worker = liveness.recorded(run.folder)
            assert worker is not None
            process = psutil.Process(worker.pid)
            seen[run.name] = (process.nice(), process.environ().get("OMP_NUM_THREADS", ""))
            held.unlink()
    assert (
        seen["first"]
        == seen["second"]
        == (NICENESS if os.name == "posix" else seen["first"][0], os.environ.get("OMP_NUM_THREADS", ""))
    )
