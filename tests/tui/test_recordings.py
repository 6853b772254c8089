"""Recordings in the form before a training and on the predict screen: their waveform and spectrogram."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.hearing_plugin import HEARD, install_hearer, write_tone
from tests.plugin_site import Site
from tests.tui.driving import Driver, scenario, screen_text, shows, until
from tests.tui.test_predict import choose
from tests.tui.test_training import enter, open_form
from zoo.rendering.sounds import MIDDLE
from zoo.tui.widgets.gallery import Gallery

pytest.importorskip("soundfile")


@pytest.fixture
def hearer(models: Site) -> Site:
    install_hearer(models)
    return models


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
