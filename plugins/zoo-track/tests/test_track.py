"""Trainings go to a tracker as they are, the rest of the run stays as it is, and no tracker makes one fail."""

from __future__ import annotations

import importlib
import json
import subprocess
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import zoo

pytest.importorskip("zoo_echo")
delivery = pytest.importorskip("zoo_track.delivery")
tracker = pytest.importorskip("zoo_track.tracker")
figures = pytest.importorskip("zoo_track.figures")
plugin = pytest.importorskip("zoo_track.plugin")
tracked = pytest.importorskip("zoo_track.tracked")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of its own."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"good {n},yes\nbad {n},no\n" for n in range(20)))
    return path


def trained(rows: Path, name: str, **options: Any) -> zoo.Run:
    return zoo.finetune("echo", data=rows, name=name, device="cpu", **options)


def warnings_of(run: zoo.Run) -> list[str]:
    return [event["message"] for event in events_of(run, "warned")]


def events_of(run: zoo.Run, kind: str) -> list[Mapping[str, Any]]:
    lines = (json.loads(line) for line in (run.folder.path / "events.jsonl").read_text().splitlines())
    return [event for event in lines if event["event"] == kind]


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard reads, by tag."""
    loader = importlib.import_module("tensorboard.backend.event_processing.event_file_loader")
    found = defaultdict(list)
    for path in sorted(folder.glob("*tfevents*"), key=lambda path: path.stat().st_mtime):
        for event in loader.EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                numbers = value.tensor.float_val
                found[value.tag] += [(event.step, float(number)) for number in numbers]
    return dict(found)


@pytest.mark.slow
def test_tensorboard_has_the_figures_and_the_result_the_same_bits(
    home: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    untracked = trained(rows, "plain").wait()
    monkeypatch.setenv("ZOO_TRACKER", "tensorboard")
    run = trained(rows, "seen").wait()

    found = scalars(run.folder.path / "tensorboard")
    steps = events_of(run, "step_completed")
    assert [event["step"] for event in steps] == [step for step, _ in found["train/loss"]]
    assert [event["loss"] for event in steps] == pytest.approx([loss for _, loss in found["train/loss"]])
    (final,) = found["final/accuracy"]
    assert (steps[-1]["step"], pytest.approx(run.metrics["accuracy"])) == final
    assert {"zoo/run", "_hparams_/session_start_info", "_hparams_/session_end_info"} <= set(found)
    assert any(str(run.folder.path / "tensorboard") in event["message"] for event in events_of(run, "noted"))
    assert warnings_of(run) == []
    results = [(one.folder.path / "model" / "counts.json").read_bytes() for one in (untracked, run)]
    assert results[0] == results[1]
    assert not (untracked.folder.path / "tracker.json").exists()


@pytest.mark.slow
def test_a_resumed_run_goes_on_where_it_was_written_before(
    home: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    monkeypatch.setenv("ZOO_TRACKER", "tensorboard")
    run = trained(rows, "halted", epochs=1, pause_ms=150)
    while not events_of(run, "step_completed"):
        time.sleep(0.05)
    run.stop()
    with pytest.raises(zoo.RunCancelled):
        run.wait()
    monkeypatch.setenv("ZOO_TRACKER", "none")
    run.resume()
    run.wait()

    losses = scalars(run.folder.path / "tensorboard")["train/loss"]
    steps = [step for step, _ in losses]
    assert steps == sorted(set(steps))
    assert {event["step"] for event in events_of(run, "step_completed")} == set(steps)
    assert len(list((run.folder.path / "tensorboard").iterdir())) == 2


@pytest.mark.slow
def test_a_tracker_that_is_not_installed_is_told_once(
    home: Path, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    hidden = "raise ModuleNotFoundError(\"No module named 'wandb'\", name='wandb')\n"
    (tmp_path / "site" / "wandb.py").write_text(hidden)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.setenv("ZOO_TRACKER", "wandb")
    run = trained(rows, "unseen").wait()

    (warning,) = warnings_of(run)
    assert run.status == "finished"
    assert warning.startswith("wandb takes no more of this run, which goes on: wandb is not installed: pip install")
    assert not (run.folder.path / "tracker.json").exists()


class Broken:
    """A tracker that takes so many writes, and then no more."""

    place = "nowhere"
    writes = 0
    ended: list[str] = []

    def begin(self, about: Any, known: str) -> str:
        return "7"

    def write(self, taken: Sequence[Any]) -> None:
        Broken.writes += 1
        if Broken.writes > 1:
            raise ConnectionError("the server\nis gone")

    def end(self, standing: str) -> None:
        Broken.ended.append(standing)


def requested(folder: Path) -> Path:
    folder.mkdir()
    request = {"name": "r", "verb": "finetune", "model": "echo/echo", "task": "t", "data": {"path": "d"}, "options": {}}
    (folder / "run.json").write_text(json.dumps(request))
    return folder


def test_what_breaks_is_said_in_one_line_and_nothing_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "open_tracker", lambda name: Broken())
    monkeypatch.setattr(delivery, "TOGETHER_S", 0.0)
    folder = requested(tmp_path / "r")
    sent = delivery.Delivery("mlflow", folder)
    for step in (1, 2, 3):
        sent.put(figures.Figures("train", step, 0.0, {"train/loss": 1.0}))
        while not sent.failure and Broken.writes < min(step, 2):
            time.sleep(0.01)
    sent.end("finished")

    assert "ConnectionError: the server is gone" == sent.failure
    assert [] == Broken.ended
    assert {"tracker": "mlflow", "run": "7", "written": {"train": 1}} == json.loads(
        (folder / "tracker.json").read_text()
    )


def test_a_slow_tracker_is_waited_for_only_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Broken):
        def begin(self, about: Any, known: str) -> str:
            time.sleep(60)
            return "8"

    monkeypatch.setattr(delivery, "open_tracker", lambda name: Slow())
    monkeypatch.setattr(delivery, "END_S", 0.05)
    sent = delivery.Delivery("wandb", requested(tmp_path / "r"))
    sent.end("finished")

    assert sent.failure.startswith("it has not taken everything within")


class OfARun:
    """What a wrapper hook is given, as far as it looks at it."""

    rank, dry_run = 0, False

    def __init__(self, folder: Path, *, is_private: bool) -> None:
        self.folder, self.is_private = folder, is_private
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.mark.parametrize(
    ("name", "is_private", "is_tracked"),
    [("wandb", True, False), ("mlflow", True, False), ("tensorboard", True, True), ("wandb", False, True)],
)
def test_nothing_of_a_private_run_goes_elsewhere(
    name: str, is_private: bool, is_tracked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_TRACKER", name)
    (tmp_path / "worker.json").write_text("{}")
    run, trainable = OfARun(tmp_path, is_private=is_private), object()
    hook = plugin.finetune(run)
    next(hook)
    with pytest.raises(StopIteration) as made:
        hook.send(trainable)

    assert isinstance(made.value.value, tracked.Tracked) == is_tracked
    told = f"{name} is told nothing of a private run"
    assert [told] * (not is_tracked) == [warning.partition(",")[0] for warning in run.warnings]


def test_a_database_that_another_run_made_meanwhile_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = importlib.import_module("zoo_track.mlflow_database")
    path = tmp_path / "mlflow.db"

    def make_both(command: Sequence[str], **of_process: Any) -> subprocess.CompletedProcess[str]:
        Path(command[-1].removeprefix("sqlite:///")).write_text("mine")
        path.write_text("theirs")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(database.subprocess, "run", make_both)
    database.make_database(path)

    assert "theirs" == path.read_text()
    assert [path] == list(tmp_path.iterdir())


def test_a_name_that_is_no_tracker_is_said(tmp_path: Path) -> None:
    sent = delivery.Delivery("mlfow", requested(tmp_path / "r"))
    sent.end("finished")

    assert "there is no tracker 'mlfow', but mlflow, tensorboard, wandb" == sent.failure


@pytest.mark.filterwarnings("ignore")  # of what MLflow calls
def test_mlflow_has_the_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(delivery, "END_S", 120.0)
    (tmp_path / "runs").mkdir()
    folder, uri = requested(tmp_path / "runs" / "r"), f"sqlite:///{tmp_path}/mlflow.db"
    for steps in ((1, 2), (2, 3)):
        sent = delivery.Delivery("mlflow", folder)
        for step in steps:
            sent.put(figures.Figures("train", step, time.time(), {"train/loss": 1 / step}))
        sent.end("stopped" if 1 in steps else "finished")
        assert "" == sent.failure

    kept = json.loads((folder / "tracker.json").read_text())["run"]
    client = mlflow.MlflowClient(tracking_uri=uri)
    run = client.get_run(kept)
    assert [1, 2, 3] == [metric.step for metric in client.get_metric_history(kept, "train/loss")]
    assert ("r", "FINISHED") == (run.info.run_name, run.info.status)
    assert "finetune" == run.data.params["verb"]
    assert str(folder) == run.data.tags["zoo.folder"]
    assert ["mlflow.db"] == [path.name for path in tmp_path.iterdir() if path.is_file()]


def test_wandb_has_the_figures_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    folder = requested(tmp_path / "r")
    sent = delivery.Delivery("wandb", folder)
    sent.put(figures.Figures("train", 1, time.time(), {"train/loss": 1.0}))
    sent.end("finished")

    assert "" == sent.failure
    assert list(folder.glob("wandb/offline-run-*/*.wandb"))
