"""A run that is followed: what becomes of it is reported, also where its folder cannot be read for a while."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import zoo
from tests.echo_runs import until
from zoo.runs.events import Noted, RunFinished, RunStarted
from zoo.runs.log import append
from zoo.runs.snapshot import RunSnapshot
from zoo.runs.store import RunFolder
from zoo.tui.follower import Follower, Outcome

WriteRun = Callable[..., RunFolder]


def test_a_folder_that_cannot_be_read_is_told_and_followed_on(write_run: WriteRun) -> None:
    folder = write_run("one", RunStarted(attempt=1, pid=1, device="cpu", precision="fp32"), Noted(message="it begins"))
    reports: list[tuple[RunSnapshot, str]] = []
    follower = Follower(folder, lambda snapshot, messages, log, mistakes: reports.append((snapshot, messages)))
    follower.start()
    try:
        until(lambda: bool(reports) and "it begins" in reports[-1][1])
        away = folder.events_path.rename(folder.path / "away")
        folder.events_path.mkdir()
        until(lambda: f"{folder.events_path} cannot be read: Is a directory" in reports[-1][1])
        assert reports[-1][0] == reports[0][0]
        folder.events_path.rmdir()
        away.rename(folder.events_path)
        append(folder, Noted(message="it goes on"))
        until(lambda: "it goes on" in reports[-1][1])
    finally:
        follower.stop()


def test_what_came_of_a_run_is_looked_for_again_where_it_cannot_be_read(
    write_run: WriteRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_run("two", RunStarted(attempt=1, pid=1, device="cpu", precision="fp32"), RunFinished(metrics={}))
    said = zoo.Classification((zoo.Score("b", 1.0),))
    mistake = {"row": 3, "label": "a", "input": "it", "prediction": said}
    folder.mistakes_path.write_bytes(msgspec.json.encode(mistake) + b"\n")
    reports: list[tuple[str, Outcome]] = []
    with monkeypatch.context() as patch:
        patch.setattr("zoo.tui.follower.read_mistakes", lambda folder: Path("/").read_bytes())
        follower = Follower(folder, lambda snapshot, messages, log, outcome: reports.append((messages, outcome)))
        follower.start()
        until(lambda: bool(reports) and "what came of it cannot be read: Is a directory" in reports[-1][0])
    try:
        until(lambda: bool(reports[-1][1].mistakes))
        assert reports[-1][0].count("cannot be read") == 1
    finally:
        follower.stop()
