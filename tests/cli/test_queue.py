"""The command line shows the queue of an accelerator, and lets a run out of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zoo
from tests.echo_runs import until
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode


def train(rows: Path, name: str, *flags: str) -> ExitCode:
    words = ["finetune", "echo", "--data", str(rows), "--name", name, "--max-steps", "2000", "--pause-ms", "50"]
    return main([*words, "--device", "cuda:0", "--detach", *flags])


@pytest.mark.slow
def test_ps_says_where_runs_stand_and_now_starts_one(
    echo: None, rows: Path, accelerators: None, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        assert [0, 0, 0] == [train(rows, name) for name in ("first", "second", "third")]
        said = capsys.readouterr().err
        assert "queued: next on cuda:0, behind first; start it beside: zoo resume second --now\n" in said
        assert "queued: 2nd on cuda:0, behind second; start it beside: zoo resume third --now\n" in said

        until(lambda: zoo.open_run("third").status == "queued" == zoo.open_run("second").status)
        assert ExitCode.OK == main(["ps"])
        table = capsys.readouterr().out
        assert ["2nd on cuda:0, behind second", "next on cuda:0, behind first"] == [
            line.partition("queued: ")[2].rstrip().partition("   ")[0] for line in table.splitlines()[1:3]
        ]
        main(["ps", "--json"])
        assert [("queued", 2, "second"), ("queued", 1, "first"), ("running", None, "")] == [
            (run["status"], run["place"], run["behind"]) for run in json.loads(capsys.readouterr().out)
        ]

        assert ExitCode.USAGE == main(["resume", "third"])
        assert (
            "run third is queued behind second\nhint: start it beside: zoo resume third --now"
            in capsys.readouterr().err
        )
        assert [0, 0] == [main(["resume", "third", "--now", "--detach"]), train(rows, "fourth", "--now")]
        until(lambda: zoo.open_run("third").status == "running" == zoo.open_run("fourth").status)
        assert "queued" == zoo.open_run("second").status

        assert ExitCode.OK == main(["stop", "second"])
        main(["logs", "second"])
        assert capsys.readouterr().out.endswith("stopped at step 0\n")
    finally:
        for run in zoo.list_runs():
            run.stop(force=True)


def test_now_is_for_runs(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ExitCode.USAGE == main(["predict", words, "good", "--now"])
    assert "--now goes with --out FILE" in capsys.readouterr().err


def test_the_accelerator_that_the_fewest_runs_need_is_taken(
    echo: None, rows: Path, accelerators: None, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        train(rows, "first")
        until(lambda: zoo.open_run("first").status == "running")
        capsys.readouterr()
        assert ExitCode.OK == train(rows, "second", "--device", "auto")
        assert "device: cuda:1, fp32 (the fastest kind here: Made up, the cuda that the fewest runs need" in (
            capsys.readouterr().err
        )
        until(lambda: zoo.open_run("second").status == "running")
    finally:
        for run in zoo.list_runs():
            run.stop(force=True)
