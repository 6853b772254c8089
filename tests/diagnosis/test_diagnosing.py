"""What went wrong with a run is told by the command and in Python; sound runs are left alone."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

import zoo
from tests.diagnosis.records import Recorder, falling
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.diagnosis import Diagnosis, diagnose
from zoo.runs.events import (
    EvaluationCompleted,
    RunFailed,
)
from zoo.runs.store import RunFolder


def test_sound_runs_are_left_alone(recorder: Recorder, words: str, store: Path) -> None:
    assert diagnose(RunFolder(store / "runs" / words)).findings == ()
    draw = random.Random(0)
    noisy = [loss * draw.uniform(0.8, 1.2) for loss in falling(last=0.3)]
    evaluations = [
        EvaluationCompleted(step=step, metrics={"accuracy": 0.86, "loss": loss}, rows=100)
        for step, loss in ((10, 0.45), (20, 0.37), (30, 0.36), (40, 0.38))
    ]
    folder = recorder.run(*evaluations, losses=noisy, options={"lr": 2e-3}, counts=[[43, 7], [7, 43]])
    assert diagnose(folder).findings == ()
    shutil.rmtree(folder.path)
    few = recorder.run(losses=falling(last=0.4), counts=[[2, 2], [2, 2]])  # nobody can tell from eight rows
    assert diagnose(few).findings == ()


def test_the_command(recorder: Recorder, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    recorder.run(losses=falling(), counts=[[26, 24], [27, 23]])

    assert main(["why", "spoilt"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert out.startswith("spoilt (finished): nothing was learnt that holds for other rows; ")
    assert "\nwhat to do:\n  zoo data inspect " in out

    assert main(["why", "spoilt", "--json"]) == ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    assert document["findings"][0]["rule"] == "nothing-learnt"

    assert main(["why", words]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("words (finished): nothing wrong was found\n  looked at ")

    assert main(["why", "nowhere"]) == ExitCode.USAGE
    assert "there is no run 'nowhere'" in capsys.readouterr().err


def test_other_commands_point_to_it(recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    failure = RunFailed(kind="ValueError", message="ValueError: told to fail", hint="ask")
    shutil.rmtree(recorder.run(failure, losses=falling()).model_folder)

    assert main(["show", "spoilt"]) == ExitCode.USAGE
    err = capsys.readouterr().err
    assert "error: run spoilt has failed and made no model: ValueError: told to fail" in err
    assert "hint: zoo why spoilt tells more" in err
    assert main(["logs", "spoilt"]) == ExitCode.OK
    assert "zoo why spoilt says what may be done" in capsys.readouterr().err
    assert zoo.open_run("spoilt").why().findings[0].rule == "error"
    assert "<table" in zoo.open_run("spoilt").why()._repr_html_()


def test_data_that_are_gone_cost_no_more_than_what_they_would_say(recorder: Recorder, data: Path) -> None:
    folder = recorder.run(losses=falling(), counts=[[26, 24], [27, 23]])
    data.unlink()

    diagnosis: Diagnosis = diagnose(folder)
    assert [finding.rule for finding in diagnosis.findings] == ["nothing-learnt"]
    assert diagnosis.looked_at.endswith("not its data, which cannot be read any more")
