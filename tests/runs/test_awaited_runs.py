"""Runs that others wait for: not deleted from under them, and no later run of the name starts them."""

from __future__ import annotations

import shutil
from itertools import pairwise

import pytest

import zoo
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import Unsupported
from zoo.runs import sequence, store
from zoo.runs.events import RunFinished
from zoo.runs.log import append, is_going_on
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.store import RunFolder


def create(name: str, created_at: float) -> RunFolder:
    data = DataRequest(path="/data/rows.csv")
    return store.create(
        RunRequest(
            name=name,
            verb="finetune",
            model="echo/echo",
            plugin="echo",
            task="text-classification",
            data=data,
            created_at=created_at,
        )
    )


@pytest.fixture
def chain(echo: None) -> list[RunFolder]:
    """Three runs, each of which waits for the one before."""
    folders = [create(name, number) for number, name in enumerate(("first", "second", "third"), start=1)]
    for before, folder in pairwise(folders):
        sequence.postpone(folder, before)
    return folders


def test_what_others_wait_for_is_deleted_with_them_alone(
    chain: list[RunFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Unsupported, match="the result of run second is waited for by third"):
        zoo.open_run("second").remove()
    for words in (["first"], ["fir*"]):
        assert main(["rm", *words, "-y"]) == ExitCode.USAGE
        error = capsys.readouterr().err
        assert "the result of run first is waited for by second" in error
        assert "zoo rm first second; or let them wait no more: zoo stop second" in error
    assert main(["rm", "first", "second", "-y"]) == ExitCode.USAGE
    assert "the result of run second is waited for by third" in capsys.readouterr().err
    assert len(zoo.list_runs()) == 3
    assert main(["stop", "third"]) == ExitCode.OK
    assert main(["rm", "first", "second", "-y"]) == ExitCode.OK
    assert [run.name for run in zoo.list_runs()] == ["third"]


@pytest.mark.slow
def test_a_later_run_of_the_name_starts_none(chain: list[RunFolder]) -> None:
    first, second, _ = chain
    assert sequence.followers(first) == (second,)
    shutil.rmtree(first.path)
    assert not is_going_on(second)
    append(create("first", 4), RunFinished(metrics={}, step=1, best_step=1))
    assert sequence.followers(first) == ()
    assert sequence.begin_followers(first) == ()
    with pytest.raises(Unsupported, match="follows first, which is gone"):
        zoo.open_run("second").resume()
    zoo.open_run("second").stop()
    assert zoo.open_run("second").status == "cancelled"
