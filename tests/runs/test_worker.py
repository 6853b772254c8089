"""What becomes of a run, whatever happens to its worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import zoo
from tests import trainable_plugin
from tests.echo_runs import held_after, killed_after, stopped_after, until, wait_quietly
from tests.plugin_site import new_site
from zoo import control_groups
from zoo.places.node import LAUNCHER
from zoo.runs import control, liveness, oom, worker
from zoo.runs.events import (
    TERMINAL,
    DataLoaded,
    ExampleRejected,
    RunFailed,
    RunFinished,
    RunLaunched,
    RunPlanned,
    RunStarted,
    StepCompleted,
)
from zoo.runs.launcher import worker_command

pytestmark = pytest.mark.slow

Start = Callable[..., zoo.Run]
LONG: dict[str, Any] = {"max_steps": 2000, "pause_ms": 50}
"""Longer than any of these tests."""
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


def worker_pid(run: zoo.Run) -> int:
    until(lambda: any(isinstance(event, RunStarted) for event in run.events()))
    worker = liveness.recorded(run.folder)
    assert worker is not None
    return worker.pid


def at_step(run: zoo.Run, step: int) -> zoo.Run:
    until(lambda: run.snapshot.step >= step)
    return run


def counts(run: zoo.Run) -> bytes:
    return (run.folder.model_folder / "counts.json").read_bytes()


def test_a_run_goes_from_launched_to_finished(finetune: Start) -> None:
    run = finetune().wait(progress=False)
    kinds = [type(event) for event in run.events()]

    assert set(kinds[:2]) == {RunLaunched, RunStarted}
    assert kinds.index(DataLoaded) < kinds.index(RunPlanned) < kinds.index(StepCompleted)
    assert kinds[-1] is RunFinished
    assert sum(issubclass(kind, TERMINAL) for kind in kinds) == 1
    assert run.status == "finished"
    assert run.metrics == pytest.approx({"accuracy": 1.0, "macro_f1": 1.0, "loss": 0.0}, abs=0.01)


def test_the_result_is_a_model_with_digests_and_a_readme(finetune: Start, rows: Path) -> None:
    run = finetune(name="words").wait(progress=False)
    manifest = json.loads((run.folder.model_folder / "zoo.json").read_bytes())

    assert [file["name"] for file in manifest["files"]] == ["counts.json"]
    assert manifest["labels"] == ["negative", "positive"]
    readme = (run.folder.model_folder / "README.md").read_text()
    assert "# words" in readme
    assert zoo.open_run("words").folder.request.data.sha256 in readme
    assert [answer.label for answer in run.model.predict(["so good", "so bad"])] == ["positive", "negative"]


def test_a_failing_plugin_is_told_in_one_line_and_its_traceback_logged(finetune: Start) -> None:
    run = wait_quietly(finetune(fail_at=3))

    last = run.events()[-1]
    assert isinstance(last, RunFailed)
    assert (last.kind, last.message) == ("ValueError", "ValueError: told to fail at step 3")
    assert "Traceback" in run.folder.log_path.read_text()
    with pytest.raises(zoo.RunFailed, match="told to fail at step 3"):
        run.wait(progress=False)


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_a_run_after_a_checkpoint_and_it_resumes(finetune: Start, number: int) -> None:
    whole = finetune().wait(progress=False)
    with held_after(3) as held:
        run = finetune()
        until(held.exists)
        os.kill(worker_pid(run), number)
        held.unlink()
        wait_quietly(run)

    assert run.status == "cancelled"
    with pytest.raises(zoo.RunCancelled, match="was stopped"):
        run.wait(progress=False)
    run.resume().wait(progress=False)
    assert counts(run) == counts(whole)


def test_a_killed_worker_shows_as_crashed_and_the_run_resumes(finetune: Start) -> None:
    whole = finetune().wait(progress=False)
    run = killed_after(finetune, step=3)
    with pytest.raises(zoo.RunFailed, match="gone without a word"):
        run.wait(progress=False)

    run.resume().wait(progress=False)

    assert counts(run) == counts(whole)
    started = [event for event in run.events() if isinstance(event, RunStarted)]
    assert [event.attempt for event in started] == [1, 2]
    assert started[1].resumed_from_step == 3


def test_a_worker_killed_for_lack_of_memory_is_told_as_such(finetune: Start, tmp_path: Path) -> None:
    """The kernel's count is that of a file here; a worker of a real machine names its control group's."""
    run = killed_after(finetune, step=3)
    recorded = liveness.recorded(run.folder)
    assert recorded is not None
    counts = tmp_path / "memory.events"
    noted = msgspec.structs.replace(recorded, oom_kills={str(tmp_path / "gone"): 9, str(counts): 1})
    run.folder.worker_path.write_bytes(msgspec.json.encode(noted))

    counts.write_text("low 0\noom 7\noom_kill 1\noom_group_kill 0\n")
    assert run.snapshot.error == "the worker is gone without a word"
    counts.write_text("low 0\noom 7\noom_kill 2\noom_group_kill 0\n")
    assert "the system has killed 1 process for lack of memory, most likely this one" in run.snapshot.error
    assert f"zoo resume {run.name}, or start anew with a smaller --micro-batch-size" in run.snapshot.hint
    assert zoo.open_run(run.name).status == "crashed"


@pytest.mark.parametrize("mount", ["", "memory"])
def test_kills_are_counted_by_the_control_group(mount: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    monkeypatch.setattr(oom, "MACHINE", tmp_path / "vmstat")
    (tmp_path / "vmstat").write_text("nr_free_pages 12\noom_kill 40\n")
    lines = Path("/proc/self/cgroup").read_text().splitlines() if Path("/proc/self/cgroup").exists() else []
    group = [line.split(":", 2)[2].lstrip("/") for line in lines if line.split(":")[1] == mount]
    if not group:
        pytest.skip("there are no control groups of this version here")
    file = tmp_path / mount / group[0] / ("memory.oom_control" if mount else "memory.events")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("oom_kill 3\n")

    assert {str(file): 3, str(tmp_path / "vmstat"): 40} == oom.kill_counts(os.getpid())


FULL = """with run.checkpoint(1) as folder:
            (folder / "weights").write_bytes(b"1" * 100_000)
            """


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
@pytest.mark.parametrize(
    "how",
    [
        "open('/dev/full', 'w').write('x' * 100_000)",
        "raise Exception('Error while serializing: I/O error: No space left on device (os error 28)')",
        "raise RuntimeError('it failed') from OSError(28, 'No space left on device')",
    ],
)
def test_a_full_disk_is_told_as_such(how: str, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("toy", trainable_plugin.source(first=FULL + how))
        run = wait_quietly(zoo.finetune("toy", rows, device="cpu", precision="fp32"))

    last = run.events()[-1]
    assert isinstance(last, RunFailed)
    assert last.message.startswith(f"the disk of {run.folder.checkpoints_folder} is full: the checkpoint does not fit")
    assert last.hint == f"make room, then zoo resume {run.name}"
    assert [] == list(run.folder.checkpoints_folder.iterdir())


def test_stop_asks_first(finetune: Start) -> None:
    run = at_step(finetune(**LONG), 1)

    assert control.stop(run.folder) == "asked"
    assert run.status == "cancelled"
    assert control.stop(run.folder) == "not running"


def test_a_deaf_worker_is_terminated_then_killed(finetune: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ignores the file and the signal, so only the kill ends it; the log still ends in one terminal event."""
    monkeypatch.setattr(control, "TERMINATE_TIMEOUT_S", 0.5)
    run = at_step(finetune(**LONG, deaf=True), 1)

    assert control.stop(run.folder, timeout_s=0.5) == "killed"
    assert run.status == "cancelled"
    assert sum(isinstance(event, TERMINAL) for event in run.events()) == 1


