"""Batch prediction: every row answered once, in order, however often the job is killed."""

from __future__ import annotations

import csv
import io
import itertools
import json
from pathlib import Path
from typing import Any

import psutil
import pytest

import zoo
from tests.echo_runs import until, wait_quietly
from zoo.answers.answer import RecordCount
from zoo.runs import liveness
from zoo.runs.answer_files import AnswerColumns, AnswerRecord, Delimited, JsonLines
from zoo.runs.events import PredictionsWritten


def predict(model: str, data: Path, out: Any, keep: str | list[str] = "") -> zoo.Run:
    return zoo.predict_file(model, data, out, keep=keep, device="cpu", precision="fp32")


@pytest.mark.slow
def test_rows_are_answered_in_order_and_bad_ones_rejected_in_place(words: str, tmp_path: Path) -> None:
    data, out = tmp_path / "in.csv", tmp_path / "out.jsonl"
    data.write_text('text,other\n"so good",1\n,2\n"bad, bad",3\n')
    run = predict(words, data, out).wait(progress=False)
    answers = [json.loads(line) for line in out.read_text().splitlines()]

    assert [answer["row"] for answer in answers] == [1, 2, 3]
    assert [answer["prediction"]["type"] for answer in answers] == ["classification", "rejected", "classification"]
    assert answers[0]["prediction"]["scores"][0]["label"] == "positive"
    assert answers[2]["input"] == "bad, bad"
    assert run.metrics == {"rows": 3.0, "rejected": 1.0}


TEXTS = ("  good\nfine", 'so "good",\r\n', "bad\rbad", "\tgood; bad ", "'good'", "")


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "dialect"), [("csv", csv.excel), ("tsv", csv.excel_tab)])
def test_a_table_of_answers_has_the_texts_as_they_are(
    words: str, tmp_path: Path, suffix: str, dialect: type[csv.Dialect]
) -> None:
    data, out = tmp_path / "in.jsonl", tmp_path / f"out.{suffix}"
    data.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    run = predict(words, data, out).wait(progress=False)
    with out.open(newline="") as file:
        header, *answers = csv.reader(file, dialect)

    assert header == ["row", "input", "prediction", "probability", "rejected"]
    assert [answer[1] for answer in answers] == list(TEXTS)
    assert [answers[0][2], answers[2][2]] == ["positive", "negative"]
    assert [answer[4] for answer in answers] == [""] * 5 + ["column text is empty"]
    assert run.metrics == {"rows": 6.0, "rejected": 1.0}
    assert run.snapshot.rejected_rows == 1


@pytest.mark.slow
def test_columns_of_the_data_are_carried_along(words: str, tmp_path: Path) -> None:
    data = tmp_path / "in.csv"
    data.write_text('id,text,row,prediction\n007,good,x,"a\nb"\n008,,y,\n009,bad,z\n')
    two_columns, all_columns = tmp_path / "chosen.csv", tmp_path / "everything.jsonl"
    run = predict(words, data, two_columns, keep="prediction, ID").wait(progress=False)
    predict(words, data, all_columns, keep=["all"]).wait(progress=False)
    with two_columns.open(newline="") as file:
        table = list(csv.reader(file))
    lines = [json.loads(line) for line in all_columns.read_text().splitlines()]

    assert table[0] == ["row", "id", "input_prediction", "input", "prediction", "probability", "rejected"]
    assert [row[:5] for row in table[1:]] == [
        ["1", "007", "a\nb", "good", "positive"],
        ["2", "008", "", "", ""],
        ["3", "", "", "", ""],
    ]
    assert [list(line) for line in lines] == [["row", "id", "text", "input_row", "input_prediction", "prediction"]] * 3
    assert [line["id"] for line in lines] == ["007", "008", None]
    assert run.snapshot.notes == (
        "column 'prediction' of the data is called 'input_prediction' in the answers, which have a column 'prediction' "
        "of their own",
    )


@pytest.mark.slow
def test_cells_of_any_type_are_carried_along(words: str, tmp_path: Path) -> None:
    row = {"text": "good", "id": 12345678901234567890, "tags": ["a", "ä"], "open": True, "price": 1.5, "none": None}
    data, table, lines = tmp_path / "in.jsonl", tmp_path / "out.csv", tmp_path / "out.ndjson"
    data.write_text(json.dumps(row) + "\n")
    for out in (table, lines):
        predict(words, data, out, keep="all").wait(progress=False)

    (answer,) = csv.DictReader(table.read_text().splitlines())
    columns = {"text": "good", "id": "12345678901234567890", "tags": '["a","ä"]', "open": "true", "price": "1.5"}
    assert answer | columns | {"none": ""} == answer
    assert json.loads(lines.read_text()) | row == json.loads(lines.read_text())


