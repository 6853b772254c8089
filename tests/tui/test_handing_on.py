"""On the screen of a run: its report as a file, the run done again, what came of runs beside their reports."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.tui.driving import Driver, notices, scenario, shows, until
from tests.tui.test_runs import FINISHED, STARTED, WriteRun
from zoo.replaying.differences import Difference
from zoo.runs.events import RunFinished
from zoo.runs.inspecting.doubtful_labels import FILE, DoubtfulLabel
from zoo.tui import handing_on
from zoo.tui.handing_on import replay_run


@pytest.mark.slow
@scenario(size=(100, 30))
async def test_a_report_is_written_where_the_person_says(
    pilot: Driver, models: object, write_run: WriteRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run("mine", *FINISHED)
    await pilot.press("2")
    await shows(pilot, "mine finetune")
    await pilot.press("enter")
    await shows(pilot, "accuracy 0.7500")
    await pilot.press("o")
    await shows(pilot, "Report of mine", "mine.html")
    line = pilot.app.screen.query_one("Input")
    (tmp_path / "letter.html").write_text("dear all")
    for path, fault in (
        (tmp_path / "none" / "mine.html", 'choose another "the path"'),
        (tmp_path / "letter.html", "is no report of zoo"),
    ):
        line.value = str(path)
        await pilot.press("enter")
        await shows(pilot, fault)
    for name, beginning in (("mine.html", b"<!doctype html>"), ("curves.png", b"\x89PNG")):
        line.value = str(tmp_path / name)
        await pilot.press("enter")
        await until(pilot, lambda name=name: notices(pilot)[-1:] == [f"the report of mine is in {tmp_path / name}"])
        assert (tmp_path / name).read_bytes().lower().startswith(beginning.lower())
        await pilot.press("o")
        await shows(pilot, "Report of mine")
        line = pilot.app.screen.query_one("Input")


@scenario(size=(100, 30))
async def test_the_palette_offers_both_for_the_run_that_is_shown(
    pilot: Driver, models: object, write_run: WriteRun
) -> None:
    write_run("mine", *FINISHED)
    app = pilot.app
    assert "Report of mine" not in {command.title for command in app.get_system_commands(app.screen)}
    app.open_run("mine")  # type: ignore[attr-defined]
    await shows(pilot, "accuracy 0.7500")
    titles = {command.title for command in app.get_system_commands(app.screen)}
    assert {"Report of mine", "Replay mine", "Pick a model"} <= titles


@scenario(size=(100, 30))
async def test_a_run_that_cannot_be_done_again_says_why(pilot: Driver, models: object, write_run: WriteRun) -> None:
    write_run("mine", STARTED)
    pilot.app.open_run("mine")  # type: ignore[attr-defined]
    await shows(pilot, "mine finetune")
    await pilot.press("y")
    await until(pilot, lambda: "mine" in "".join(notices(pilot)))
    assert not pilot.app.screen.is_modal


@scenario(size=(100, 30))
async def test_what_differs_is_shown_before_a_run_is_done_again(
    pilot: Driver, models: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = Difference("data", "rows.csv (sha256 1..)", "sha256 2..", of_data=True)
    version = Difference("version of torch", "2.4", "2.5")
    replays: list[tuple[str, bool]] = []

    class Replay:
        name = "mine-replay"

    def replay(name: str, *, anyway: bool) -> type[Replay]:
        replays.append((name, anyway))
        return Replay

    monkeypatch.setattr("zoo.api.replaying.replay", replay)
    opened: list[str] = []
    for differences, words in (
        ((), "are what they were"),
        ((version,), "version of torch was 2.4 and is 2.5"),
        ((changed,), "It is done on the data as they are now."),
    ):
        monkeypatch.setattr("zoo.api.replaying.replay_differences", lambda name, found=differences: found)
        replay_run(pilot.app, "mine", opened.append)  # type: ignore[arg-type]
        await shows(pilot, "Replay mine?", words)
        before = len(opened)
        await pilot.press("y")
        await until(pilot, lambda before=before: len(opened) > before)
    assert replays == [("mine", False), ("mine", False), ("mine", True)]
    gone = changed._replace(is_gone=True)
    monkeypatch.setattr("zoo.api.replaying.replay_differences", lambda name: (gone,))
    replay_run(pilot.app, "mine", opened.append)  # type: ignore[arg-type]
    await until(pilot, lambda: "cannot be replayed without its data" in "".join(notices(pilot)))
    assert handing_on.PICTURE == ".png"


@scenario(size=(120, 30))
async def test_labels_in_doubt_are_shown_first(pilot: Driver, models: object, write_run: WriteRun) -> None:
    folder = write_run("doubts", STARTED, RunFinished(metrics={"agreement": 0.9}), verb="inspect")
    row = DoubtfulLabel(7, "what a mess", "good", "bad", 0.02, 0.98)
    (folder.path / FILE).write_bytes(msgspec.json.encode(row) + b"\n")
    pilot.app.open_run("doubts")  # type: ignore[attr-defined]
    await shows(pilot, "Labels in doubt", "what a mess", "0.98")


@scenario(size=(120, 30))
async def test_a_replay_whose_record_is_gone_says_so(pilot: Driver, models: object, write_run: WriteRun) -> None:
    write_run("again", *FINISHED, replays="mine")
    pilot.app.open_run("again")  # type: ignore[attr-defined]
    await shows(pilot, "Replay", "run again is no replay")
