"""An answer is rendered by its type, whatever plugin gave it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import zoo
from tests.terminal_output import command_output
from zoo.cli.render import render

HERE = ("--device", "cpu", "--precision", "fp32")
OLD_RUN = Path(__file__).parent.parent / "runs" / "run_without_report"


def lines_of(source: str, answer: zoo.Prediction) -> list[str]:
    """An answer as it is shown."""
    return [line.text for line in render(answer.blocks(source))]


def test_a_classification_shows_its_five_most_probable_labels() -> None:
    scores = tuple(zoo.Score(f"label{i}", p) for i, p in enumerate((0.5, 0.25, 0.125, 0.0625, 0.05, 0.0125)))
    first, *bars = lines_of("so good", zoo.Classification(scores))

    assert "so good" == first
    assert ["label0", "label1", "label2", "label3", "label4"] == [line.split()[0] for line in bars]
    assert "  label0  ━━━━━━━━━━──────────  50.0%" == bars[0]


def test_a_filled_mask_shows_the_whole_text() -> None:
    answer = zoo.FilledMask("Paris is the capital.", (zoo.Score("capital", 1.0),))

    assert "Paris is the capital." == lines_of("Paris is the [MASK].", answer)[0]


def test_an_embedding_shows_its_length_and_its_beginning() -> None:
    _, line = lines_of("text", zoo.Embedding(tuple([0.5] * 384)))

    assert "  384 numbers: " + "+0.5000 " * 8 + "... (--json gives all)" == line


def test_a_rejected_input_shows_why() -> None:
    assert ["text", "  rejected: empty"] == lines_of("text", zoo.Rejected("empty"))


def test_texts_and_labels_from_outside_stay_on_their_line() -> None:
    lines = lines_of("two\nlines\x1b[31m", zoo.Classification((zoo.Score("a\x1b[2Jb\nc", 1.0),)))

    assert ["two lines", True] == [lines[0], lines[1].startswith("  ab c ")]
    assert ["a b", "  rejected: no good"] == lines_of("a\nb", zoo.Rejected("no\ngood\x1b[2J"))


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
def test_a_terminal_gets_colours_unless_it_or_its_owner_wants_none(
    echo: None, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(OLD_RUN, store / "runs" / "reviews")

    def output_parts(term: str, no_color: str) -> str:
        monkeypatch.setenv("TERM", term)
        monkeypatch.setenv("NO_COLOR", no_color)
        return command_output(monkeypatch, "predict", "reviews", "a good \x1b[31mfilm", " ", *HERE)

    assert ["\x1b[1ma good film\x1b[0m", "\x1b[31m  rejected: the text is empty\x1b[0m"] == [
        line for line in output_parts("xterm", "").splitlines() if "\x1b" in line
    ]
    assert "\x1b" not in output_parts("xterm", "1") + output_parts("dumb", "")
