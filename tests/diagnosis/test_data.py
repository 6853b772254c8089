"""What is wrong with the data of a run is named, with its evidence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.diagnosis.records import LABELS, Recorder, falling, the_only, values, word, written
from zoo.diagnosis import diagnose
from zoo.diagnosis.record import Record
from zoo.runs import log
from zoo.runs.events import (
    DataLoaded,
    EvaluationCompleted,
    RunFailed,
    RunFinished,
)


def test_one_class(recorder: Recorder, tmp_path: Path) -> None:
    rows = [(f"it was {i}", "negative" if i == 7 else "positive") for i in range(100)]
    path = written(tmp_path / "one.csv", rows)
    folder = recorder.run(losses=falling(), counts=[[0, 1], [0, 49]], path=str(path))

    finding = the_only(folder)
    assert (finding.rule, finding.what) == ("one-class", "nearly all rows have the same label")
    assert values(finding)["labels"] == "positive 99, negative 1"
    assert any("--class-weights auto" in one.command for one in finding.remedies)
    request = json.loads(folder.request_path.read_text())
    folder.request_path.write_text(json.dumps(request | {"verb": "sweep"}))
    log.append(folder, RunFailed(kind="DatasetInvalid", message="the rows have one class only", hint=""))
    assert all(" --" not in one.command for one in diagnose(folder).findings[0].remedies if " sweep " in one.command)


def test_rows_on_both_sides(recorder: Recorder, data: Path, tmp_path: Path) -> None:
    held_out = tmp_path / "eval.csv"
    held_out.write_text("\n".join(data.read_text().splitlines()[:41]) + "\n")
    folder = recorder.run(losses=falling(), counts=[[20, 0], [0, 20]], eval_path=str(held_out))

    finding = the_only(folder)
    assert finding.rule == "leak"
    assert values(finding)["rows on both sides"] == "40 of 40 evaluated on"


def test_inputs_that_hold_their_label(recorder: Recorder, tmp_path: Path) -> None:
    path = written(tmp_path / "told.csv", [(f"{label}: it was {i}", label) for i in range(60) for label in LABELS])
    folder = recorder.run(losses=falling(), counts=[[20, 0], [0, 20]], path=str(path))

    finding = the_only(folder)
    assert finding.rule == "leak"
    assert values(finding)["inputs that hold their label"] == "100%"


def test_a_perfect_figure_at_once_on_many_rows(recorder: Recorder) -> None:
    loaded = DataLoaded(train_rows=900, eval_rows=400)
    first = EvaluationCompleted(step=10, metrics={"accuracy": 1.0}, rows=400)
    folder = recorder.run(loaded, first, losses=falling(), counts=[[200, 0], [0, 200]])

    finding = the_only(folder)
    assert finding.rule == "leak"
    assert values(finding)["at step"] == "10, the first evaluation"


def test_inputs_that_were_cut(recorder: Recorder, tmp_path: Path) -> None:
    long = " ".join(f"word{i}" for i in range(40))
    path = written(tmp_path / "long.csv", [(f"{long} {word(label)}", label) for _ in range(60) for label in LABELS])
    folder = recorder.run(losses=falling(), options={"max_tokens": 8}, counts=[[30, 20], [20, 30]], path=str(path))

    finding = the_only(folder)
    assert finding.rule == "inputs-cut"
    assert finding.what.startswith("inputs were cut after 8 tokens")
    assert "--max-tokens 41" in finding.remedies[0].command


def test_inputs_that_were_cut_explain_more_than_a_rate_that_is_merely_high(recorder: Recorder, tmp_path: Path) -> None:
    long = " ".join(f"word{i}" for i in range(40))
    path = written(tmp_path / "long.csv", [(f"{long} {word(label)}", label) for _ in range(60) for label in LABELS])
    cut = {"max_tokens": 8, "lr": 1e-3}
    folder = recorder.run(losses=falling(), options=cut, counts=[[26, 24], [27, 23]], path=str(path))
    assert the_only(folder).rule == "inputs-cut"

    shutil.rmtree(folder.path)
    folder = recorder.run(losses=[0.7, 9.0, *[0.8] * 30], options=cut, counts=[[26, 24], [27, 23]], path=str(path))
    assert the_only(folder).rule == "learning-rate"  # of which a loss that rose is evidence of its own


def test_a_label_column_that_holds_no_labels(recorder: Recorder, tmp_path: Path) -> None:
    rows = [(f"it was good {i}", f"user-{i}", ("yes", "no")[i % 2]) for i in range(80)]
    path = written(tmp_path / "ids.csv", rows, "text,user,liked")
    folder = recorder.run(losses=falling(), path=str(path), columns={"label": "user"}, counts=[[1, 30], [30, 1]])

    finding = the_only(folder)
    assert (finding.rule, finding.what) == (
        "wrong-column",
        "column user holds hardly a label twice, so that rows have nothing in common",
    )
    assert finding.remedies[0].command.endswith("--label liked")


def test_an_input_column_that_holds_no_texts(recorder: Recorder, tmp_path: Path) -> None:
    rows = [(f"u{i}", f"it was {word(label)} on day {i}", label) for i in range(40) for label in LABELS]
    path = written(tmp_path / "ids.csv", rows, "text,comment,label")
    folder = recorder.run(losses=falling(), path=str(path), counts=[[25, 25], [25, 25]])

    finding = the_only(folder)
    assert (finding.rule, finding.what) == (
        "wrong-column",
        "column text was read as the input, and column comment looks like it",
    )
    assert finding.remedies[0].command.endswith("--input comment")


def test_a_short_input_beside_a_long_one_where_nothing_was_learnt(recorder: Recorder, tmp_path: Path) -> None:
    rows = [
        (f"it was {word(label)} on the day {i}", f"Ann Stone {i % 7}", label) for i in range(40) for label in LABELS
    ]
    path = str(written(tmp_path / "authors.csv", rows, "comment,author,label"))
    folder = recorder.run(losses=falling(), path=path, columns={"input": "author"}, counts=[[25, 25], [25, 25]])
    assert the_only(folder).remedies[0].command.endswith("--input comment")

    shutil.rmtree(folder.path)
    learnt = recorder.run(losses=falling(), path=path, columns={"input": "author"}, counts=[[48, 2], [2, 48]])
    assert diagnose(learnt).findings == ()


def test_a_target_that_numbers_the_rows(recorder: Recorder, tmp_path: Path) -> None:
    rows = [(str(i), f"a flat of {i % 7} rooms", str(100 + i % 7)) for i in range(60)]
    path = str(written(tmp_path / "flats.csv", rows, "id,text,price"))
    figures = RunFinished(metrics={"rmse": 17.0, "r2": -0.1}, step=40, best_step=40)
    folder = recorder.run(figures, losses=falling(), task="text-regression", path=path, columns={"label": "id"})

    finding = the_only(folder)
    assert (finding.rule, finding.what) == ("wrong-column", "column id numbers the rows, which says nothing of them")
    assert finding.remedies[0].command.endswith("--label price")


@pytest.mark.parametrize(
    ("spoil", "r2", "rule"),
    [
        (lambda i, price: price * 1000 if i == 33 else price, -28.5, "far-numbers"),
        (lambda i, price: price if i == 33 else 300, -0.1, "one-class"),
        (lambda i, price: price, 0.99, "leak"),
        (lambda i, price: price, -0.1, "nothing-learnt"),
    ],
)
def test_numbers_that_are_spoilt(spoil: Any, r2: float, rule: str, recorder: Recorder, tmp_path: Path) -> None:
    prices = [100.5 + 3 * (i % 17) for i in range(80)]
    told = rule == "leak"
    rows = [(f"a flat{f' for {price}' if told else ''}", str(spoil(i, price))) for i, price in enumerate(prices)]
    path = str(written(tmp_path / "flats.csv", rows, "text,price"))
    figures = RunFinished(metrics={"rmse": 17.0, "r2": r2}, step=40, best_step=40)
    folder = recorder.run(figures, losses=falling(), task="text-regression", path=path, columns={"label": "price"})

    finding = the_only(folder)
    assert finding.rule == rule
    if rule == "far-numbers":
        assert values(finding)["the first"] == "148500 in row 34"


def test_one_number_far_away_is_left_alone_where_all_was_learnt(recorder: Recorder, tmp_path: Path) -> None:
    rows = [(f"a flat of {i % 17} rooms", str(5000 if i == 33 else 100 + 3 * (i % 17))) for i in range(80)]
    path = str(written(tmp_path / "flats.csv", rows, "text,price"))
    figures = RunFinished(metrics={"rmse": 1.0, "r2": 0.97}, step=40, best_step=40)
    folder = recorder.run(figures, losses=falling(), task="text-regression", path=path, columns={"label": "price"})
    assert diagnose(folder).findings == ()


@pytest.mark.parametrize(("f1", "rules"), [(0.68, ["nothing-learnt"]), (0.95, [])])
def test_sets_of_labels_that_say_nothing_of_their_rows(
    f1: float, rules: list[str], recorder: Recorder, tmp_path: Path
) -> None:
    rows = [(f"it was {i}", "food; rooms" if i % 2 else "food; staff") for i in range(80)]
    path = str(written(tmp_path / "topics.csv", rows))
    loaded = DataLoaded(train_rows=60, eval_rows=60, labels=("food", "rooms", "staff"))
    figures = RunFinished(metrics={"micro_f1": f1, "macro_f1": f1}, step=40, best_step=40)
    task = "text-multi-label-classification"
    folder = recorder.run(loaded, figures, losses=falling(), task=task, path=path)
    assert [one.rule for one in diagnose(folder).findings] == rules


def test_parts_of_rows_may_all_have_the_same_label(recorder: Recorder, tmp_path: Path) -> None:
    path = tmp_path / "names.conll"
    path.write_text("".join(f"Ann\tB-name\ncame\tO\nat\tO\n{i}\tO\n\n" for i in range(40)))
    figures = RunFinished(metrics={"span_f1": 0.9}, step=40, best_step=40)
    folder = recorder.run(figures, losses=falling(), task="token-classification", path=str(path))
    assert diagnose(folder).findings == ()


def test_paths_of_files_give_no_label_away(recorder: Recorder, tmp_path: Path) -> None:
    pictures = pytest.importorskip("PIL.Image")
    for label in LABELS:
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for i in range(20):
            pictures.new("L", (8, 8), i).save(tmp_path / "pictures" / label / f"{i}.png")
    folder = recorder.run(
        losses=falling(), task="image-classification", path=str(tmp_path / "pictures"), counts=[[20, 0], [0, 20]]
    )
    assert "leak" not in [one.rule for one in diagnose(folder).findings]


def test_files_that_cells_hold_themselves_are_not_read_as_text(recorder: Recorder, tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = [{"text": f"good {i}", "label": "positive", "picture": {"bytes": b"\x89PNG a b c" * 9}} for i in range(9)]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "rows.parquet")

    record = Record(recorder.run(losses=falling(), path=str(tmp_path / "rows.parquet")))
    assert set(record.columns) == {"text", "label"}
