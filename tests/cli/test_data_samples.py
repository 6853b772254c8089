"""`zoo data inspect` at a terminal draws a few rows beside what the data say of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.hearing_plugin import write_tone
from tests.spotting_task import draw_spot
from tests.terminal_output import command_output
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.rendering.colours import label_colour
from zoo.rendering.sounds import MIDDLE

pytest.importorskip("soundfile")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")


@pytest.fixture(autouse=True)
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    """Of eighty columns, in the folder of the data."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "80", "LINES": "40"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)


def write_table(*texts: str) -> None:
    rows = [{"audio": write_tone(Path(f"{number}.wav")).name, "text": text} for number, text in enumerate(texts)]
    Path("said.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_recordings_stand_beside_their_transcripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    write_table("where \x1b[2Jis\nit", "a very long one " * 40, "好" * 90, "a fourth")

    report = command_output(monkeypatch, "data", "inspect", "said.jsonl")

    lines = report.splitlines()
    first, second, third = ([line[39:].strip() for line in lines[start : start + 6]] for start in (0, 7, 14))
    assert [" " * 19 + "█" * 20, MIDDLE * 19 + "█" * 20] == [line[:39] for line in lines[:2]]
    assert ["where is it", "0.wav"] == first[:2]
    assert (True, "1.wav") == (second[4].endswith("…"), second[5])
    assert ("好" * 19, "2.wav") == (third[0], third[5])
    assert ["", "", "", str(Path("said.jsonl"))] == [lines[place] for place in (6, 13, 20, 21)]
    assert "a fourth" not in report
    assert "\x1b" not in report


def test_broken_recordings_and_very_narrow_terminals_draw_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    write_table("parcel", "letter")
    Path("0.wav").write_bytes(b"RIFF")

    report = command_output(monkeypatch, "data", "inspect", "said.jsonl", code=ExitCode.DATA)
    assert ("parcel" in report, "letter" in report, "0.wav" in report) == (False, True, True)

    monkeypatch.setenv("COLUMNS", "12")
    assert MIDDLE not in command_output(monkeypatch, "data", "inspect", "said.jsonl", code=ExitCode.DATA)


def test_recordings_without_words_are_drawn_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    write_tone(Path("alone.wav"))
    Path("paths.csv").write_text("audio\nalone.wav\n")

    report = command_output(monkeypatch, "data", "inspect", "paths.csv", "--task", "audio-feature-extraction")

    assert 2 == report.partition("paths.csv")[0].count("alone.wav")


def test_pictures_stand_beside_their_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL.Image")
    draw_spot(Path("1.png"))
    boxes = [{"label": f"spot {number}", "left": 10, "top": 5, "right": 28, "bottom": 23} for number in range(20)]
    Path("boxes.jsonl").write_text(json.dumps({"file_name": "1.png", "boxes": boxes}) + "\n")

    report = command_output(monkeypatch, "data", "inspect", "boxes.jsonl")

    red, green, blue = label_colour("spot 1")
    assert f"\x1b[38;2;{red};{green};{blue}m■ \x1b[0mspot 1 1\n" in report
    assert "▀" in report
    monkeypatch.setenv("NO_COLOR", "1")
    assert "■" not in command_output(monkeypatch, "data", "inspect", "boxes.jsonl")


def test_a_file_and_another_program_get_no_drawings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table("one", "two")
    assert ExitCode.OK == main(["data", "inspect", "said.jsonl"])
    assert MIDDLE not in capsys.readouterr().out
    assert (
        "said.jsonl"
        in json.loads(command_output(monkeypatch, "data", "inspect", "said.jsonl", "--json"))["train"]["path"]
    )