def test_force_kills_at_once(finetune: Start) -> None:
    run = at_step(finetune(**LONG), 1)

    assert control.stop(run.folder, force=True) == "killed"
    assert run.status == "cancelled"


def test_a_second_worker_leaves_the_run_alone(finetune: Start) -> None:
    with held_after(1) as held:
        run = finetune()
        until(held.exists)
        second = subprocess.run(worker_command(run.folder), capture_output=True, text=True, check=False)
    run.wait(progress=False)

    assert second.returncode == 1
    assert "another worker is at run" in second.stderr
    assert sum(isinstance(event, RunStarted) for event in run.events()) == 1


def test_a_run_survives_the_process_that_started_it(echo: None, rows: Path) -> None:
    code = f"import zoo; zoo.finetune('echo', {str(rows)!r}, name='orphan', device='cpu', precision='fp32')"
    with held_after(1) as held:
        subprocess.run([sys.executable, "-c", code], check=True)
        until(held.exists)
        run = zoo.open_run("orphan")
        assert run.snapshot.live
    assert run.wait(progress=False).status == "finished"


def test_resume_refuses_what_goes_on_and_what_has_finished(finetune: Start) -> None:
    with held_after(1):
        run = finetune()
        with pytest.raises(zoo.Unsupported, match="still going"):
            run.resume()
    run.wait(progress=False)
    with pytest.raises(zoo.Unsupported, match="has finished"):
        run.resume()


