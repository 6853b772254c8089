"""An evaluation calibrates its model, whose answers are surer of what is right and say what they are not sure of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zoo
from zoo.cli import main
from zoo.errors import DatasetInvalid, OptionInvalid, Unsupported
from zoo.runs.calibration import check_abstaining
from zoo.runs.heads import merge
from zoo.runs.publishing import digested_files
from zoo.runs.result import CALIBRATION
from zoo.tasks.options import AbstainOptions

pytestmark = pytest.mark.slow

CPU = {"device": "cpu", "precision": "fp32"}


def table(path: Path, rows: int, first: int) -> Path:
    """Texts of which one in four has the other label, none of them the same as another."""
    words = {"positive": "good fine lovely", "negative": "bad awful poor"}
    lines = []
    for row in range(first, first + rows):
        said = ("positive", "negative")[row % 2]
        label = said if row % 4 < 3 else ("negative", "positive")[row % 2]
        lines.append(f"{words[said].split()[row % 3]} {words[said].split()[row // 3 % 3]} number{row},{label}")
    path.write_text("text,label\n" + "\n".join(lines) + "\n")
    return path


def test_from_calibrating_to_answers_that_are_not_sure(words: str, rows: Path, tmp_path: Path) -> None:
    held_out, unseen = table(tmp_path / "held-out.csv", 120, 0), table(tmp_path / "unseen.csv", 200, 1000)
    plain = zoo.load(words, **CPU).predict("good fine")
    with pytest.raises(Unsupported, match="words was not"):
        zoo.load(words, abstain=0.1, **CPU)
    with pytest.raises(Unsupported, match="words was not"):
        zoo.predict_file(words, unseen, tmp_path / "answers.csv", abstain=0.1, **CPU)

    run = zoo.evaluate(words, held_out, calibrate=True, **CPU).wait(progress=False)
    kept = json.loads((zoo.open_run(words).folder.model_folder / CALIBRATION).read_text())
    assert kept["temperature"] > 1
    assert kept["ece_after"] < kept["ece_before"]
    assert 120 == kept["fitted_rows"] + len(kept["chances"])
    assert any("words is calibrated from now on: temperature" in note for note in run.snapshot.notes)

    folder = zoo.open_run(words).folder.model_folder  # it may change, and is none of the weights
    assert CALIBRATION not in {file.name for file in digested_files(folder)}
    merge(folder, tmp_path / "apart")
    assert not (tmp_path / "apart" / CALIBRATION).exists()

    answer = zoo.load(words, **CPU).predict("good fine")
    assert plain.label == answer.label
    assert plain.probability > answer.probability
    assert answer.likely is None

    judged = zoo.evaluate(words, unseen, abstain=0.1, **CPU).wait(progress=False)
    assert any(note.startswith("calibrated on held-out.csv (temperature") for note in judged.snapshot.notes)
    assert judged.metrics["ece"] < run.metrics["ece"]
    coverage = judged.intervals["label_coverage"]
    assert coverage.high >= 0.9  # more, where many answers are as probable as the least that is left open
    assert {"Reliability", "Sets"} < {block.title for block in judged.report}
    assert zoo.replay_differences(judged) == ()
    calibration = folder / CALIBRATION
    calibration.write_text(json.dumps(kept | {"temperature": 2.0 + kept["temperature"]}))
    assert ["calibration of words"] == [one.what for one in zoo.replay_differences(judged)]
    calibration.write_text(json.dumps(kept))
    again = zoo.evaluate(words, held_out, **CPU).wait(progress=False)
    assert any("was calibrated on these rows" in warning for warning in again.snapshot.warnings)

    sure = zoo.load(words, abstain=0.3, **CPU).predict(["good fine", "number1"])
    assert all(one.likely is not None for one in sure)
    assert ["not sure"] == [one.cells().prediction for one in zoo.load(words, abstain=0.03, **CPU).predict(["of it"])]
    with pytest.raises(Unsupported, match=r"--abstain 0\.001 needs 999 rows"):
        zoo.load(words, abstain=0.001, **CPU)
    with pytest.raises(OptionInvalid, match="abstain"):
        zoo.load(words, abstain=0.0, **CPU)


def test_what_cannot_be_calibrated_is_refused(
    words: str, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = table(tmp_path / "few.csv", 39, 0)
    with pytest.raises(DatasetInvalid, match="has 39 rows to calibrate words by; it takes 40"):
        zoo.evaluate(words, few, calibrate=True, **CPU)
    with pytest.raises(OptionInvalid, match="--abstain has no effect with --calibrate"):
        zoo.evaluate(words, few, calibrate=True, abstain=0.1, **CPU)
    with pytest.raises(OptionInvalid, match="--abstain has no effect on zoo shrink"):
        check_abstaining("shrink", AbstainOptions(abstain=0.1), calibrate=False)
    with pytest.raises(DatasetInvalid, match=r"to calibrate words by, and \d+ that words has learnt from; it takes 40"):
        zoo.evaluate(words, rows, calibrate=True, **CPU)
    assert [run.name for run in zoo.list_runs()] == [words]
    assert main(["predict", words, "good", "--abstain", "0.05", "--device", "cpu"]) != 0
    assert "zoo evaluate words --data FILE --calibrate" in capsys.readouterr().err
