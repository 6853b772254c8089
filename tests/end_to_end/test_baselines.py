"""The honest baseline: each source of a run learnt alone, too, with a kill on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

import zoo
from tests.echo_runs import until, wait_quietly
from tests.end_to_end.test_tokens import tagged, written
from zoo.blocks import Table
from zoo.runs import liveness
from zoo.runs.events import Noted, RunStarted

pytest.importorskip("zoo_bert")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MODEL = "bert-tiny"
CPU = {"device": "cpu", "precision": "fp32"}
OPTIONS: dict[str, Any] = {"max_steps": 12, "batch_size": 8, "max_tokens": 16, "lr": 3e-3, "save_steps": 4}


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Any]:
    labelled = written(
        tmp_path / "a.jsonl", lambda words: {"text": " ".join(words), "label": "long" if len(words) > 20 else "short"}
    )
    return {"size": str(labelled), "names": str(written(tmp_path / "b.jsonl", tagged))}


def joint(sources: dict[str, Any]) -> zoo.Run:
    return zoo.finetune(MODEL, sources=sources, sampling="equal", baseline=True, **CPU, **OPTIONS)


def baselines_begun(run: zoo.Run) -> list[str]:
    notes = [event.message for event in run.events() if isinstance(event, Noted)]
    return [note for note in notes if note.startswith("the baseline: ")]


def test_sources_are_held_against_themselves_alone_and_a_kill_changes_nothing(sources: dict[str, Any]) -> None:
    whole = joint(sources).wait(progress=False)
    table = whole.report[0]
    assert isinstance(table, Table)
    assert [row[:2] for row in table.rows] == [("size", "accuracy"), ("names", "span_f1")]
    assert baselines_begun(whole) == ["the baseline: size alone, 6 steps", "the baseline: names alone, 6 steps"]
    assert not (whole.folder.path / "baselines").exists()

    lone = zoo.finetune(MODEL, sources["size"], task="text-classification", **CPU, **{**OPTIONS, "max_steps": 6}).wait(
        progress=False
    )
    assert table.rows[0][2:4] == pytest.approx((whole.metrics["size.accuracy"], lone.metrics["accuracy"]))

    killed = joint(sources)
    until(lambda: len(baselines_begun(killed)) == 2)
    worker = liveness.recorded(killed.folder)
    assert worker is not None
    psutil.Process(worker.pid).kill()
    wait_quietly(killed)
    killed.resume().wait(progress=False)
    assert [event.attempt for event in killed.events() if isinstance(event, RunStarted)] == [1, 2]
    assert baselines_begun(killed).count("the baseline: size alone, 6 steps") == 1
    assert killed.report == whole.report
