"""Runs that are handed over to a place of a kind which another distribution brings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

import zoo
from tests.echo_runs import until, write_rows
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import OptionInvalid, RunFailed, Unsupported
from zoo.places.node import NODE_LOST, Node
from zoo.places.place import PlacedJob
from zoo.places.table import place_named, places
from zoo.run_messages import status_line
from zoo.runs import control, kept_parts, node_worker, placement, store
from zoo.runs.attempt import Worker
from zoo.runs.events import RunInterrupted, RunLaunched, RunRequeued
from zoo.runs.launcher import environment, environment_there
from zoo.runs.log import append, last_event
from zoo.runs.node_worker import _Part
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.store import RunFolder

Start = Callable[..., zoo.Run]


def test_a_run_that_a_place_does_not_take_is_none(declare: Callable[[str], Path], finetune: Start) -> None:
    declare("[tent]\nfull = true\n")

    with pytest.raises(RunFailed, match="the tent is full"):
        finetune(on="tent", name="mine")
    assert () == zoo.list_runs()


def test_what_the_place_does_not_see_is_refused(
    declare: Callable[[str], Path], finetune: Start, store: Path, rows: Path, tmp_path: Path
) -> None:
    declare("[tent]\nfolder = 'CAMP/shared'\n")
    with pytest.raises(Unsupported, match="and the store is in"):
        finetune(on="tent")

    declare(f"[tent]\nclosed = true\nfolder = '{store}'\n")
    with pytest.raises(Unsupported, match=f"and {rows} is not"):
        finetune(on="tent")
    assert () == zoo.list_runs()


def test_a_slash_among_options_names_no_file(rows: Path) -> None:
    data, options = DataRequest(path="/data.csv"), {"separator": "/", "examples": str(rows)}
    request = RunRequest(name="a", verb="predict", model="m/m", plugin="m", task="t", data=data, options=options)
    assert ("/data.csv", str(rows)) == request.files


def test_all_that_a_run_reads_is_seen_by_the_place(declare: Callable[[str], Path], store: Path, rows: Path) -> None:
    pytest.importorskip("zoo_bert")
    declare(f"[tent]\nclosed = true\nfolder = '{store}'\n")
    settings: dict[str, Any] = {"device": "cpu", "precision": "fp32"}
    here, elsewhere = write_rows(store / "north.csv"), rows
    with pytest.raises(Unsupported, match=f"and {elsewhere} is not"):
        zoo.federate("bert-tiny", {"north": here, "south": elsewhere}, on="tent", **settings)
    with pytest.raises(Unsupported, match=f"and {elsewhere} is not"):
        zoo.plan("bert-tiny", here, eval_data=elsewhere, on="tent", **settings)
    assert () == zoo.list_runs()


def test_a_run_waits_for_its_turn_and_leaves_the_queue_when_it_is_stopped(
    declare: Callable[[str], Path], finetune: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    declare("[tent]\nclosed = true\ncamp = 'CAMP'\nrequeue = true\n")
    run = finetune(on="tent", name="mine")

    assert ("queued", "tent", "4") == (run.status, run.snapshot.at_place, run.snapshot.job)
    assert "waiting for its turn at tent, as job 4: it rains" == status_line(run.snapshot)
    assert run.folder.request.requeue
    assert 'on = "tent"\nrequeue = true' in (run.folder.path / "recipe.toml").read_text()
    assert ExitCode.OK == main(["ps"])
    assert "queued at tent" in capsys.readouterr().out
    with pytest.raises(Unsupported, match="mine is still going"):
        run.resume()

    assert ExitCode.OK == main(["stop", "mine"])
    assert "mine: cancelled" in capsys.readouterr().out
    assert "cancelled" == run.status


def test_a_run_that_its_place_ended_is_interrupted(
    declare: Callable[[str], Path], finetune: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.runs.placement.ASKED_S", 0.0)
    declare("[tent]\nclosed = true\ncamp = 'CAMP'\n")
    run = finetune(on="tent", name="mine")
    (tmp_path / "cancelled").touch()

    assert "interrupted" == run.status
    assert "place tent ended it (STORM): it blew" == run.snapshot.error
    assert "zoo resume mine goes on from its last checkpoint" == run.snapshot.hint
    (tmp_path / "cancelled").unlink()
    assert "interrupted" == run.status  # a place forgets its jobs, a run does not
    declare("")
    with pytest.raises(OptionInvalid, match="there is no place 'tent'"):
        run.resume()


@pytest.mark.skipif(sys.platform == "win32", reason="a script of POSIX")
def test_a_job_that_ends_before_any_worker_says_where_to_look(
    declare: Callable[[str], Path], finetune: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.runs.placement.ASKED_S", 0.0)
    declare("[tent]\nenvironment = 'CAMP/site'\n")
    python = tmp_path / "site" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 0\n")
    python.chmod(0o755)

    run = finetune(on="tent", name="mine")
    until(lambda: "crashed" == run.status)
    assert "at place tent has ended without a word" in run.snapshot.error
    assert "no worker has begun: zoo places check tent looks" in run.snapshot.hint


def test_the_gpus_of_a_place_are_computed_on(declare: Callable[[str], Path], echo: None, rows: Path) -> None:
    declare("[tent]\nclosed = true\ncamp = 'CAMP'\ngpus = 2\n")

    run = zoo.finetune("echo", rows, on="tent")
    assert "cuda" == run.folder.request.device.partition(":")[0]
    with pytest.raises(Unsupported, match="3 processes were asked for, but 2 cuda devices are here"):
        zoo.finetune("echo", rows, on="tent", processes=3)


def test_a_worker_finds_the_places_that_stand_beside_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finetune: Start, declare: Callable[[str], Path]
) -> None:
    declare("[tent]\nclosed = true\ncamp = 'CAMP'\n")
    folder = finetune(on="tent").folder
    monkeypatch.delenv("ZOO_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "config.toml").write_text(f'home = "{tmp_path / "elsewhere"}"\n')
    (tmp_path / "zoo" / "places.toml").write_text("[gpu]\nkind = 'slurm'\n")

    for of_worker in (environment(), environment_there(folder)):
        for name in ("ZOO_HOME", "ZOO_PLACES"):
            monkeypatch.setenv(name, of_worker[name])
        assert str(tmp_path / "elsewhere") == of_worker["ZOO_HOME"]
        assert ["here", "gpu"] == [one.name for one in places()]
        assert environment_there(folder)["ZOO_PLACES"] == of_worker["ZOO_PLACES"]  # of what the worker hands over
        monkeypatch.delenv("ZOO_HOME")
        monkeypatch.delenv("ZOO_PLACES")


def test_a_resume_that_the_place_refuses_leaves_the_run_as_it_was(
    declare: Callable[[str], Path], finetune: Start, tmp_path: Path
) -> None:
    declare("[tent]\nclosed = true\ncamp = 'CAMP'\n")
    run = finetune(on="tent", name="mine")
    (tmp_path / "cancelled").touch()
    assert "interrupted" == run.status
    before = placement.recorded(run.folder)

    declare("[tent]\nfull = true\n")
    with pytest.raises(RunFailed, match="the tent is full"):
        run.resume()
    assert ("interrupted", before) == (run.status, placement.recorded(run.folder))


def test_a_job_that_could_not_be_written_down_is_cancelled(
    declare: Callable[[str], Path], finetune: Start, tmp_path: Path
) -> None:
    declare("[tent]\nclosed = true\ncamp = 'CAMP'\n")
    folder = finetune(on="tent").folder
    before = placement.recorded(folder)
    job = PlacedJob(name="mine", folder=str(folder.path), arguments=(), log=str(folder.log_path))

    with pytest.raises(KeyboardInterrupt), placement.handed_over(folder, place_named("tent"), job):
        raise KeyboardInterrupt
    assert (tmp_path / "cancelled").exists()
    assert before == placement.recorded(folder)


def test_a_run_whose_place_cannot_be_asked_goes_on_until_it_is_given_up(
    declare: Callable[[str], Path], finetune: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.runs.placement.ASKED_S", 0.0)
    declare("[tent]\nclosed = true\ncamp = 'CAMP'\n")
    run = finetune(on="tent", name="mine")
    run.folder.worker_path.write_text("{}")
    os.utime(run.folder.worker_path, (0, 0))  # its node died long ago, and it waits for another one

    declare("")
    assert "queued" == run.status
    with pytest.raises(Unsupported, match="mine is still going"):
        run.resume()
    with pytest.raises(OptionInvalid, match="handed over to place tent, which is declared no more") as error:
        control.stop(run.folder, timeout_s=0.0)
    assert "give the run up: zoo stop --force mine" in error.value.hint
    assert "cancelled" == control.stop(run.folder, force=True)
    assert "cancelled" == run.status
    run.remove()
    assert () == zoo.list_runs()


def test_the_end_of_a_job_is_written_down_only_where_it_is_that_of_the_run_still(
    declare: Callable[[str], Path], finetune: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.runs.placement.ASKED_S", 0.0)
    declare("[tent]\nclosed = true\ncamp = 'CAMP'\n")
    folder = finetune(on="tent").folder
    (tmp_path / "cancelled").touch()
    now = placement.recorded(folder)
    assert now is not None
    before = placement.Placement(place="tent", job="3", placed_at=0.0)

    assert "ended" == placement.state_of(folder, before).phase
    assert now == placement.recorded(folder)
    gone = RunFolder(tmp_path / "gone")
    assert "ended" == placement.state_of(gone, now).phase
    assert not gone.path.exists()


def test_what_comes_no_further_is_not_begun_again_for_ever(
    declare: Callable[[str], Path], finetune: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare("[tent]\nclosed = true\ncamp = 'CAMP'\nrequeue = true\n")
    folder = finetune(on="tent").folder
    worker = Worker(folder, folder.request, rank=0, world_size=1)
    folder.interrupt_path.touch()

    first = worker.stopped(4)
    assert isinstance(first, RunRequeued)
    append(folder, first)
    monkeypatch.setenv("ZOO_ATTEMPT", "2")
    again = worker.stopped(4)
    assert isinstance(again, RunInterrupted)
    assert "place tent ended it twice at step 4" in again.message
    assert "give it more time there, then zoo resume" in again.hint
    assert isinstance(worker.stopped(5), RunRequeued)
    part = folder.path / kept_parts.FOLDS / "1" / "model.bin"
    part.parent.mkdir(parents=True)
    part.touch()
    os.utime(part, (first.at + 1, first.at + 1))
    assert isinstance(worker.stopped(4), RunRequeued)


@pytest.mark.parametrize(("is_dealt", "code"), [(True, 1), (False, NODE_LOST)])
def test_machines_that_do_not_come_together_twice_are_not_brought_together_for_ever(
    is_dealt: bool, code: int, declare: Callable[[str], Path], finetune: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare("[tent]\nclosed = true\ncamp = 'CAMP'\nrequeue = true\n")
    folder = finetune(on="tent").folder
    parts = []
    for attempt in ("1", "1", "2"):  # both machines tell that they are alone
        monkeypatch.setenv("ZOO_ATTEMPT", attempt)
        parts.append(_Part(folder, Node(index=0, meeting="127.0.0.1:1", is_dealt=is_dealt)))
        parts[-1]._tell("2 nodes were asked for, but 1 came")
        assert attempt == "2" or isinstance(last_event(folder), RunRequeued)
    assert code == parts[-1]._code()
    assert isinstance(last_event(folder), RunInterrupted if is_dealt else RunRequeued)


def test_a_machine_that_is_begun_anew_leaves_a_finished_run_alone(words: str, store: Path) -> None:
    folder = RunFolder(store / "runs" / words)
    before = folder.events_path.read_bytes()

    assert 1 == node_worker.main([str(folder.path)])
    assert before == folder.events_path.read_bytes()


def test_what_follows_a_run_at_a_place_is_begun_there(
    yurt: Callable[[str], Path], finetune: Start, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    yurt("[yurt]\nclosed = true\ncamp = 'CAMP'\n[tent]\nclosed = true\ncamp = 'CAMP'\n")
    recipe = tmp_path / "recipe.toml"
    place = 'device = "cpu"\nprecision = "fp32"\n'
    of_data = f'source]\ndata = "{rows}"\n'
    recipe.write_text(f'model = "echo"\n{place}[{of_data}[then]\nname = "second"\n{place}[then.{of_data}')

    zoo.run_recipe(recipe, name="first", on="yurt", requeue=True)
    request = zoo.open_run("second").folder.request
    assert ("waiting", "yurt", True) == (zoo.open_run("second").status, request.place, request.requeue)
    recipe.write_text(recipe.read_text().replace("second", "third"))
    assert ExitCode.OK == main(["finetune", "--recipe", str(recipe), "--on", "yurt", "--detach"])
    assert "yurt" == zoo.open_run("third").folder.request.place
    capsys.readouterr()
    recipe.write_text(recipe.read_text().replace("[then]", '[then]\non = "here"').replace("third", "fourth"))
    assert ExitCode.USAGE == main(["finetune", "--recipe", str(recipe), "--on", "yurt", "--detach"])
    assert "is begun from place yurt, and this is to run here" in capsys.readouterr().err
    with pytest.raises(Unsupported, match="from which nothing is handed over to place tent"):
        zoo.finetune(zoo.open_run("first"), rows, on="tent", device="cpu", precision="fp32")
    lone = finetune(on="tent", name="lone")
    with pytest.raises(Unsupported, match="is begun from place tent, from which nothing is handed over") as error:
        zoo.finetune(lone, rows, on="tent", device="cpu", precision="fp32")
    assert "zoo attach lone" in error.value.hint


@pytest.mark.parametrize("end", [lambda folder: control.stop(folder, force=True), control.remove])
def test_what_a_run_has_at_a_place_ends_with_it(
    end: Callable[[RunFolder], object], declare: Callable[[str], Path], finetune: Start, tmp_path: Path
) -> None:
    declare("[tent]\nclosed = true\ncamp = 'CAMP'\n")
    request = finetune(on="tent", name="mine").folder.request
    folder = store.create(structs.replace(request, name="swept", place=""))
    part = RunFolder(folder.students_folder / "trial-1" / "all-rows")
    part.path.mkdir(parents=True)
    job = PlacedJob(name="swept-trial-1", folder=str(part.path), arguments=(), log=str(part.log_path))
    with placement.handed_over(part, place_named("tent"), job):
        pass

    assert end(folder) in ("cancelled", None)
    assert (tmp_path / "cancelled").exists()
    assert not part.placed_path.exists()


@pytest.mark.slow
def test_a_run_at_a_place_comes_to_the_same_as_one_here(
    declare: Callable[[str], Path], finetune: Start, rows: Path
) -> None:
    declare("[tent]\ncamp = 'CAMP'\n")
    here = finetune()
    there = finetune(on="tent")

    assert here.wait(progress=False).metrics == there.wait(progress=False).metrics
    launched = [event for event in there.events() if isinstance(event, RunLaunched)]
    assert ["tent"] == [event.place for event in launched]
    until(lambda: not (there.folder.path / "worker.json").exists())
    plan = zoo.plan("echo", rows, on="tent", device="cpu", precision="fp32")
    assert ("tent", None) == (plan.place, plan.machine)
    assert plan.command.endswith("--on tent")
    replay = zoo.replay(there)  # which is done here, wherever that was
    assert ("", "") == (replay.folder.request.place, replay.snapshot.at_place)
    assert replay.wait(progress=False).replayed.same