def test_resume_insists_on_the_same_data(finetune: Start, rows: Path) -> None:
    run = stopped_after(finetune, step=1)
    rows.write_text(rows.read_text() + "one more,positive\n")
    wait_quietly(run.resume())

    assert run.snapshot.error_kind == "DatasetInvalid"
    assert "has changed since the run was asked for" in run.snapshot.error


def test_bad_rows_are_quarantined_and_counted(finetune: Start, tmp_path: Path) -> None:
    path = tmp_path / "some-bad.csv"
    good = "".join(f"good {i},positive\nbad {i},negative\n" for i in range(20))
    path.write_text(f"text,label\n{good},positive\nno label,\n")
    run = finetune(data=path).wait(progress=False)

    quarantined = [json.loads(line) for line in run.folder.quarantine_path.read_text().splitlines()]
    assert [row["row"] for row in quarantined] == [41, 42]
    assert run.snapshot.rejected_rows == 2
    (rejection,) = [event for event in run.events() if isinstance(event, ExampleRejected)]
    assert (rejection.row, rejection.total) == (41, 2)


def test_too_many_bad_rows_stop_the_run(finetune: Start, tmp_path: Path) -> None:
    path = tmp_path / "mostly-bad.csv"
    path.write_text("text,label\n" + "good,positive\nbad,negative\n" * 5 + "no label,\n" * 10)
    run = wait_quietly(finetune(data=path))

    assert run.snapshot.error_kind == "DatasetInvalid"
    assert "10 of 20 rows cannot be used" in run.snapshot.error
    assert "row 11" in run.snapshot.error


def test_removing_a_run(finetune: Start) -> None:
    run = at_step(finetune(**LONG), 1)
    with pytest.raises(zoo.Unsupported, match="still going"):
        run.remove()
    run.stop()
    run.remove()

    assert not run.folder.path.exists()
    with pytest.raises(zoo.UnknownRun):
        zoo.open_run(run.name)


@pytest.mark.parametrize(
    ("told", "parents"),
    [
        pytest.param("", [1], id="gone before it looked"),
        pytest.param("", [70, 70, 1], id="gone later"),
        pytest.param("70", [99], id="gone before it looked, where another process takes orphans"),
        pytest.param("1", [1, 1, 99], id="the first process of a container"),
    ],
)
def test_a_worker_ends_with_its_launcher(told: str, parents: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    seen = iter([*parents[: 0 if told else 1], *parents])
    monkeypatch.setenv(LAUNCHER, told)
    monkeypatch.setattr(os, "getppid", lambda: next(seen))
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(worker, "LAUNCHER_POLL_S", 0.0)
    worker._end_with_launcher(worker._launcher())
    assert codes == [1]
    assert list(seen) == []
    assert LAUNCHER not in os.environ
