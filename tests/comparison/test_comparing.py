"""Runs and models beside one another: the same rows for all, honest tests, and what differs."""

from __future__ import annotations

import csv
import hashlib
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.catalog import Catalog
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.comparison import Comparison
from zoo.runs import hooks, log
from zoo.runs.calibration import Calibration, write_calibration
from zoo.runs.events import EvaluationCompleted, RunFailed, RunLaunched, RunStarted, StepCompleted
from zoo.runs.store import RunFolder

GOOD, BAD = ("good", "fine"), ("bad", "awful")


@pytest.fixture
def rivals(words: str, store: Path) -> tuple[str, str]:
    """The names of a model that knows all words, and of one that knows half of them."""
    copied(store, words, "half", {"negative": {"bad": 9}, "positive": {"good": 9}})
    return words, "half"


def copied(store: Path, name: str, other: str, counts: dict[str, dict[str, int]] | None = None) -> Path:
    """The same run under another name, with a result that has counted something else."""
    folder = store / "runs" / other
    shutil.copytree(store / "runs" / name, folder)
    edit(folder / "run.json", name=other)
    if counts is not None:
        content = json.dumps(counts).encode()
        (folder / "model" / "counts.json").write_bytes(content)
        pins = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
        edit(folder / "model" / "zoo.json", name=other, files=[{"name": "counts.json", **pins}])
    return folder


def edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def labelled(path: Path, rows: int = 120) -> Path:
    """Rows with a word of either label, the rarer ones in every second."""
    draw = random.Random(0)
    lines = []
    for number in range(rows):
        label, known = ("positive", GOOD) if draw.random() < 0.5 else ("negative", BAD)
        lines.append(f"it is {known[number % 2]} {number},{label}")
    path.write_text("text,label\n" + "\n".join(lines) + "\n")
    return path


def test_the_better_of_two_models_is_told_by_rows_that_both_answer(rivals: tuple[str, str], tmp_path: Path) -> None:
    data = labelled(tmp_path / "test.csv")

    comparison = zoo.compare(*rivals, data=data, device="cpu")

    assert (comparison.rows, comparison.metric, comparison.untested) == (120, "accuracy", "")
    (pair,) = comparison.pairs
    lost = round(pair.difference * 120)
    assert comparison.figure("words") == 1.0
    assert (pair.better_first, pair.better_second) == (lost, 0)
    assert (pair.test, pair.p, pair.tied) == ("McNemar, exact", pytest.approx(2.0 ** (1 - lost)), False)
    assert pair.corrected == pair.p
    assert pair.low is not None
    assert pair.high is not None
    assert 0 < pair.low < pair.difference < pair.high
    assert comparison.best == comparison.choice == "words"
    assert comparison.verdict == "words is better than half by accuracy on 120 rows"
    assert len(comparison.differing) == lost
    row = comparison.differing[0]
    assert (row.answers[0], row.figures) == (row.target, (1.0, 0.0))
    assert "<table" in comparison._repr_html_()


