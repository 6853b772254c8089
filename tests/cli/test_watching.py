"""What watching a run tells, and how often: the log is that of a run that has ended, no worker is needed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import zoo
from tests import trainable_plugin
from tests.commands import zoo as type_in
from tests.echo_runs import held_after, until
from tests.plugin_factory import use_site, write_plugin
from tests.processes import popen
from zoo.cli import watching
from zoo.event_messages import EventMessages
from zoo.metrics import report_of_confusion
from zoo.runs import store
from zoo.runs.events import (
    AnyEvent,
    DataLoaded,
    Noted,
    PredictionsWritten,
    RunFinished,
    RunLaunched,
    RunPlanned,
    RunStarted,
    Warned,
)
from zoo.runs.log import append
from zoo.runs.request import DataRequest, RunRequest, RunVerb

pytestmark = pytest.mark.slow

HERE = ("--device", "cpu", "--precision", "fp32")


def ended_run(name: str, verb: RunVerb, *events: AnyEvent) -> zoo.Run:
    """A run whose worker has said all this and gone."""
    request = RunRequest(
        name=name,
        verb=verb,
        model="echo/echo",
        plugin="echo",
        task="text-classification",
        data=DataRequest(path="/data.csv"),
        out="/answers.jsonl" if verb == "predict" else "",
    )
    folder = store.create(request)
    for event in (RunLaunched(), RunStarted(pid=1, device="cpu", precision="fp32"), *events):
        append(folder, event)
    return zoo.open_run(name)


def test_quiet_keeps_warnings_and_leaves_notes_out() -> None:
    messages = (Noted(message="64 tokens are enough"), Warned(message="the loss is high"))
    ended_run("done", "finetune", *messages, RunFinished(metrics={"accuracy": 0.5}))
    quiet, talking, verbose = (type_in("attach", "done", *how) for how in (["-q"], [], ["-v"]))

    assert ("accuracy 0.5000\n", "warning: the loss is high\n") == (quiet.stdout, quiet.stderr)
    for done in (talking, verbose):
        lines = done.stderr.splitlines()
        assert (1, 1) == (lines.count("64 tokens are enough"), lines.count("warning: the loss is high"))


def test_one_that_waits_for_long_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launched = RunLaunched(place="gpu", job="7")
    monkeypatch.setattr(watching, "follow", lambda folder: iter((launched, None, None, None)))
    monkeypatch.setattr(watching, "PLAIN_INTERVAL_S", -1.0)

    watching._View(ended_run("patient", "finetune"), EventMessages(verbose=False)).show()

    assert 1 == capsys.readouterr().err.count("waiting for its turn at gpu, as job 7")


def test_a_batch_prediction_is_no_model() -> None:
    ended_run("batch", "predict", PredictionsWritten(rows=1200, total_rows=1200), RunFinished(metrics={"rows": 1200}))
    watched = type_in("attach", "batch")

    assert "1,200 rows answered in /answers.jsonl\n" == watched.stdout
    assert "zoo predict" not in watched.stderr
    with pytest.raises(zoo.Unsupported, match="batch makes no model"):
        _ = zoo.open_run("batch").model


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a console, not to a process")
def test_ctrl_c_does_not_tell_the_story_again(echo: None, rows: Path) -> None:
    command = [sys.executable, "-m", "zoo", "finetune", "echo", "--data", str(rows), *HERE]
    with held_after(2) as held:
        process = popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(held.exists)
        os.kill(process.pid, signal.SIGINT)
        _, talk = process.communicate(timeout=60)

    assert (130, 1, 1) == (process.returncode, talk.count("plan: "), talk.count("labels: "))


def test_following_a_log_prints_whole_lines(echo: None, rows: Path) -> None:
    run = zoo.finetune("echo", rows, device="cpu", precision="fp32", max_steps=2000, pause_ms=50)
    followed = subprocess.Popen(
        [sys.executable, "-m", "zoo", "logs", run.name, "--worker", "-f"], stdout=subprocess.PIPE
    )
    try:
        assert followed.stdout is not None
        with run.folder.log_path.open("ab", buffering=0) as log:
            log.write(b"ready\n")
            assert b"ready" == followed.stdout.readline().strip()  # it comes while the run goes on
            for part in (b"half \xc3", b"\xa9 a line \x1b[3", b"1mred\n"):
                log.write(part)
                time.sleep(0.5)
        assert "half é a line red" == followed.stdout.readline().decode().strip()
    finally:
        run.stop(force=True)
        followed.communicate(timeout=60)
    assert "ready" in run.logs()


def test_options_of_the_model_may_stand_anywhere_after_it(echo: None, rows: Path) -> None:
    done = type_in("finetune", "--data", str(rows), "-q", "echo", "--pause-ms", "0", "--name", "words", *HERE)
    assert (0, "") == (done.returncode, done.stderr)
    assert "--pause-ms" in type_in("finetune", "--json", "echo", "--help-all").stdout

    mixed = type_in("predict", "words", "--json", "so good", *HERE, "so bad")
    assert ["so good", "so bad"] == [json.loads(line)["input"] for line in mixed.stdout.splitlines()]
    lines = type_in("predict", "words", "--json", *HERE, stdin="\ufeffgood é\n".encode() + b"\xff\xfe\n" + b"bad\r\n")
    answers = [json.loads(line) for line in lines.stdout.splitlines()]
    assert [(1, "good é"), (2, ""), (3, "bad")] == [(answer["row"], answer["input"]) for answer in answers]
    assert {"type": "rejected", "reason": "not UTF-8"} == answers[1]["prediction"]
    assert "loading words" in lines.stderr

    twice = type_in("rm", "words", "words", "-y")
    assert (0, True) == (twice.returncode, twice.stdout.startswith("deleted 1, "))


def test_a_dry_run_that_fails_sends_nobody_to_a_log_that_is_gone(
    rows: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plugin(tmp_path / "site", "toy", trainable_plugin.source(build="raise ValueError('broken')"))
    use_site(tmp_path / "site", monkeypatch)
    monkeypatch.setenv("ZOO_PLUGINS", "toy")
    done = type_in("finetune", "toy", "--data", str(rows), "--dry-run", *HERE)

    assert (1, "") == (done.returncode, done.stdout)
    assert "error: dry run: ValueError: broken" in done.stderr
    assert "zoo logs" not in done.stderr
    assert [] == list((store / "runs").iterdir())


DATA = DataLoaded(train_rows=1, eval_rows=2, labels=("a", "b", "c"), columns={"input": "text", "label": "label"})
PLAN = RunPlanned(steps=1, epochs=1, batch_size=1, micro_batch_size=1, parameters=3, trainable_parameters=3, lr=0.1)


def test_a_later_attempt_tells_only_what_is_new() -> None:
    attempt = (DATA, Noted(message="64 tokens are enough"), Warned(message="2 texts are cut"), PLAN)
    again = (RunLaunched(attempt=2), RunStarted(attempt=2, pid=2, device="cpu", precision="fp32"))
    run = ended_run("again", "finetune", *attempt, *again, *attempt, RunFinished(metrics={"accuracy": 1.0}))

    for output in (type_in("attach", "again").stderr, type_in("logs", "again").stdout):
        lines = [line.removeprefix(line[:10] if line[2:3] == ":" else "") for line in output.splitlines()]
        assert [1] * 5 == [
            sum(line.startswith(begin) for line in lines)
            for begin in (
                "data: 1 row to train on, 2 held out",
                "labels: ",
                "64 tok",
                "warning: 2 texts",
                "plan: 1 step ",
            )
        ]
    assert (("64 tokens are enough",), ("2 texts are cut",)) == (run.snapshot.notes, run.snapshot.warnings)


def test_a_class_without_rows_has_no_figures() -> None:
    confusion = ((1, 0, 1), (0, 0, 0), (0, 0, 2))
    ended_run(
        "judged",
        "finetune",
        RunFinished(
            metrics={"accuracy": 0.75},
            report=report_of_confusion(("a", "b", "c"), confusion),
            labels=("a", "b", "c"),
        ),
    )

    assert [
        "accuracy 0.7500",
        "class  precision  recall     f1  rows",
        "a          1.000   0.500  0.667     2",
        "b              -       -      -     0",
        "c          0.667   1.000  0.800     2",
        "",
        "rows: what it is; columns: what the model said",
        "   a  b  c",
        "a  1  ·  1",
        "b  ·  ·  ·",
        "c  ·  ·  2",
    ] == type_in("attach", "judged").stdout.splitlines()


def test_where_nothing_was_held_out_there_is_no_table_of_zeros() -> None:
    ended_run(
        "alone", "finetune", RunFinished(report=report_of_confusion(("a", "b"), ((0, 0), (0, 0))), labels=("a", "b"))
    )

    assert "no figures: nothing was held out\n" == type_in("attach", "alone").stdout
