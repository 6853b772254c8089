"""Recordings in the form before a training and on the predict screen: their waveform and spectrogram."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.hearing_plugin import HEARD, install_hearer, write_tone
from tests.microphone_standin import install_microphone
from tests.plugin_site import Site
from tests.tui.driving import Driver, scenario, screen_text, shows, until
from tests.tui.test_predict import choose
from tests.tui.test_training import enter, open_form
from zoo.rendering.sounds import MIDDLE
from zoo.tui.widgets.gallery import Gallery

pytest.importorskip("soundfile")


@pytest.fixture
def hearer(models: Site) -> Site:
    """A recogniser, and a microphone for it."""
    install_hearer(models)
    install_microphone(models.path, rate=16_000)
    return models


@pytest.mark.slow
@scenario(size=(120, 45))
async def test_the_form_shows_samples_with_what_is_said(
    pilot: Driver, hearer: Site, one_device: None, tmp_path: Path
) -> None:
    rows = [
        {"audio": write_tone(tmp_path / f"{number}.wav").name, "text": f"parcel \x1b[2J{number}"} for number in range(5)
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    screen = await open_form(pilot, "hearer")

    enter(screen, data=str(tmp_path / "data.jsonl"))

    await until(pilot, lambda: screen.query_one(Gallery).display)
    await shows(pilot, "parcel 0", "parcel 1", "0.wav", "█", MIDDLE)


@scenario(size=(100, 30))
async def test_a_recording_is_drawn_and_answered(pilot: Driver, hearer: Site, tmp_path: Path) -> None:
    screen = await choose(pilot, "hearer")
    await shows(pilot, "loaded, on")

    screen.query_one("#file", Input).value = str(write_tone(tmp_path / "one.wav"))

    await shows(pilot, HEARD, "█", MIDDLE)
    screen.query_one("#file", Input).value = str(tmp_path / "none.wav")
    await until(pilot, lambda: "█" not in screen_text(pilot))


@pytest.mark.slow
@scenario(size=(100, 30))
async def test_a_transcript_grows_as_it_is_heard(pilot: Driver, hearer: Site, tmp_path: Path) -> None:
    screen = await choose(pilot, "hearer")
    await shows(pilot, "loaded, on")
    path = write_tone(tmp_path / "one.wav")
    held = path.with_name("one.wav.held")
    held.touch()

    screen.query_one("#file", Input).value = str(path)

    beginning, _, last = HEARD.rpartition(" ")
    await shows(pilot, beginning)
    assert last not in screen_text(pilot)
    held.unlink()
    await shows(pilot, HEARD)


@pytest.mark.slow
@scenario(size=(100, 30))
async def test_what_is_said_is_recorded_drawn_and_answered(pilot: Driver, hearer: Site) -> None:
    screen = await choose(pilot, "hearer")
    await shows(pilot, "^r Record")

    await pilot.press("ctrl+r")
    await shows(pilot, "recording", "━", "Ctrl-R ends it", "^r Stop recording")
    await pilot.press("ctrl+r")
    await shows(pilot, "microphone-1.wav", "^r Record")
    await shows(pilot, "loaded, on")
    await shows(pilot, HEARD, "█")

    first = Path(screen.query_one("#file", Input).value)
    await pilot.press("ctrl+r")
    await shows(pilot, "Ctrl-R ends it")
    await pilot.press("ctrl+r")
    await shows(pilot, "microphone-2.wav")
    assert first.exists(), "a recording is there until the end"


@pytest.mark.slow
@scenario(size=(100, 30))
async def test_a_microphone_that_goes_away_is_told_and_what_was_said_is_taken(pilot: Driver, hearer: Site) -> None:
    install_microphone(hearer.path, rate=16_000, blocks=3)
    await choose(pilot, "hearer")

    await pilot.press("ctrl+r")

    await shows(pilot, "microphone-1.wav", "the microphone went away after 0.3 s")


@scenario(size=(100, 30))
async def test_what_is_lacking_is_told(pilot: Driver, hearer: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    install_microphone(hearer.path, absent=True)
    screen = await choose(pilot, "hearer")
    await shows(pilot, "loaded, on")

    await pilot.press("ctrl+r")
    await shows(pilot, "there is no microphone. plug one in", "^r Record")

    monkeypatch.setitem(sys.modules, "sounddevice", None)
    await pilot.press("ctrl+r")
    await shows(pilot, "a microphone needs sounddevice. pip install 'zoo-models[microphone]'")
    assert "" == screen.query_one("#file", Input).value


@pytest.mark.slow
@scenario(size=(100, 30))
async def test_an_application_that_ends_waits_for_no_recording(pilot: Driver, hearer: Site) -> None:
    await choose(pilot, "hearer")
    await pilot.press("ctrl+r")
    await shows(pilot, "Ctrl-R ends it")

    pilot.app.exit()
