"""Places: what `places.toml` declares, and runs that are handed over to a kind which another distribution brings."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

import zoo
from tests.echo_runs import until, write_rows
from tests.plugin_factory import use_site, write_plugin
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import OptionInvalid, RunFailed, StoreInvalid, Unsupported, ZooError
from zoo.paths import home
from zoo.places.lacking import missing_there
from zoo.places.node import NODE_LOST, Node
from zoo.places.place import JobState, PlacedJob
from zoo.places.slurm import Slurm, SlurmSettings, _outside_of_any_job, minutes
from zoo.places.table import _check_ours, place_named, places
from zoo.runs import control, kept_parts, node_worker, placement, store
from zoo.runs.attempt import Worker
from zoo.runs.events import RunInterrupted, RunLaunched, RunRequeued
from zoo.runs.index import RunIndex
from zoo.runs.launcher import environment, environment_there, own_environment
from zoo.runs.log import append, last_event
from zoo.runs.node_worker import _Part
from zoo.runs.store import RunFolder
from zoo.runs.versions import other_versions, relevant_versions
from zoo.tui.screens.run_form import _places

Start = Callable[..., zoo.Run]

TENT = '''
from pathlib import Path
from typing import Annotated
from zoo.errors import RunFailed
from zoo.options import option
from zoo.places.here import Here
from zoo.places.kinds import PlaceKind
from zoo.places.place import JobState, PlaceSettings

class TentSettings(PlaceSettings, frozen=True, kw_only=True):
    camp: Annotated[str, option("Where its jobs are noted down.")] = ""
    full: Annotated[bool, option("Whether it takes none.")] = False
    closed: Annotated[bool, option("Whether its jobs wait for their turn.")] = False

class Tent(Here):
    """This machine, but for those that wait."""

    def submit(self, job):
        if self.settings.full:
            raise RunFailed("the tent is full", "come again")
        return "4" if self.settings.closed else super().submit(job)

    def state(self, id):
        camp = Path(self.settings.camp)
        if self.settings.closed and not (camp / "cancelled").exists():
            return JobState(phase="waiting", word="PENDING", reason="it rains")
        if self.settings.closed:
            return JobState(phase="ended", interrupted=True, word="STORM", reason="it blew")
        return super().state(id)

    def cancel(self, id):
        (Path(self.settings.camp) / "cancelled").touch()

KIND = PlaceKind("tent", TentSettings, Tent, "a tent")
'''


@pytest.fixture
def declare(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write `places.toml`, where a kind called tent is installed."""
    site = tmp_path / "tent-site"
    write_plugin(site, "tent", TENT, distribution="zoo-tent", group="zoo.places")
    use_site(site, monkeypatch)
    monkeypatch.setattr(placement, "_states", {})  # all its jobs are called the same

    def write(text: str) -> Path:
        path = store / "places.toml"
        path.write_text(text.replace("CAMP", str(tmp_path)))
        return path

    return write


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[gpu", "places.toml is no TOML"),
        ("time = 5", "line 1: time stands outside of any place"),
        ("[here]\nkind = 'slurm'", "line 1: here is this machine, and not declared"),
        ("[gpu]\ntime = 5", "line 1: there is no kind 'gpu'"),
        ("[gpu]\nkind = 'slrum'", "line 2: there is no kind 'slrum'"),
        ("[gpu]\nkind = 3", "line 2: kind is 3, but takes text"),
        ("[gpu]\nkind = 'slurm'\npartion = 'a'", "line 3: place gpu: there is no option 'partion'"),
        ("[pair]\nkind = 'hosts'\nhosts = ['a', 2]", "line 3: place pair: hosts is ['a', 2], but takes text"),
        ("[gpu]\nkind = 'slurm'\npartition = ['a']", "line 3: place gpu: partition is ['a'], but takes text"),
        ("[gpu]\nkind = 'slurm'\ngpus = -1", "line 3: place gpu: gpus is -1, but takes a whole number from 0 to 64"),
        ("[gpu]\nkind = 'slurm'\ntime = 'soon'", "line 3: place gpu: time is 'soon', but takes minutes"),
        ("[gpu]\nkind = 'slurm'\nfolder = 'me'", "line 3: place gpu: folder is 'me', which is no absolute path"),
        ("[gpu]\nkind = 'slurm'\nenvironment = 'me'", "line 3: place gpu: environment is 'me', which is no absolute"),
        ("[gpu]\nkind = 'slurm'\nsbatch = 'exclusive'", "line 3: place gpu: sbatch has 'exclusive', which is no flag"),
    ],
)
def test_what_means_nothing_is_told_with_file_line_and_key(
    text: str, message: str, declare: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    declare(text)

    assert ExitCode.STORE == main(["places"])
    assert message in capsys.readouterr().err
    with pytest.raises(ZooError, match="places"):
        places()
    assert ["here"] == _places()[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("60", 60), ("0:30", 1), ("1:30:00", 90), ("2-0", 2880), ("1-12:30:01", 2191), ("90:00", 90)],
)
def test_times_are_those_of_slurm(text: str, expected: int) -> None:
    assert expected == minutes(text)


