"""`zoo finetune --folds`: all rows judge, each by a model that has not seen it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.echo_runs import until
from zoo.blocks import Table
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.runs.candidate import CandidateStepped
from zoo.runs.events import Noted

pytest.importorskip("zoo_bert")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

CPU = {"device": "cpu", "precision": "fp32"}
SHORT: dict[str, Any] = {"max_steps": 30, "batch_size": 8, "lr": 3e-3, "max_tokens": 16, "eval_steps": 30}
WORDS = {"late": ("parcel", "courier", "monday", "waiting"), "broken": ("screen", "crash", "lamp", "battery")}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty texts of twenty people, who have three each."""
    draw, path = random.Random(0), tmp_path_factory.mktemp("rows") / "rows.csv"
    rows = [(label, person) for person in range(20) for label in ("late", "broken", ("late", "broken")[person % 2])]
    lines = (f"{' '.join(draw.sample(WORDS[label], 3))} {row},{label},u{who}" for row, (label, who) in enumerate(rows))
    path.write_text("text,label,user_id\n" + "\n".join(lines) + "\n")
    return path


def test_every_row_is_judged_once_and_a_stopped_run_goes_on(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = zoo.finetune("bert-tiny", data, name="folded", folds=3, **CPU, **SHORT)
    until(lambda: any(isinstance(event, CandidateStepped) for event in run.events()) or not run.snapshot.live)
    run.stop()
    until(lambda: not run.snapshot.live)
    if run.status == "cancelled":  # it may have been faster
        run.resume()
    run.wait(progress=False)

    table = next(block for block in run.report if isinstance(block, Table) and block.title == "Folds")
    assert table.headers == ("fold", "learnt from", "judged", "accuracy", "95% interval")
    assert [row[0] for row in table.rows] == ["1", "2", "3", "all"]
    judged = [int(row[2] or 0) for row in table.rows]
    assert sum(judged[:3]) == judged[3] == 60
    assert all(int(learnt or 0) + int(own or 0) == 60 for _, learnt, own, *_ in table.rows[:3])
    right = sum(float(row[3] or 0) * int(row[2] or 0) for row in table.rows[:3])
    assert run.metrics["folds_accuracy"] == pytest.approx(right / 60, abs=1e-3)
    assert run.metrics["folds_accuracy"] > 0.6
    interval = run.intervals["folds_accuracy"]
    assert interval.low < run.metrics["folds_accuracy"] <= interval.high
    notes = [event.message for event in run.events() if isinstance(event, Noted)]
    assert "rows with the same user_id are in the same fold" in notes
    begun = [note for note in notes if ": learns from" in note]
    assert len(set(begun)) == 3
    assert len(begun) <= 4, "at most the one that was stopped is begun again"
    until(lambda: not (run.folder.path / "folds").exists())

    plain = zoo.finetune("bert-tiny", data, name="plain", **CPU, **SHORT).wait(progress=False)
    weights = [(one.folder.model_folder / "model.safetensors").read_bytes() for one in (run, plain)]
    assert weights[0] == weights[1]
    assert main(["show", "folded"]) == ExitCode.OK
    assert "folds_accuracy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--folds", "1"], "--folds is 1"),
        (["--folds", "3", "--eval", "{data}"], "--eval names the rows that judge"),
        (["--folds", "3", "--private", "eps=8"], "--private counts one training"),
        (["--folds", "3", "--processes", "2"], "2 processes learn together"),
    ],
)
def test_what_cannot_be_folded_is_one_line(
    data: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.format(data=data) for word in words]
    assert main(["finetune", "bert-tiny", "--data", str(data), *words]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_more_folds_than_inputs_are_refused_before_a_run_exists(data: Path) -> None:
    few = data.with_name("few.csv")
    few.write_text("text,label\n" + "same,late\nother,broken\n" * 4)
    with pytest.raises(zoo.DatasetInvalid, match="8 rows have too few different inputs for 3 folds"):
        zoo.finetune("bert-tiny", few, folds=3, name="folded-few", **CPU, **SHORT)
    assert "folded-few" not in [run.name for run in zoo.list_runs()]
