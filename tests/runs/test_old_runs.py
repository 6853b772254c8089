"""A run that an earlier version wrote, with a confusion matrix in the place of a report, is read as one of today."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import zoo
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode

FOLDER = Path(__file__).parent / "run_without_report"


@pytest.fixture
def old_run(echo: None, store: Path) -> zoo.Run:
    """The run, in the store."""
    shutil.copytree(FOLDER, store / "runs" / "reviews")
    return zoo.open_run("reviews")


def test_its_report_is_made_of_the_confusion_matrix(old_run: zoo.Run) -> None:
    classes, confusion = old_run.report

    assert ("finished", 0.5, 9) == (old_run.status, old_run.metrics["accuracy"], old_run.snapshot.wrong_rows)
    assert isinstance(classes, zoo.Table)
    assert ("complaint", 0.5, pytest.approx(1 / 3), 0.4, 6) == classes.rows[0]
    assert isinstance(confusion, zoo.Matrix)
    assert ((2, 4, 0), (0, 6, 0), (2, 3, 1)) == confusion.counts
    html = old_run._repr_html_()
    assert all(text in html for text in ("reviews: finetune echo/echo, finished", "0.439", "complaint", "praise"))


def test_it_is_listed_shown_and_answers(old_run: zoo.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert ExitCode.OK == main(["attach", "reviews"])
    out = capsys.readouterr().out
    assert ["accuracy 0.5000  macro_f1 0.4391  loss 1.0223"] == out.splitlines()[:1]
    assert "praise         1.000   0.167  0.286     6" in out
    assert "praise             2          3          1" in out
    assert ExitCode.OK == main(["runs"])
    assert "reviews" in capsys.readouterr().out
    assert "other" == old_run.model.predict("a good film").label
    columns = {"input": "text", "label": "label"}
    assert (columns, columns) == (old_run.snapshot.columns, old_run.model.card.columns)