def test_places_are_listed(declare: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    declare("[gpu]\nkind = 'slurm'\ntime = 30\ngpus = 2\n[tent]\ncamp = 'CAMP'\n")

    assert ExitCode.OK == main(["places"])
    rows = [row.split() for row in capsys.readouterr().out.splitlines()]
    assert ["here", "gpu", "tent"] == [row[0] for row in rows[1:]]
    assert ExitCode.OK == main(["places", "--json"])
    listed = json.loads(capsys.readouterr().out)["places"]
    assert [("here", "here"), ("gpu", "slurm"), ("tent", "tent")] == [(one["place"], one["kind"]) for one in listed]
    assert ("30", 2) == (listed[1]["settings"]["time"], listed[1]["settings"]["gpus"])


def test_a_kind_that_is_broken_is_told(
    declare: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_plugin(tmp_path / "tent-site", "hut", "KIND = 3", distribution="zoo-hut", group="zoo.places")
    declare("")

    assert ExitCode.PLUGIN == main(["places"])
    assert "kind hut: zoo_hut has no KIND" in capsys.readouterr().err
    declare("[hut]\n")
    assert ExitCode.PLUGIN == main(["places"])
    assert "line 1: the kind hut of zoo-hut cannot be used" in capsys.readouterr().err


def test_a_place_that_is_not_there_is_refused(declare: Callable[[str], Path], finetune: Start) -> None:
    declare("[tent]\n")

    with pytest.raises(OptionInvalid, match="there is no place 'tnet'") as error:
        finetune(on="tnet")
    assert "did you mean tent?" == error.value.hint
    with pytest.raises(OptionInvalid, match="--requeue is for runs that are handed over"):
        finetune(requeue=True)


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


class Squeue:
    """What the commands of Slurm say, by turns."""

    def __init__(self) -> None:
        self.mine = ""
        self.all: dict[str, str] = {}
        self.is_silent = False

    def __call__(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Answer as Slurm does."""
        job = next((word.partition("=")[2] for word in command if word.startswith("--jobs=")), "")
        if self.is_silent or command[0] == "sacct":
            return subprocess.CompletedProcess(command, 1, "", "slurm_load_jobs error: Unable to contact")
        if job and job not in self.all:
            return subprocess.CompletedProcess(command, 1, "", "slurm_load_jobs error: Invalid job id specified")
        return subprocess.CompletedProcess(command, 0, self.all[job] if job else self.mine, "")


def test_a_job_that_a_listing_of_before_does_not_have_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    squeue, slurm = Squeue(), Slurm("gpu", SlurmSettings())
    monkeypatch.setattr("zoo.places.slurm._run", squeue)
    squeue.mine = "1|RUNNING|None\nslurm_load: a line of another kind\n"

    assert "running" == slurm.state("1").phase
    squeue.all["2"] = "2|PENDING|Resources\n"  # handed over by another process, or by somebody else
    assert "it waits there: Resources" == slurm.state("2").reason
    assert JobState(phase="ended", reason="Slurm knows it no more") == slurm.state("3")
    squeue.is_silent = True
    assert "unknown" == slurm.state("2").phase


@pytest.mark.parametrize(("asked", "each"), [(0, 5), (4, 1), (7, 2), (1, 1)])
def test_several_arrays_share_what_computes_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: int, each: int
) -> None:
    handed_over: list[tuple[int, int]] = []

    def submit(jobs: list[PlacedJob], name: str, folder: Path, *, at_once: int) -> list[str]:
        handed_over.append((len(jobs), at_once))
        return [job.name for job in jobs]

    slurm = Slurm("gpu", SlurmSettings(at_once=asked))
    monkeypatch.setattr(slurm, "_submit", submit)
    monkeypatch.setattr("zoo.places.slurm._most_in_array", lambda: 2)
    monkeypatch.setattr("zoo.places.slurm._link_array", lambda job, array: None)
    jobs = [PlacedJob(name=str(number), folder="/", arguments=(), log="") for number in range(5)]

    assert list("01234") == slurm.submit_array(jobs, "all", str(tmp_path))
    assert [(2, each), (2, each), (1, each)] == handed_over


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("/job: line 20: srun: command not found\nexit 127", "there is no srun at place gpu"),
        ("sh: 1: srun: not found", "there is no srun at place gpu"),
        (
            "/usr/bin/env: \u2018/far/bin/python\u2019: No such file or directory",
            "there is no /far/bin/python at place gpu",
        ),
        ("slurmstepd: error: execve(): /far/python: No such file or directory", "there is no /far/python at place gpu"),
        ("module: command not found\nexecve(): /far/python: No such file", "there is no /far/python at place gpu"),
        ("ModuleNotFoundError: No module named 'submitit'", "the environment has no submitit at place gpu"),
    ],
)
def test_what_a_job_lacked_is_read_from_what_was_printed(said: str, words: str) -> None:
    trouble = missing_there(Slurm("gpu", SlurmSettings()), said)
    assert trouble is not None
    assert words == trouble[0]


def test_other_versions_are_told() -> None:
    here = relevant_versions()
    assert [] == list(other_versions(here))
    before = {**here, "zoo-models": "0", "no-such-package": "1"}
    said = [f"zoo-models is {here['zoo-models']} instead of 0", "no-such-package is not there instead of 1"]
    assert said == list(other_versions(before))


def test_a_time_that_is_over_before_it_has_begun_is_refused() -> None:
    job = PlacedJob(name="mine", folder="/", arguments=(), log="/log")
    with pytest.raises(OptionInvalid, match="place gpu gives a run '2' of time, and warn ends it 120 seconds before"):
        Slurm("gpu", SlurmSettings(time="2")).submit(job)


@pytest.mark.parametrize(("restarts", "is_begun"), [(1, True), (2, False)])
def test_a_node_that_is_back_leaves_alone_what_was_begun_meanwhile(
    restarts: int, is_begun: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("submitit")
    from zoo.places.slurm_job import _begin_again

    asked: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command[1])
        return subprocess.CompletedProcess(command, 0, f"   Requeue=1 Restarts={restarts} BatchFlag=1\n", "")

    monkeypatch.setattr("subprocess.run", run)
    _begin_again("7", 1)
    assert (["show", "requeue"] if is_begun else ["show"]) == asked


@pytest.mark.skipif(sys.platform == "win32", reason="owners and modes of files")
def test_a_file_that_others_write_is_refused(
    declare: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = declare("[tent]\n")
    path.chmod(0o664)
    assert ExitCode.OK == main(["places"])
    path.chmod(0o666)
    assert ExitCode.STORE == main(["places"])
    assert f"everybody may write to {path}" in capsys.readouterr().err
    found = os.stat_result([0o600, 0, 0, 1, 12345, *[0] * 5])
    with pytest.raises(StoreInvalid, match="belongs to user 12345"):
        _check_ours(path, found)


@pytest.fixture
def yurt(declare: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """The same, and another kind that jobs are handed over to from within."""
    module = TENT.replace('"tent"', '"yurt"').replace('"a tent")', '"a yurt", reached_from_within=True)')
    write_plugin(tmp_path / "tent-site", "yurt", module, distribution="zoo-yurt", group="zoo.places")
    return declare


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


def test_what_is_handed_over_from_within_a_job_has_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2", "SLURM_CONF": "/etc/slurm.conf", "SUBMITIT_EXECUTOR": "slurm"}
    for name, text in own.items():
        monkeypatch.setenv(name, text)
    with _outside_of_any_job():
        assert ["SLURM_CONF"] == [name for name in own if name in os.environ]
    assert own == {name: os.environ[name] for name in own}
    for name, text in {"TORCHELASTIC_RUN_ID": "none", "RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, text)
    assert {"RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID"}.isdisjoint(own_environment())


def test_a_list_of_runs_does_not_wait_for_a_place(
    declare: Callable[[str], Path], finetune: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare("[tent]\nclosed = true\ncamp = 'CAMP'\n")
    run, answers = finetune(on="tent", name="mine"), threading.Event()
    (tmp_path / "cancelled").touch()
    ask, asked = placement._ask, []

    def slowly(placed: placement.Placement) -> JobState:
        asked.append(placed)
        assert answers.wait(60)
        return ask(placed)

    monkeypatch.setattr(placement, "_ask", slowly)
    monkeypatch.setattr(placement, "_states", {})
    index = RunIndex()
    for _ in range(3):
        with placement.without_waiting():
            index.refresh()
        assert ["queued"] == [one.status for one in index.summaries]
    answers.set()

    def is_known() -> bool:
        with placement.without_waiting():
            index.refresh()
        return [one.status for one in index.summaries] == ["interrupted"]

    until(is_known)
    assert 1 == len(asked)
    assert "interrupted" == run.status


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for Slurm")
def test_schedulers_that_do_not_answer_hold_up_no_list(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    squeue = tmp_path / "squeue"
    squeue.write_text(f"#!/bin/sh\nwhile test -e {tmp_path / 'hangs'}; do sleep 0.1; done\n")
    squeue.chmod(0o755)
    (tmp_path / "hangs").touch()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(placement, "ANSWER_S", 0.3)
    monkeypatch.setattr(placement, "_states", {})
    (home() / "places.toml").write_text('[a]\nkind = "slurm"\n[b]\nkind = "slurm"\n')
    request = zoo.open_run(words).folder.request
    for place in ("a", "b"):
        run = store.create(structs.replace(request, name=f"at-{place}", place=place))
        append(run, RunLaunched(attempt=1, place=place, job="7"))
        run.placed_path.write_bytes(msgspec.json.encode(placement.Placement(place=place, job="7", placed_at=0.0)))
    for command in ("ps", "runs"):
        assert ExitCode.OK == main([command])
        told = capsys.readouterr()
        for place in ("a", "b"):
            assert f"place {place}: no answer within 0.3 seconds; runs there are shown as they were" in told.err
            assert re.search(rf"at-{place} .*queued at {place} ", told.out)
    (tmp_path / "hangs").unlink()


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


@pytest.mark.slow
def test_a_place_is_checked_by_a_job(declare: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    declare("[tent]\n[far]\nkind = 'tent'\nenvironment = '/nowhere'\n")

    assert ExitCode.OK == main(["places", "check", "tent", "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    marks = {one["about"]: one["mark"] for one in findings}
    assert {"ok"} == {marks[about] for about in ("job", "shared folder", "locks", "zoo-models", "plugins")}
    assert ExitCode.FAILED == main(["places", "check", "far"])
    assert "fault    job: check cannot be started here" in capsys.readouterr().out
