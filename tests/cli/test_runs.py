"""`zoo runs` and `zoo rm`: what is listed, how large it is, what is deleted; the runs are made up."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.runs import liveness, store
from zoo.runs.events import AnyEvent, PredictionsWritten, RunFailed, RunFinished, RunLaunched, RunStarted
from zoo.runs.index import SHOWN_PREDICTIONS
from zoo.runs.log import append
from zoo.runs.request import DataRequest, RunRequest, RunVerb
from zoo.runs.store import RunFolder

FINISHED = RunFinished(metrics={"accuracy": 0.5})
FAILED = RunFailed(kind="ValueError", message="no")
MakeRun = Callable[..., RunFolder]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Write down a run and its events; later ones are newer."""
    count = 0

    def make(name: str, verb: RunVerb = "finetune", *events: AnyEvent, out: str = "") -> RunFolder:
        nonlocal count
        count += 1
        request = RunRequest(
            name=name,
            verb=verb,
            model="echo/echo",
            plugin="echo",
            task="text-classification",
            data=DataRequest(path="/rows.csv"),
            created_at=time.time(),
            out=out,
        )
        folder = store.create(request)
        os.utime(folder.request_path, (count, count))
        for event in (RunLaunched(), RunStarted(pid=1, device="cpu", precision="fp32"), *events):
            append(folder, event)
        return folder

    return make


def listed(capsys: pytest.CaptureFixture[str], *flags: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["runs", "--json", *flags]) == ExitCode.OK
    documents: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return documents


def names(capsys: pytest.CaptureFixture[str], *flags: str) -> list[str]:
    return [document["run"] for document in listed(capsys, *flags)]


