"""The commands that make, watch and end runs, as a person types them: real processes, exit codes, both streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from tests.commands import zoo as type_in
from tests.echo_runs import held_after, until
from tests.processes import popen
from zoo.cli import main

HERE = ("--device", "cpu", "--precision", "fp32")


@pytest.mark.slow
def test_finetune_tells_the_story_and_answers_with_the_figures(echo: None, rows: Path) -> None:
    done = type_in("finetune", "echo", "--data", str(rows), "--name", "words", *HERE)

    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "accuracy 1.0000  macro_f1 1.0000  loss 0.0055"
    for phrase in (
        "device: cpu, fp32",
        "36 rows to train on, 4 held out; input from column 'text', label from column 'label'",
        "labels: negative, positive",
        "plan: 36 steps of 1",
        "model: words",
        "zoo predict words",
    ):
        assert phrase in done.stderr
    assert "parameters" not in done.stderr, "counting learns none, and has no learning rate"
    assert "learning rate" not in done.stderr
    assert "torch" not in done.stderr


@pytest.mark.slow
def test_options_that_do_not_go_together_leave_no_run(echo: None, rows: Path, store: Path) -> None:
    done = type_in(
        "finetune", "echo", "--data", str(rows), "--batch-size", "4", "--micro-batch-size", "8", *HERE
    )  # fmt: skip

    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "error: --micro-batch-size is 8, more than a batch of 4 holds"
    assert zoo.list_runs() == ()


@pytest.mark.slow
def test_quiet_and_json(echo: None, rows: Path) -> None:
    done = type_in("finetune", "echo", "--data", str(rows), "-q", "--json", *HERE)
    document = json.loads(done.stdout)

    assert done.stderr == ""
    assert document["run"] == "echo-finetune-1"
    assert document["snapshot"]["metrics"]["accuracy"] == 1.0


@pytest.mark.slow
def test_a_dry_run_says_what_would_be_done(echo: None, rows: Path, store: Path) -> None:
    done = type_in("finetune", "echo", "--data", str(rows), "--dry-run", *HERE)

    assert done.returncode == 0
    for phrase in (
        "starts           from scratch, with random numbers",
        "training rows",
        "36 of 1 row, 1 epoch",
        "would write to",
        str(store),
    ):
        assert phrase in done.stdout
    assert list((store / "runs").iterdir()) == []


@pytest.mark.slow
def test_detach_ps_attach_stop_resume_logs_rm(echo: None, rows: Path) -> None:
    """The life of a run, each command on its own; the worker that goes on keeps no pipe of the first one open."""
    command = [sys.executable, "-m", "zoo", "finetune", "echo", "--data", str(rows), "--name", "slow"]
    with held_after(2) as held:
        detached = subprocess.run(
            [*command, "--detach", *HERE], capture_output=True, text=True, timeout=60, check=False
        )
        assert (detached.returncode, detached.stdout) == (0, "slow\n")
        until(held.exists)
        (live,) = json.loads(type_in("ps", "--json").stdout)
        assert (live["run"], live["status"], live["steps"]) == ("slow", "running", 36)

        refused = type_in("rm", "slow", "-y")
        assert (refused.returncode, "still going" in refused.stderr) == (2, True)
        stopped = type_in("stop", "slow")
        assert (stopped.returncode, stopped.stdout) == (0, "slow: asked\n")
    assert json.loads(type_in("ps", "--json").stdout) == []
    assert json.loads(type_in("runs", "--json").stdout)[0]["status"] == "cancelled"
    assert type_in("attach", "slow").returncode == 130

    resumed = type_in("resume", "slow")
    assert (resumed.returncode, "accuracy 1.0000" in resumed.stdout) == (0, True)
    assert type_in("attach", "slow").returncode == 0
    assert type_in("resume", "slow").returncode == 2
    assert type_in("logs", "slow").returncode == 0

    assert type_in("rm", "slow").returncode == 2
    by_its_beginning = type_in("rm", "slo", "-y")
    assert (by_its_beginning.returncode, "whole name" in by_its_beginning.stderr) == (2, True)
    assert type_in("rm", "slow", "-y").stdout.startswith("deleted 1, freed ")
    assert type_in("attach", "slow").returncode == 2


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a console, not to a process")
def test_ctrl_c_asks_the_run_to_stop(echo: None, rows: Path) -> None:
    command = [sys.executable, "-m", "zoo", "finetune", "echo", "--data", str(rows), "--name", "slow"]
    with held_after(2) as held:
        process = popen([*command, *HERE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(held.exists)
        os.kill(process.pid, signal.SIGINT)
        out, talk = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "writing a checkpoint first" in talk
    assert "zoo resume slow" in talk
    assert out == ""
    assert zoo.open_run("slow").status == "cancelled"


@pytest.mark.slow
def test_rejected_rows_show_in_every_view(echo: None, tmp_path: Path) -> None:
    data = tmp_path / "some-bad.csv"
    data.write_text("text,label\n" + "good,positive\nbad,negative\n" * 10 + "no label,\n")
    done = type_in("finetune", "echo", "--data", str(data), "--name", "mended", *HERE)

    assert "1 row rejected, first" in done.stderr
    assert "row 21" in done.stderr
    assert "finished, 1 row rejected" in type_in("runs").stdout
    assert json.loads(type_in("runs", "--json").stdout)[0]["rejected_rows"] == 1
    assert zoo.open_run("mended").snapshot.rejected_rows == 1


@pytest.mark.slow
def test_a_failed_run_is_one_clear_error(echo: None, rows: Path) -> None:
    done = type_in("finetune", "echo", "--data", str(rows), "--fail-at", "2", *HERE)

    assert done.returncode == 1
    assert "error: run echo-finetune-1: ValueError: told to fail at step 2" in done.stderr
    assert "hint: zoo logs echo-finetune-1" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in type_in("logs", "echo-finetune-1").stdout


def test_each_kind_of_error_has_its_exit_code(
    echo: None, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one_class = tmp_path / "one.csv"
    one_class.write_text("text,label\na,x\nb,x\n")
    cases = {
        ("finetune", "nobody", "--data", str(rows)): (2, "there is no model 'nobody'"),
        ("finetune", "echo", "--data", "missing.csv"): (4, "there is no file"),
        ("finetune", "echo", "--data", str(one_class)): (4, "one.csv"),
        ("finetune", "echo", "--data", str(rows), "--lr", "fast"): (2, "--lr is 'fast'"),
        ("finetune", "echo", "--data", str(rows), "--typo", "1"): (2, "--typo"),
        ("finetune", "echo"): (2, "--data"),
        ("pretrain", "echo", "--data", str(rows)): (2, "echo cannot pretrain"),
        ("predict", "echo", "text"): (2, "zoo finetune echo"),
        ("evaluate", "echo", "--data", str(rows)): (2, "zoo finetune echo"),
        ("attach", "nothing"): (2, "there is no run 'nothing'"),
        ("finetune", "echo", "--data", str(rows), "--device", "gpu"): (2, "--device is 'gpu'"),
    }
    for words, (code, message) in cases.items():
        assert main(list(words)) == code, words
        captured = capsys.readouterr()
        assert captured.out == "", words
        assert message in captured.err, words
        assert "Traceback" not in captured.err, words


@pytest.mark.slow
def test_predict_texts_lines_and_files(words: str, tmp_path: Path) -> None:
    texts = type_in("predict", words, "so good", "so bad", *HERE)
    assert texts.stdout.splitlines()[0] == "so good"
    assert "positive" in texts.stdout.splitlines()[1]

    lines = type_in("predict", words, "--json", *HERE, stdin="bad\n\ngood\n")
    answers = [json.loads(line)["prediction"] for line in lines.stdout.splitlines()]
    assert [answer["type"] for answer in answers] == ["classification", "rejected", "classification"]

    data, out = tmp_path / "in.txt", tmp_path / "out.csv"
    data.write_text("good\nbad\n")
    streamed = type_in("predict", words, "--file", str(data), "--json", "-q", *HERE)
    assert [json.loads(line)["input"] for line in streamed.stdout.splitlines()] == ["good", "bad"]
    filed = type_in("predict", words, "--file", str(data), "--out", str(out), *HERE)
    assert filed.stdout == f"2 rows answered in {out}\n"
    assert len(out.read_text().splitlines()) == 3


@pytest.mark.slow
def test_answers_on_stdout_are_those_of_a_file(words: str, tmp_path: Path) -> None:
    data, out = tmp_path / "in.csv", tmp_path / "out.jsonl"
    data.write_text("id,text\n7,good\n8,\n")
    piped = type_in("predict", words, "--file", str(data), "--out", "-", "--keep", "id", *HERE)
    filed = type_in("predict", words, "--file", str(data), "--out", str(out), "--keep", "id", *HERE)
    described = type_in("predict", words, "--file", str(data), "--out", str(tmp_path / "2.tsv"), "--json", *HERE)

    assert piped.stdout == out.read_text()
    assert [json.loads(line)["id"] for line in piped.stdout.splitlines()] == ["7", "8"]
    assert filed.stdout == f"1 row answered, 1 rejected in {out}\n"
    assert json.loads(described.stdout) | {"rows": 2, "rejected": 1} == json.loads(described.stdout)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.tsv", "in.csv", "out.jsonl"]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (("good", "--keep", "id"), "--keep goes with --file and --out"),
        (("--file", "x.csv", "--keep", "id"), "--keep goes with --file and --out"),
        (("--file", "x.csv", "--detach"), "--detach goes with --out FILE"),
        (("--file", "x.csv", "--out", "-", "--name", "batch"), "--name goes with --out FILE"),
        (("good", "--out", "x.csv"), "--out goes with --file"),
    ],
)
def test_flags_that_mean_nothing_alone_are_refused(
    words: str, typed: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", words, *typed, *HERE]) == 2
    captured = capsys.readouterr()
    assert (captured.out, message in captured.err) == ("", True)


@pytest.mark.parametrize(
    "typed",
    [
        ("good", "--top-k", "0"),
        ("good", "--precision", "fp7"),
        ("good", "--device", "cuda:99"),
        ("good", "--keep-warm", "1", "--top-k", "0"),
    ],
)
def test_what_cannot_be_is_refused_before_the_model_is_loaded(
    words: str, typed: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", words, *typed]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")


@pytest.mark.slow
def test_evaluate_prints_a_table_of_classes(words: str, rows: Path) -> None:
    done = type_in("evaluate", words, "--data", str(rows), "--by", "label", *HERE)

    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("accuracy 1.0000 (0.9124 to 1.0000)  macro_f1 1.0000  ece 0.0")
    assert lines[1:3] == [
        "label     accuracy  95% from     to  rows",
        "negative     1.000     0.839  1.000    20",
    ]
    assert "class     precision  recall     f1  f1 low  f1 high  rows" in lines
    refused = type_in("evaluate", words, "--data", str(rows), "--by", "shop", *HERE)
    assert (4, "") == (refused.returncode, refused.stdout)
    assert "has no column shop that would tell rows apart; columns found: text, label" in refused.stderr


@pytest.mark.slow
def test_evaluate_writes_the_wrong_answers_where_it_is_told_to(words: str, tmp_path: Path) -> None:
    data, out = tmp_path / "data.csv", tmp_path / "wrong.csv"
    data.write_text("text,label\ngood,positive\nfine good,negative\n")
    done = type_in("evaluate", words, "--data", str(data), "--errors", str(out), *HERE)

    assert done.returncode == 0
    assert f"wrong: 1 row, the worst first, in {out}" in done.stderr
    assert [line.split(",")[:4] for line in out.read_text().splitlines()[1:]] == [
        ["2", "negative", "fine good", "positive"]
    ]


@pytest.mark.slow
def test_help_of_a_command_shows_the_options_of_the_model(echo: None) -> None:
    common, of_model = type_in("finetune", "--help"), type_in("finetune", "echo", "--help-all")

    assert "--epochs" in common.stdout
    assert "--pause-ms" not in common.stdout
    assert "--pause-ms" in of_model.stdout
    assert "Pause after each step. (ms; 0 <= pause_ms <= 60000; default: 0)" in " ".join(of_model.stdout.split())


@pytest.mark.slow
def test_control_sequences_in_labels_do_not_reach_the_terminal(echo: None, tmp_path: Path) -> None:
    data = tmp_path / "evil.csv"
    data.write_text("text,label\n" + "good,\x1b[31mred\nbad,plain\n" * 10)
    done = type_in("finetune", "echo", "--data", str(data), *HERE)

    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