def test_without_data_runs_are_held_against_the_rows_that_both_were_judged_on(
    words: str, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(store, words, "twin", {"negative": {"bad": 9, "awful": 9}, "positive": {"good": 9, "fine": 9}})
    edit(store / "runs" / "twin" / "run.json", options={"seed": 42, "lr": 0.5}, precision="bf16")

    comparison = zoo.compare("words", "twin", device="cpu")

    assert comparison.untested == ""
    assert comparison.rows == 4
    assert comparison.pairs[0].tied
    assert comparison.tied_with_best == ("words", "twin")
    assert comparison.choice == "twin"
    assert comparison.verdict.startswith("words and twin are tied on 4 rows: no test tells their accuracy apart; take ")
    settings = {one.name: one.values for one in comparison.settings}
    assert settings["lr"] == ("auto", "0.5")
    assert settings["precision"] == ("fp32", "bf16")
    assert "data" not in settings

    monkeypatch.setattr(hooks, "load_predictor", None)  # what they answered is kept
    assert zoo.compare("words", "twin", device="cpu") == comparison


def test_rows_that_a_model_has_learnt_from_are_told(rivals: tuple[str, str], finished_run: Path) -> None:
    comparison = zoo.compare(*rivals, data=finished_run.parent.parent / "rows.csv", device="cpu")

    assert comparison.models[0].trained_on == 36
    assert "36 of 40 rows are among those that words has learnt from: its figures are flattered" in comparison.notes


def test_runs_that_were_judged_on_other_rows_are_compared_as_recorded(
    words: str, store: Path, finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder(copied(store, words, "other"))
    learnt = folder.trained_on_path.read_bytes()
    folder.trained_on_path.write_bytes(learnt[8:])  # one row more was held out

    comparison = zoo.compare("words", "other")
    assert comparison.untested == "words was judged on 4 rows and other on 5, of which 4 are the same"
    assert comparison.pairs == ()
    assert comparison.models[1].metrics["accuracy"].low is None

    data = finished_run.parent.parent / "rows.csv"
    assert main(["compare", "words", "other"]) == ExitCode.OK
    out, err = capsys.readouterr()
    assert out.startswith("no test is possible: words was judged on 4 rows and other on 5, of which 4 are the same\n")
    assert f"4 rows held out of {data}" in out
    assert "rows that all answer make a test possible: --data FILE" in err


def test_runs_without_a_model_are_compared_as_recorded(words: str, store: Path) -> None:
    folder = RunFolder(copied(store, words, "gone-wrong"))
    folder.events_path.write_bytes(b"")
    log.append(folder, RunLaunched(at=100.0))
    log.append(folder, RunStarted(at=101.0, pid=1, device="cpu", precision="fp32"))
    step = StepCompleted(
        at=103.0, step=3, steps=9, epoch=0.1, loss=2.0, lr=0.1, grad_norm=1.0, samples_per_s=1.0, memory_bytes=5_000_000
    )
    log.append(folder, step)
    log.append(folder, EvaluationCompleted(at=104.0, step=3, metrics={"accuracy": 0.5}, rows=4))
    log.append(folder, RunFailed(at=111.0, kind="RunFailed", message="no"))

    comparison = zoo.compare("words", "gone-wrong")

    assert comparison.untested == "gone-wrong has failed, and has no model"
    model = comparison.models[1]
    assert (model.status, model.metrics["accuracy"].value) == ("failed", 0.5)
    assert (model.cost.steps, model.cost.seconds, model.cost.memory_bytes) == (3, 10.0, 5_000_000)
    with pytest.raises(zoo.Unsupported, match="gone-wrong has failed, and has no model"):
        zoo.compare("words", "gone-wrong", data=folder.request.data.path)


def test_several_pairs_are_corrected_for_their_number(rivals: tuple[str, str], store: Path, tmp_path: Path) -> None:
    copied(store, "words", "blind", {"negative": {"x": 1}, "positive": {"x": 1}})

    comparison = zoo.compare(*rivals, "blind", data=labelled(tmp_path / "test.csv", 40), device="cpu")

    assert [(pair.first, pair.second) for pair in comparison.pairs] == [
        ("words", "half"),
        ("words", "blind"),
        ("half", "blind"),
    ]
    smallest = min(pair.p or 0 for pair in comparison.pairs)
    assert min(pair.corrected or 0 for pair in comparison.pairs) == pytest.approx(3 * smallest)


def test_another_metric_is_tested_by_drawing_rows(rivals: tuple[str, str], tmp_path: Path) -> None:
    data = labelled(tmp_path / "test.csv", 80)

    comparison = zoo.compare(*rivals, data=data, metric="macro_f1", device="cpu")

    assert comparison.metric == "macro_f1"
    assert comparison.pairs[0].test == "paired bootstrap"
    assert comparison.notes == ()
    assert not comparison.pairs[0].tied
    assert next(iter(comparison.models[0].metrics)) == "macro_f1"
    few = zoo.compare(*rivals, data=labelled(tmp_path / "few.csv", 30), metric="macro_f1", device="cpu")
    assert few.notes == ("a bootstrap of 30 rows is surer than it should be: give 50 or more",)
    interval = comparison.models[1].metrics["macro_f1"]
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low < interval.value < interval.high


def test_models_that_were_trained_on_different_columns_are_not_judged_by_them(
    rivals: tuple[str, str], store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, column in zip(rivals, ("mood", "topic"), strict=True):
        edit(store / "runs" / name / "model" / "zoo.json", columns={"input": "text", "label": column})
    data = tmp_path / "both.csv"
    data.write_text("text,mood,topic\ngood a,positive,negative\nbad b,negative,negative\ngood c,positive,positive\n")

    assert main(["compare", *rivals, "--data", str(data), "--device", "cpu"]) == ExitCode.USAGE
    error, hint = capsys.readouterr().err.splitlines()[-2:]
    assert error.endswith("the targets of words and half are not the same: they differ on 1 of 3 rows")
    assert hint == "hint: --label COLUMN says which column all are to be judged by"
    assert zoo.compare(*rivals, data=data, label="mood", device="cpu").rows == 3


def test_answers_that_cannot_be_kept_count_all_the_same(
    rivals: tuple[str, str], store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = labelled(tmp_path / "test.csv", 40)
    before = zoo.compare(*rivals, data=data, device="cpu")
    folder = store / "cache" / "teachers"
    shutil.rmtree(folder)
    folder.write_text("in the way")

    assert zoo.compare(*rivals, data=data, device="cpu") == before


def test_data_that_python_holds_are_compared_on(rivals: tuple[str, str]) -> None:
    rows = [{"text": f"good {i}", "label": "positive"} for i in range(9)] + [{"text": "fine", "label": "positive"}]

    comparison = zoo.compare(*rivals, data=rows, device="cpu")

    assert (comparison.rows, comparison.data) == (10, "the data given")
    assert [row.row for row in comparison.differing] == [10]


def test_the_command_shows_all_and_writes_the_rows(
    rivals: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, file = labelled(tmp_path / "test.csv"), tmp_path / "apart.csv"

    assert main(["compare", *rivals, "--data", str(data), "--differences", str(file), "--device", "cpu"]) == ExitCode.OK
    out, err = capsys.readouterr()
    assert out.startswith("words is better than half by accuracy on 120 rows\n")
    for title in ("Figures on 120 rows of", "Tests on the same rows", "rows not answered alike", "Cost"):
        assert title in out
    assert f"{file} has all rows that are not answered alike" in err
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert rows[0].keys() == {"row", "input", "target", "words", "half", "accuracy of words", "accuracy of half"}
    assert all(row["words"] == row["target"] != row["half"] for row in rows)

    lines_file = tmp_path / "apart.jsonl"
    words = ["compare", *rivals, "--data", str(data), "--differences", str(lines_file), "--device", "cpu", "--json"]
    assert main(words) == ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    assert (document["best"], document["choice"], document["pairs"][0]["tied"]) == ("words", "words", False)
    assert len(document["differing"]) == len(lines_file.read_text().splitlines()) == len(rows)
    assert json.loads(lines_file.read_text().splitlines()[0])["accuracy"] == {"words": 1.0, "half": 0.0}


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (["words"], "1 name given, and a comparison is of two or more", ExitCode.USAGE),
        (["words", "words"], "words is named twice", ExitCode.USAGE),
        (["words", "hlaf"], "there is no run and no model 'hlaf'", ExitCode.USAGE),
        (["words", "half", "--metric", "acuracy"], "--metric is 'acuracy'", ExitCode.USAGE),
        (["words", "half", "--data", "nowhere.csv"], "nowhere.csv", ExitCode.DATA),
        (["words", "half", "--label", "x"], "go with --data", ExitCode.USAGE),
        (["words", "half", "--differences", "rows.pdf"], "--differences", ExitCode.USAGE),
        (["words", "echo", "--data", "DATA"], "echo", ExitCode.USAGE),
        (
            ["words", "echo", "--differences", "new.csv"],
            "has no rows to write: echo comes with a plugin",
            ExitCode.USAGE,
        ),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_line(
    arguments: list[str],
    said: str,
    code: ExitCode,
    rivals: tuple[str, str],
    finished_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    data = str(finished_run.parent.parent / "rows.csv")
    assert main(["compare", *(data if word == "DATA" else word for word in arguments)]) == code
    err = capsys.readouterr().err
    assert said in err
    assert "hint: " in err


def test_a_judged_run_stands_for_its_model(rivals: tuple[str, str], store: Path, tmp_path: Path) -> None:
    data = labelled(tmp_path / "test.csv")
    sha256 = hashlib.sha256(data.read_bytes()).hexdigest()
    for name in rivals:
        folder = copied(store, name, f"{name}-judged")
        shutil.rmtree(folder / "model")
        request = {"verb": "evaluate", "model": f"echo/{name}", "options": {}, "changed_options": {}}
        edit(folder / "run.json", data={"path": str(data), "sha256": sha256}, **request)

    comparison: Comparison = zoo.compare("words-judged", "half-judged", device="cpu")
    assert (comparison.rows, comparison.best) == (120, "words-judged")

    fixed = tmp_path / "fixed.csv"  # the same texts, another label in the last row
    body, last = data.read_text().rstrip().rsplit(",", 1)
    fixed.write_text(f"{body},{'negative' if last == 'positive' else 'positive'}\n")
    sha256 = hashlib.sha256(fixed.read_bytes()).hexdigest()
    edit(store / "runs" / "half-judged" / "run.json", data={"path": str(fixed), "sha256": sha256})
    apart = zoo.compare("words-judged", "half-judged").untested
    assert apart == "the targets of words-judged and half-judged are not the same: they differ on 1 of 120 rows"

    data.write_text("text,label\nelse,positive\nother,negative\n")
    again = zoo.compare("words-judged", "half-judged")
    assert again.untested == f"{data} has changed since words-judged was judged on it"
    data.unlink()
    assert zoo.compare("words-judged", "half-judged").untested.startswith("the rows of words-judged are gone")


def test_probabilities_are_compared_as_they_were_calibrated_since(rivals: tuple[str, str], tmp_path: Path) -> None:
    data = labelled(tmp_path / "test.csv", 60)
    before = zoo.compare(*rivals, data=data, metric="ece", device="cpu")
    card = Catalog.load().resolve("words")
    assert card.weights is not None
    calibration = Calibration(
        temperature=20.0,
        fitted_rows=20,
        chances=(0.5,),
        ece_before=0.1,
        ece_after=0.1,
        data="held-out.csv",
        sha256="",
        weights=card.weights.digest,
        created_at=1.0,
    )
    write_calibration(card, calibration)
    after = zoo.compare(*rivals, data=data, metric="ece", device="cpu")

    (words, half), (calibrated, other) = before.models, after.models
    assert words.metrics["ece"].value < calibrated.metrics["ece"].value
    assert words.metrics["accuracy"] == calibrated.metrics["accuracy"]
    assert half.metrics == other.metrics