class TestRuns:
    def test_filters_by_verb_status_and_number(self, make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
        make_run("first", "finetune", FINISHED)
        make_run("second", "finetune", FAILED)
        make_run("judged", "evaluate", FINISHED)
        make_run("third", "finetune", FINISHED)

        assert names(capsys) == ["third", "judged", "second", "first"]
        assert names(capsys, "--verb", "finetune") == ["third", "second", "first"]
        assert names(capsys, "--status", "finished") == ["third", "judged", "first"]
        assert names(capsys, "--verb", "finetune", "--status", "finished", "--last", "1") == ["third"]
        assert names(capsys, "--last", "2") == ["third", "judged"]

    def test_the_size_is_that_of_all_files(self, make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
        folder = make_run("only", "finetune", FINISHED)
        folder.model_folder.mkdir()
        (folder.model_folder / "weights.bin").write_bytes(bytes(2_000_000))
        size_bytes = sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())

        assert listed(capsys)[0]["size_bytes"] == size_bytes
        assert main(["runs"]) == ExitCode.OK
        header, row = capsys.readouterr().out.splitlines()
        assert header.split() == ["RUN", "VERB", "MODEL", "STATUS", "STEP", "METRIC", "SIZE", "AGE"]
        assert "2.0 MB" in row

    def test_old_predictions_do_not_flood_the_list(self, make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
        make_run("model", "finetune", FINISHED)
        make_run("broken", "predict", FAILED)
        for number in range(SHOWN_PREDICTIONS + 7):
            make_run(f"answers-{number}", "predict", FINISHED)

        assert main(["runs"]) == ExitCode.OK
        out, err = capsys.readouterr()
        listed = [line.split()[0] for line in out.splitlines()[1:]]
        assert listed == [f"answers-{number}" for number in range(11, 6, -1)] + ["broken", "model"]
        assert err == "7 older predictions are not shown: zoo runs --all, zoo runs --verb predict\n"
        for flags in (["--all"], ["--verb", "predict"], ["--last", "100"]):
            assert main(["runs", *flags]) == ExitCode.OK
            out, err = capsys.readouterr()
            assert (len(out.splitlines()) >= 14, err) == (True, "")
        assert len(names(capsys)) == SHOWN_PREDICTIONS + 9

    def test_nothing_that_matches_is_told_apart_from_nothing_at_all(
        self, make_run: MakeRun, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["runs"]) == ExitCode.OK
        assert capsys.readouterr() == ("", "no runs yet\n")
        make_run("model", "finetune", FINISHED)
        assert main(["runs", "--verb", "predict"]) == ExitCode.OK
        assert capsys.readouterr() == ("", "no run matches\n")

    def test_a_value_that_is_none_is_refused_with_the_nearest(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["runs", "--verb", "prediction"]) == ExitCode.USAGE
        assert "hint: did you mean predict?" in capsys.readouterr().err
        assert main(["runs", "--last", "none"]) == ExitCode.USAGE
        assert "--last is 'none', but takes a whole number, at least 1" in capsys.readouterr().err


class TestRm:
    def test_a_pattern_names_all_that_match(self, make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
        for name in ("echo-predict-1", "echo-predict-2", "echo-finetune-1", "Echo-predict-3"):
            make_run(name, "predict", FINISHED)

        assert main(["rm", "echo-predict-*", "echo-predict-1", "-y"]) == ExitCode.OK

        out, err = capsys.readouterr()
        assert out.startswith("deleted 2, freed ")
        assert [line.split()[0] for line in err.splitlines()] == ["echo-predict-2", "echo-predict-1"]
        assert sorted(names(capsys)) == ["Echo-predict-3", "echo-finetune-1"]

    def test_without_a_yes_nothing_goes(self, make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
        make_run("one", "finetune", FINISHED)

        assert main(["rm", "*"]) == ExitCode.USAGE
        assert "add -y" in capsys.readouterr().err
        assert names(capsys) == ["one"]

    def test_a_pattern_that_matches_nothing_is_an_error(
        self, make_run: MakeRun, capsys: pytest.CaptureFixture[str]
    ) -> None:
        make_run("one", "finetune", FINISHED)

        assert main(["rm", "one", "two-*", "-y"]) == ExitCode.USAGE
        assert "error: no run matches 'two-*'" in capsys.readouterr().err
        assert names(capsys) == ["one"]

    def test_what_goes_on_stays_and_nothing_else_goes_where_it_was_named(
        self, make_run: MakeRun, capsys: pytest.CaptureFixture[str]
    ) -> None:
        make_run("one-ended", "finetune", FINISHED)
        running = make_run("one-running")
        lock = liveness.claim(running)
        assert lock is not None
        with lock:
            liveness.record(running, os.getpid())

            assert main(["rm", "one-ended", "one-running", "-y"]) == ExitCode.USAGE
            assert "run one-running is still going" in capsys.readouterr().err
            assert main(["rm", "one-*", "-y"]) == ExitCode.OK
            out, err = capsys.readouterr()
            assert out.startswith("deleted 1, ")
            assert "one-running stays: it is still going" in err
            assert names(capsys) == ["one-running"]

    def test_answers_stay_unless_they_are_asked_to_go(
        self, make_run: MakeRun, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        for name in ("first", "second"):
            out = tmp_path / f"{name}.jsonl"
            out.write_bytes(bytes(1000))
            make_run(name, "predict", PredictionsWritten(rows=1, total_rows=1), FINISHED, out=str(out))

        assert main(["rm", "first", "-y"]) == ExitCode.OK
        assert "files of answers stay; --answers deletes them, too" in capsys.readouterr().err
        assert main(["rm", "second", "-y", "--answers"]) == ExitCode.OK
        assert f"with its answers, 1.0 kB  {tmp_path / 'second.jsonl'}" in capsys.readouterr().err
        assert [path.name for path in tmp_path.glob("*.jsonl")] == ["first.jsonl"]

    def test_a_run_that_cannot_be_read_can_be_deleted(
        self, make_run: MakeRun, capsys: pytest.CaptureFixture[str]
    ) -> None:
        make_run("one", "finetune", FINISHED).request_path.write_text("{")

        assert main(["rm", "one", "-y"]) == ExitCode.OK
        assert names(capsys) == []