@pytest.mark.parametrize(
    ("out", "keep", "error", "message"),
    [
        ("out.xlsx", "", zoo.OptionInvalid, r"out.xlsx ends in .xlsx, and answers are written as .csv, .tsv, .jsonl"),
        ("out.json", "", zoo.OptionInvalid, "ends in .json"),
        ("out.parquet", "", zoo.OptionInvalid, "ends in .parquet"),
        ("out", "", zoo.OptionInvalid, "has no extension"),
        (None, "", zoo.OptionInvalid, "--out is a NoneType, but takes the path of a new file"),
        ("out.csv", 3, zoo.OptionInvalid, "--keep is 3, but takes names of columns, or all"),
        ("out.csv", [3], zoo.OptionInvalid, r"--keep is \[3\], but takes names of columns, or all"),
        ("out.csv", "nr", zoo.DatasetInvalid, "has no column nr for --keep; columns found: id, text, id"),
        ("out.csv", "all", zoo.DatasetInvalid, "has 2 columns called id"),
    ],
)
def test_what_cannot_be_written_is_refused_before_a_run_exists(
    words: str, tmp_path: Path, out: str | None, keep: Any, error: type[Exception], message: str
) -> None:
    data = tmp_path / "in.csv"
    data.write_text("id,text,id\n1,good,2\n")
    with pytest.raises(error, match=message):
        predict(words, data, out and tmp_path / out, keep=keep)

    assert [run.name for run in zoo.list_runs()] == ["words"]


@pytest.mark.parametrize("answer_format", [Delimited(AnswerColumns(), ","), JsonLines(AnswerColumns())])
def test_whole_records_are_counted_wherever_a_file_ends(answer_format: Delimited | JsonLines) -> None:
    answers = [zoo.Classification((zoo.Score("a,\n", 1.0),)), zoo.Rejected('it is ""\n'), zoo.Rejected("empty,")]
    records = [AnswerRecord(row, text, answers[row % 3]) for row, text in enumerate(TEXTS)]
    parts = [answer_format.header(), *map(answer_format.encode, records)]
    ends = list(itertools.accumulate(map(len, parts)))
    rejected = list(itertools.accumulate((isinstance(one.answer, zoo.Rejected) for one in records), initial=0))
    for cut in range(ends[-1] + 1):
        whole = sum(end <= cut for end in ends) - 1
        expected = RecordCount(whole, rejected[whole], ends[whole]) if whole >= 0 else RecordCount()

        assert answer_format.count(io.BytesIO(b"".join(parts)[:cut])) == expected, cut


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "half"), [("jsonl", b'{"row": 300'), ("csv", b'300,"half a\nre')])
def test_a_killed_job_goes_on_where_it_was(words: str, tmp_path: Path, suffix: str, half: bytes) -> None:
    rows, data = 30_000, tmp_path / "in.csv"
    data.write_text("text\n" + "".join(f'"good\n{i}"\n' for i in range(rows)))
    whole, out = tmp_path / f"whole.{suffix}", tmp_path / f"parts.{suffix}"
    predict(words, data, whole).wait(progress=False)
    run = predict(words, data, out)
    until(lambda: any(isinstance(event, PredictionsWritten) and event.rows for event in run.events()))
    worker = liveness.recorded(run.folder)
    assert worker is not None
    if worker.is_there():
        psutil.Process(worker.pid).kill()
    wait_quietly(run)
    if run.status == "crashed":  # a fast machine may have been done by then
        with out.open("ab") as file:
            file.write(half)
        run.resume().wait(progress=False)

    assert out.read_bytes() == whole.read_bytes()


def test_an_output_that_exists_is_not_touched(words: str, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("precious")
    with pytest.raises(zoo.OptionInvalid, match="exists already"):
        predict(words, rows, out)
    with pytest.raises(zoo.OptionInvalid, match="there is no folder"):
        predict(words, rows, tmp_path / "nowhere" / "out.jsonl")

    assert out.read_text() == "precious"


@pytest.mark.slow
def test_an_evaluation_judges_by_the_model_s_labels(words: str, tmp_path: Path) -> None:
    data = tmp_path / "held-out.csv"
    data.write_text("review,target\nso good,positive\nfine,positive\nbad,negative\ngood,negative\n")
    run = zoo.evaluate(words, data, device="cpu", precision="fp32").wait(progress=False)

    assert run.metrics["accuracy"] == 0.75
    assert [block.counts for block in run.report if isinstance(block, zoo.Matrix)] == [((1, 1), (0, 2))]
    assert run.snapshot.labels == ("negative", "positive")


def test_an_evaluation_refuses_labels_the_model_does_not_know(words: str, tmp_path: Path) -> None:
    data = tmp_path / "other.csv"
    data.write_text("text,label\ngood,positive\nmeh,neutral\n")
    with pytest.raises(zoo.DatasetInvalid, match="neutral"):
        zoo.evaluate(words, data, device="cpu", precision="fp32")


@pytest.mark.slow
def test_a_killed_job_does_not_go_on_with_other_data(words: str, tmp_path: Path) -> None:
    data, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    data.write_text("".join(f"good {i}\n" for i in range(30_000)))
    run = predict(words, data, out)
    until(lambda: any(isinstance(event, PredictionsWritten) and event.rows for event in run.events()))
    run.stop(force=True)
    if run.status == "finished":
        pytest.skip("this machine was done before it could be stopped")
    data.write_text("bad\n")
    wait_quietly(run.resume())

    assert run.snapshot.error_kind == "DatasetInvalid"
    assert "has changed since the run was asked for" in run.snapshot.error


@pytest.mark.slow
def test_rows_that_an_evaluation_cannot_use_are_quarantined(words: str, tmp_path: Path) -> None:
    data = tmp_path / "held-out.csv"
    data.write_text("text,label\ngood,positive\n,positive\nbad,negative\n")
    run = zoo.evaluate(words, data, device="cpu", precision="fp32").wait(progress=False)

    assert [json.loads(line)["row"] for line in run.folder.quarantine_path.read_text().splitlines()] == [2]
    assert run.snapshot.rejected_rows == 1
