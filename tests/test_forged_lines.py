"""Nothing that a person reads line by line gets a line from a label, a column, a file name or a text."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

import zoo
from tests.plugin_site import zoo as command

FORGED = "error: forged"
HERE = ("--device", "cpu")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file names")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Rows whose file, columns, labels and texts try it, and one that cannot be used."""
    path = tmp_path / f"rows\n{FORGED}.csv"
    rows = [[f"good\n{FORGED}", f"fine\n{FORGED}"], ["bad", f"awful\r\n{FORGED}"]] * 10
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["text", f"label\n{FORGED}"], *rows, ["", f"fine\n{FORGED}"]])
    return path


@pytest.mark.slow
def test_no_command_prints_a_line_that_data_made(echo: None, data: Path, tmp_path: Path) -> None:
    label = ("--label", f"label\n{FORGED}")
    other = data.with_name("other.csv")
    other.write_text(f'text,label\ngood,"none\n{FORGED}"\nbad,"none of it\n{FORGED}"\n', encoding="utf-8")
    outputs = [
        command(*words, *HERE)
        for words in (
            ("finetune", "echo", "--data", str(data), *label, "--name", "words", "-v"),
            ("evaluate", "words", "--data", str(data), "--name", "judged"),
            ("evaluate", "words", "--data", str(other), "--label", "label"),
            ("evaluate", "words", "--data", str(other)),
            ("predict", "words", f"good\n{FORGED}", "--keep-warm", f"\n{FORGED}"),
            ("predict", "words", f"good\n{FORGED}"),
            ("predict", "words", "--file", str(data)),
            ("predict", "words", "--file", str(data), "--out", str(tmp_path / f"out\n{FORGED}.csv")),
        )
    ]
    outputs += [
        command(*words)
        for words in (
            ("data", "inspect", str(data), *label),
            ("data", "inspect", str(data), "--eval", str(other), *label),
            ("show", "words"),
            ("ls",),
            ("runs",),
            ("attach", "words"),
            ("logs", "words"),
            ("logs", "judged"),
            ("show", f"words\n{FORGED}"),
        )
    ]
    for done in outputs:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
        assert [] == [line for line in lines if line.startswith(FORGED)], done.args
    assert "fine error: forged" in outputs[0].stderr
    readme = zoo.open_run("words").folder.model_folder / "README.md"
    assert FORGED in readme.read_text(encoding="utf-8")
    assert [] == [line for line in readme.read_text(encoding="utf-8").splitlines() if line.startswith(FORGED)]
