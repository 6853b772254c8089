"""`zoo data curve`: the same training on ever more rows."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.echo_runs import until
from zoo.blocks import Curve, Paragraph, Table
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.data import load
from zoo.runs.candidate import CandidateStepped
from zoo.runs.data_curve import nested
from zoo.runs.events import EvaluationCompleted, Noted
from zoo.tasks import get_task

pytest.importorskip("zoo_bert")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

CPU = {"device": "cpu", "precision": "fp32"}
SHORT: dict[str, Any] = {"max_steps": 20, "batch_size": 8, "lr": 3e-3, "max_tokens": 16, "eval_steps": 20}
WORDS = {"late": ("parcel", "courier", "monday", "waiting"), "broken": ("screen", "crash", "lamp", "battery")}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw, path = random.Random(0), tmp_path_factory.mktemp("rows") / "rows.csv"
    lines = (f"{' '.join(draw.sample(WORDS[label], 3))} {row},{label}" for row in range(100) for label in sorted(WORDS))
    path.write_text("text,label\n" + "\n".join(lines) + "\n")
    return path


def test_sizes_are_measured_and_more_rows_foretold(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = zoo.data_curve("bert-tiny", data, name="curve", **CPU, **SHORT)
    until(lambda: any(isinstance(event, CandidateStepped) for event in run.events()) or not run.snapshot.live)
    run.stop()
    until(lambda: not run.snapshot.live)
    if run.status == "cancelled":  # it may have been faster
        run.resume()
    run.wait(progress=False)

    assert list(run.metrics) == ["accuracy", "accuracy_at_2x", "accuracy_at_4x"]
    low, high = run.intervals["accuracy_at_2x"].low, run.intervals["accuracy_at_2x"].high
    assert low <= run.metrics["accuracy_at_2x"] <= high
    (table,) = (block for block in run.report if isinstance(block, Table))
    assert [row[:2] for row in table.rows] == [
        *((size, "measured") for size in ("10", "20", "40", "80", "160")),
        ("320", "foretold"),
        ("640", "foretold"),
    ]
    measured, foretold = (block for block in run.report if isinstance(block, Curve))
    assert [x for x, _ in measured.points] == [10, 20, 40, 80, 160]
    assert [x for x, _ in foretold.points] == [160, 320, 640]
    assert any(block.text.startswith("With 320 rows") for block in run.report if isinstance(block, Paragraph))
    steps = [event.step for event in run.events() if isinstance(event, EvaluationCompleted)]
    assert list(dict.fromkeys(steps)) == [10, 20, 40, 80, 160]
    notes = [event.message for event in run.events() if isinstance(event, Noted)]
    begun = [note for note in notes if ": learns from" in note]
    assert len(set(begun)) == 5
    assert len(begun) <= 6, "at most the one that was stopped is begun again"
    until(lambda: not (run.folder.path / "sizes").exists())
    assert main(["attach", run.name]) == ExitCode.OK
    assert "foretold" in capsys.readouterr().out


def test_sizes_are_nested_and_have_each_label_in_the_same_share(data: Path) -> None:
    task = get_task("text-classification")
    examples = load(data, task).examples
    ordered = nested(examples, task)
    assert sorted(one.row for one in ordered) == [one.row for one in examples]
    for size in (10, 50, 120):
        assert Counter(one.target for one in ordered[:size]) == {"late": size // 2, "broken": size // 2}
    assert nested(examples[::-1], task) == ordered


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--model MODEL names it"),
        (["--model", "bert-tiny", "--labels", "bert-tiny"], "--labels"),
        (["--model", "bert-tiny", "--out", "x.csv"], "--out is for --labels"),
        (["--model", "nowhere"], "nowhere"),
    ],
)
def test_what_has_no_curve_is_one_line(
    data: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "curve", str(data), *words]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_a_budget_is_not_spent_at_every_size(data: Path) -> None:
    with pytest.raises(zoo.OptionInvalid, match="--private counts one training"):
        zoo.data_curve("bert-tiny", data, private="eps=8", **CPU)


def test_few_rows_make_no_curve(data: Path) -> None:
    few = data.with_name("few.csv")
    few.write_text("\n".join(data.read_text().splitlines()[:31]) + "\n")
    with pytest.raises(zoo.DatasetInvalid, match="24 rows to learn from, too few for a curve"):
        zoo.data_curve("bert-tiny", few, name="short", **CPU, **SHORT)
    assert "short" not in [run.name for run in zoo.list_runs()]
