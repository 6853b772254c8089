"""The spoken digits that come with the project: whole, small, and two voices apart; and what is learnt of them."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import zoo
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.kinds.recording_decoding import read_recording

SPOKEN = Path(zoo.__file__).parent / "quickstart" / "spoken_digits"
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
RATE = 16_000
MOST_BYTES = 1_500_000


def rows(part: str) -> list[dict[str, str]]:
    with (SPOKEN / f"{part}.csv").open(encoding="utf-8") as table:
        return list(csv.DictReader(table))


def test_two_voices_are_held_out() -> None:
    train, test = ({row["speaker"] for row in rows(part)} for part in ("train", "test"))

    assert (8, 2) == (len(train), len(test))
    assert not train & test


def test_every_voice_says_every_digit_as_often_as_any_other() -> None:
    for part in ("train", "test"):
        words = Counter((row["speaker"], word) for row in rows(part) for word in row["transcription"].split())
        assert {word for _, word in words} == {*DIGITS}
        assert {6} == {*words.values()}


def test_the_files_are_those_of_the_tables_and_small() -> None:
    files = {path.relative_to(SPOKEN).as_posix(): path.stat().st_size for path in SPOKEN.rglob("*.ogg")}

    assert {row["file_name"] for part in ("train", "test") for row in rows(part)} == files.keys()
    assert sum(files.values()) < MOST_BYTES


def test_inspection_has_nothing_against_them(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("soundfile")
    pytest.importorskip("zoo_speech")

    assert ExitCode.OK == main(["data", "inspect", str(SPOKEN / "train.csv"), "--eval", str(SPOKEN / "test.csv")])

    output = capsys.readouterr().out
    assert "rows in both: 0" in output
    assert "nothing stands in the way of using this data" in output


def test_each_holds_a_word_or_two() -> None:
    pytest.importorskip("soundfile")
    for row in rows("test"):
        samples = read_recording(str(SPOKEN / row["file_name"]), RATE)
        assert not isinstance(samples, zoo.Rejected)
        assert 0.25 < len(samples) / RATE / len(row["transcription"].split()) < 1.2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_quickstart_does_what_it_says(store: Path) -> None:
    pytest.importorskip("zoo_speech")
    command = [sys.executable, "-m", "zoo", "quickstart", "speech", "--epochs", "2"]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)

    assert done.returncode == 0, done.stderr
    assert re.search(r"^wer \d\.\d+", done.stdout, re.MULTILINE)
    assert 4 <= done.stdout.count(".ogg")
    assert (store / "runs" / "quickstart-speech" / "model" / "model.safetensors").is_file()
