"""What schedulers say, and do not say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

import zoo
from tests.doctor.findings import found
from tests.echo_runs import until
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import OptionInvalid, RunFailed
from zoo.paths import home
from zoo.places import slurm_commands
from zoo.places.lacking import missing_there
from zoo.places.place import JobState, PlacedJob
from zoo.places.probe import is_same
from zoo.places.slurm import Slurm, SlurmSettings, _outside_of_any_job
from zoo.runs import placement, store
from zoo.runs.events import RunLaunched
from zoo.runs.index import RunIndex
from zoo.runs.launcher import own_environment
from zoo.runs.log import append
from zoo.runs.versions import handed_over_with, other_versions, relevant_versions, variable_of

Start = Callable[..., zoo.Run]


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
    monkeypatch.setattr("zoo.places.slurm_commands.run", squeue)
    squeue.mine = "1|RUNNING|None\nslurm_load: a line of another kind\n"

    assert "running" == slurm.state("1").phase
    squeue.all["2"] = "2|PENDING|Resources\n"  # handed over by another process, or by somebody else
    assert "Resources (what it needs is in use)" == slurm.state("2").reason
    assert JobState(phase="ended", reason="Slurm knows it no more") == slurm.state("3")
    squeue.is_silent = True
    assert "unknown" == slurm.state("2").phase


class Sbatch:
    """Takes arrays of some jobs at most, and says what it was asked."""

    def __init__(self, slurm: Slurm, most: int) -> None:
        self.slurm, self.most = slurm, most
        self.arrays: list[tuple[int, int, str]] = []

    def submit(self, jobs: list[PlacedJob], name: str, folder: Path, *, at_once: int, after: str = "") -> list[str]:
        """Stands for `Slurm._submit`."""
        if len(jobs) > self.most:
            raise RunFailed("Slurm does not take the job at place gpu: Invalid job array specification")
        self.arrays.append((len(jobs), at_once, after))
        return [f"{len(self.arrays)}_{index}" for index in range(len(jobs))]


@pytest.fixture
def sbatch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sbatch]:
    """A cluster that says that an array may have so many jobs, and one that takes fewer."""
    monkeypatch.setattr("zoo.places.slurm._link_array", lambda job, array: None)

    def make(at_once: int, *, said: int = 2, most: int = 2) -> Sbatch:
        slurm = Slurm("gpu", SlurmSettings(at_once=at_once))
        one = Sbatch(slurm, most)
        monkeypatch.setattr(slurm, "_submit", one.submit)
        monkeypatch.setattr("zoo.places.slurm_commands.most_in_array", lambda: said)
        return one

    return make


FIVE = [PlacedJob(name=str(number), folder="/", arguments=(), log="") for number in range(5)]


@pytest.mark.parametrize(
    ("at_once", "each", "after"),
    [(0, 5, ["", "", ""]), (4, 1, ["", "", ""]), (7, 2, ["", "", ""]), (1, 1, ["", "1", "2"])],
)
def test_several_arrays_share_what_computes_at_once(
    sbatch: Callable[..., Sbatch], tmp_path: Path, at_once: int, each: int, after: list[str]
) -> None:
    made = sbatch(at_once)
    assert ["1_0", "1_1", "2_0", "2_1", "3_0"] == made.slurm.submit_array(FIVE, "all", str(tmp_path))
    assert [(number, each, one) for number, one in zip((2, 2, 1), after, strict=True)] == made.arrays


def test_an_array_that_is_too_large_for_sbatch_is_handed_over_in_smaller_ones(
    sbatch: Callable[..., Sbatch], tmp_path: Path
) -> None:
    made = sbatch(0, said=1000, most=2)
    assert 5 == len(made.slurm.submit_array(FIVE, "all", str(tmp_path)))
    assert [2, 2, 1] == [number for number, *_ in made.arrays]
    with pytest.raises(RunFailed, match="Invalid job array specification"):
        sbatch(0, said=1000, most=0).slurm.submit_array(FIVE, "all", str(tmp_path))


@pytest.mark.parametrize(
    ("config", "most"),
    [
        ("MaxArraySize            = 1001\n", 1000),
        ("MaxArraySize = 1001\nSchedulerParameters = bf_interval=1,max_array_tasks=50\n", 50),
        ("MaxArraySize = 0\n", 1),
        ("", slurm_commands.MOST_IN_ARRAY),
    ],
)
def test_a_cluster_says_how_many_jobs_an_array_may_have(
    config: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm_commands, "run", lambda *command: subprocess.CompletedProcess(command, 0, config, ""))
    assert most == slurm_commands.most_in_array()


def test_one_scancel_ends_many_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    errors = "scancel: error: Kill job error on job id 8: Invalid job id specified\n"

    def scancel(*command: str) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 1, "", errors)

    monkeypatch.setattr(slurm_commands, "run", scancel)
    monkeypatch.setattr("zoo.places.slurm.shutil.which", lambda name: name)
    slurm = Slurm("gpu", SlurmSettings())
    slurm.cancel_jobs(["7_0", "8", "7_3", "9_1"])
    assert [("scancel", "8", "7_[0,3]", "9_[1]")] == asked
    errors += "scancel: error: Kill job error on job id 7_[0,3]: Access/permission denied\n"
    with pytest.raises(RunFailed, match="place gpu cannot cancel job 7_0: Kill job error"):
        slurm.cancel("7_0")
    errors = ""
    with pytest.raises(RunFailed, match="scancel ended with 1, without a word"):
        slurm.cancel_jobs(["8"])


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
    assert [] == list(other_versions({"zoo-models": f"{here['zoo-models']}+cu128"})), "made for another device"
    commit = {"zoo-models": f"{here['zoo-models']}+g1a2b3c4"}
    assert list(other_versions(commit)), "another commit of the same version"


@pytest.mark.parametrize(
    ("version", "other", "same"),
    [
        ("2.9.0+cpu", "2.9.0+cu128", True),
        ("2.9.0", "2.9.0+rocm6.4", True),
        ("2.9.0+cpu", "2.9.1+cpu", False),
        ("0.2.dev3+gabc1234", "0.2.dev3+gdef5678", False),
        ("0.2.dev3+cu1.d20261128", "0.2.dev3", False),
        ("", "2.9.0", False),
    ],
)
def test_only_devices_make_two_versions_the_same(version: str, other: str, *, same: bool) -> None:
    assert is_same(version, other) is same
    assert is_same(other, version) is same


def test_versions_are_those_of_when_a_run_was_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {} == handed_over_with()
    for name, text in variable_of(["zoo-models", "no-such-package"]).items():
        monkeypatch.setenv(name, text)
    assert {"zoo-models": relevant_versions()["zoo-models"], "no-such-package": ""} == handed_over_with()
    assert [] == list(other_versions(handed_over_with()))


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
    monkeypatch.setattr(placement, "_states", {})
    silent = [one.about for one in found("places") if one.mark == "warning"]
    assert ["place a", "place b"] == sorted(silent)
    monkeypatch.setattr(placement, "ASKED_S", 0.0)  # what was asked counts no more, and nobody asks again
    assert [] == [one for section in ("runs", "locks") for one in found(section) if one.mark != "ok"]
    (tmp_path / "hangs").unlink()
