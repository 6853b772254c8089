"""Recordings in characters: loud where they are loud, high where they are high, in every view and without colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.answers import Rejected
from zoo.blocks import Sound
from zoo.rendering.html import html
from zoo.rendering.markdown import markdown
from zoo.rendering.sounds import HEAT, MIDDLE, sound_cells

soundfile = pytest.importorskip("soundfile")
RATE = 16_000
COLUMNS, LINES = 40, 15
WAVE = slice(0, 5)
HEAT_LINES = slice(5, 15)


def lines_of(block: Sound, columns: int = COLUMNS, lines: int = LINES) -> list[str]:
    cells = sound_cells(block, columns, lines, colours=False)
    assert not isinstance(cells, Rejected)
    return ["".join(cell.text for cell in row) for row in cells]


def recording(path: Path, samples: np.ndarray, rate: int = RATE) -> Sound:
    soundfile.write(path, samples.astype(np.float32), rate)
    return Sound(recording=str(path))


def tone(hertz: float, seconds: float, level: float = 0.5, rate: int = RATE) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def loudest_row(lines: list[str], column: int) -> int:
    return max(range(len(lines)), key=lambda row: " ░▒▓█".index(lines[row][column]))


def test_silence_is_a_line_and_a_tone_fills_the_height(tmp_path: Path) -> None:
    block = recording(tmp_path / "half.wav", np.concatenate([np.zeros(RATE), tone(440, 1)]))

    wave = lines_of(block)[WAVE]

    assert [" " * 19] * 2 + [MIDDLE * 19] + [" " * 19] * 2 == [line[:19] for line in wave]
    assert ["█" * 18] * 5 == [line[-18:] for line in wave]


def test_a_high_tone_stands_above_a_low_one(tmp_path: Path) -> None:
    block = recording(tmp_path / "two.wav", np.concatenate([tone(300, 1), tone(5_000, 1)]))

    heat = lines_of(block)[HEAT_LINES]

    assert loudest_row(heat, 5) > loudest_row(heat, 35)
    assert " " == heat[loudest_row(heat, 5)][35]


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_every_rate_is_drawn_on_the_same_scale(tmp_path: Path, rate: int) -> None:
    expected = lines_of(recording(tmp_path / "a.wav", tone(1_000, 1)))[HEAT_LINES]
    other = lines_of(recording(tmp_path / "b.wav", tone(1_000, 1, rate=rate), rate))[HEAT_LINES]

    assert loudest_row(expected, 20) == loudest_row(other, 20)


def test_a_long_recording_and_a_click_fill_the_width(tmp_path: Path) -> None:
    for name, samples in (("long", np.tile(tone(440, 10), 12)), ("click", tone(440, 0.002))):
        for columns, lines in ((COLUMNS, LINES), (200, 4), (20, 2), (3, 1)):
            drawn = lines_of(recording(tmp_path / f"{name}.wav", samples), columns, lines)
            assert [columns] * lines == [len(line) for line in drawn]


def test_what_is_silent_is_drawn_as_nothing(tmp_path: Path) -> None:
    lines = lines_of(recording(tmp_path / "silent.wav", np.zeros(RATE)))

    assert {" ", MIDDLE} == set("".join(lines))


def test_colours_go_from_nothing_to_the_greatest_power(tmp_path: Path) -> None:
    cells = sound_cells(recording(tmp_path / "tone.wav", tone(440, 1)), COLUMNS, LINES)
    assert not isinstance(cells, Rejected)

    colours = {colour for row in cells[5:] for cell in row for colour in (cell.colour, cell.ground)}

    assert {HEAT[0], HEAT[-1]} <= colours


def test_a_file_that_cannot_be_read_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"no sound")
    for path, reason in (
        (tmp_path / "a.wav", "it is no recording"),
        (tmp_path / "b.wav", "No such file"),
        ("", "not at hand"),
    ):
        cells = sound_cells(Sound(recording=str(path)), COLUMNS, LINES)
        assert isinstance(cells, Rejected)
        assert reason in cells.reason
        assert f"no picture: {cells.reason[:12]}" in html([Sound(recording=str(path))])


def test_notebooks_draw_it_and_markdown_names_it(tmp_path: Path) -> None:
    block = recording(tmp_path / "tone.wav", tone(440, 1))

    assert "<pre" in html([block])
    assert str(tmp_path / "tone.wav") == markdown([block])
    assert zoo.Sound is Sound
