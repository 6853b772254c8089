"""However a fit ends, in one process or in several, the run says so in exactly one last event."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.echo_runs import until, wait_quietly
from tests.hub_server import hub_server
from tests.plugin_factory import use_site, write_plugin
from tests.weights_factory import sha256, some_bytes
from zoo.runs import control, liveness, ranks
from zoo.runs.events import TERMINAL, RunCancelled, RunFailed, RunLaunched
from zoo.runs.launcher import worker_command
from zoo.runs.log import append

Start = Callable[..., zoo.Run]
pytestmark = pytest.mark.slow
posix = pytest.mark.skipif(sys.platform == "win32", reason="torchrun's signals are those of POSIX")

SOURCE = """
from __future__ import annotations

import os
import sys
import time
from typing import Annotated

import zoo

WEIGHTS = None


class UnrulyOptions(zoo.FinetuneOptions, frozen=True, kw_only=True):
    manner: Annotated[str, zoo.option("How to end.")] = ""


@zoo.hookimpl
def cards():
    return [
        zoo.Card(
            name="unruly",
            task="text-classification",
            family="unruly",
            summary="ends as it is told",
            parameters=0,
            input=zoo.TextInput(max_tokens=512),
            abilities={"finetune": zoo.Ability(task="text-classification", options=UnrulyOptions)},
            weights=WEIGHTS,
        )
    ]


@zoo.hookimpl
def finetune(run):
    return Unruly()


class Unruly:
    def fit(self, run):
        manner = run.options.manner
        if manner == "exit":
            sys.exit("out of here")
        if manner == "interrupt":
            raise KeyboardInterrupt
        if manner == "second-fails" and run.rank == 1:
            raise ValueError("the second process has had enough")
        if manner.startswith("second") or manner == "wait":
            while not run.should_stop():
                time.sleep(0.02)
            return zoo.FitResult(step=1, cancelled=True)
        run.model_folder.mkdir()
        (run.model_folder / "weights.txt").write_text("w")
        if manner == "die-once" and not (run.folder / "died").exists():
            (run.folder / "died").touch()
            from zoo.runs import training_job

            publish = training_job.publish

            def die(*everything):
                publish(*everything)
                os._exit(9)

            training_job.publish = die
        return zoo.FitResult(step=1, labels=run.labels)
"""


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    site = tmp_path_factory.mktemp("unruly-site")
    use_site(site, monkeypatch)
    monkeypatch.setenv("ZOO_PLUGINS", "unruly")
    return site


@pytest.fixture
def unruly(site: Path, rows: Path) -> Start:
    write_plugin(site, "unruly", SOURCE)
    return starter(rows)


def starter(rows: Path) -> Start:
    def start(manner: str = "", **arguments: Any) -> zoo.Run:
        return zoo.finetune("unruly", rows, device="cpu", precision="fp32", manner=manner, **arguments)

    return start


def last_words(run: zoo.Run) -> list[Any]:
    return [event for event in run.events() if isinstance(event, TERMINAL)]


@pytest.mark.parametrize("manner", ["exit", "interrupt"])
def test_a_plugin_that_leaves_the_process_has_failed(unruly: Start, manner: str) -> None:
    run = wait_quietly(unruly(manner))

    assert run.status == "failed"
    assert [type(event) for event in last_words(run)] == [RunFailed]


@posix
def test_a_failing_second_process_fails_the_run_with_its_own_words(unruly: Start) -> None:
    run = wait_quietly(unruly("second-fails", processes=2))

    assert run.status == "failed"
    assert run.snapshot.error_kind == "ValueError"
    assert "the second process has had enough" in run.snapshot.error


@posix
def test_several_processes_that_are_asked_to_stop_are_cancelled(unruly: Start) -> None:
    run = unruly("wait", processes=2)
    until(lambda: run.status == "running")

    assert control.stop(run.folder) == "asked"
    assert run.status == "cancelled"


def test_a_worker_that_dies_after_its_last_file_resumes(unruly: Start) -> None:
    run = unruly("die-once")
    until(lambda: run.status == "crashed")
    run.resume().wait(progress=False)

    assert run.status == "finished"


def test_the_folder_it_is_started_in_cannot_replace_a_library(
    unruly: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "work"
    here.mkdir()
    (here / "msgspec.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(here)
    run = unruly()

    assert run.wait(progress=False).status == "finished"


def test_resuming_it_many_times_at_once_starts_one_worker(unruly: Start) -> None:
    run = unruly("wait")
    until(lambda: run.status == "running")
    control.stop(run.folder, force=True)
    code = f"import zoo; zoo.open_run({run.name!r}).resume()"
    started = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(5)]
    errors = [process.communicate()[1] for process in started]
    until(lambda: run.status == "running")

    assert sum(process.returncode == 0 for process in started) == 1, errors
    assert all("still going" in error for error in errors if error)
    assert run.snapshot.attempt == 2
    run.stop()


def test_a_worker_that_comes_late_leaves_a_finished_run_alone(unruly: Start) -> None:
    run = unruly().wait(progress=False)
    until(lambda: not liveness.is_alive(run.folder))
    before = run.events()
    late = subprocess.run(
        worker_command(run.folder),
        env=os.environ | {"ZOO_ATTEMPT": "2"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert late.returncode == 1
    assert "has finished" in late.stderr
    assert run.events() == before
    assert (run.folder.model_folder / "weights.txt").exists()


def test_stopping_while_weights_arrive_cancels_the_run(site: Path, rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    content = some_bytes(1 << 20)
    with hub_server() as server:
        server.serve("/web/w.bin", content, stall_after=1 << 16)
        source = f"zoo.UrlSource(base_url={server.address + '/web'!r})"
        file = f"zoo.WeightsFile(name='w.bin', sha256={sha256(content)!r}, size_bytes={len(content)})"
        weights = f"WEIGHTS = zoo.Weights(files=({file},), sources=({source},))"
        write_plugin(site, "unruly", SOURCE.replace("WEIGHTS = None", weights))
        run = starter(rows)()
        until(server.stalled.is_set)
        run.stop()

    assert [type(event) for event in last_words(run)] == [RunCancelled]


def test_what_another_process_told_is_the_reason_where_the_first_could_not_speak(unruly: Start) -> None:
    run = wait_quietly(unruly())
    until(lambda: not liveness.is_alive(run.folder))
    append(run.folder, RunLaunched(attempt=2))
    ranks.record_failure(run.folder, 1, 2, RunFailed(kind="MemoryError", message="no room"))

    assert (run.status, run.snapshot.error_kind) == ("failed", "MemoryError")
    assert run.snapshot.error == "process 2: no room"


def test_a_run_on_another_machine_is_asked_and_never_said_to_be_killed(unruly: Start) -> None:
    run = wait_quietly(unruly())
    worker = liveness.recorded(run.folder)
    assert worker is not None
    elsewhere = {"pid": worker.pid, "started_at": worker.started_at, "host": "elsewhere"}
    run.folder.worker_path.write_text(json.dumps(elsewhere))
    with pytest.raises(zoo.Unsupported, match="works on elsewhere"):
        control.stop(run.folder, timeout_s=0.2)

    assert run.folder.stop_path.exists()


def test_a_worker_that_cannot_even_begin_shows_as_crashed(unruly: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    false = shutil.which("false")
    if false is None:
        pytest.skip("this machine has no program that only fails")
    monkeypatch.setattr(sys, "executable", false)
    run = unruly()
    until(lambda: run.status == "crashed")
