"""The honest baseline: each source of a run learnt alone, too, with a kill on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

import zoo
from tests.echo_runs import until, wait_quietly
from tests.end_to_end.test_tokens import COMMON, tagged, written
from zoo.blocks import Table
from zoo.cli import main
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


def test_sources_are_held_against_themselves_alone_and_a_kill_changes_nothing(
    sources: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = joint(sources).wait(progress=False)
    table = whole.report[0]
    assert isinstance(table, Table)
    assert [row[:2] for row in table.rows] == [("size", "accuracy"), ("names", "span_f1")]
    assert baselines_begun(whole) == ["the baseline: size alone, 6 steps", "the baseline: names alone, 6 steps"]
    until(lambda: not (whole.folder.path / "baselines").exists())
    readme = (whole.folder.model_folder / "README.md").read_text()
    assert "### what sharing bought" in readme
    assert f"| size | accuracy | {table.rows[0][2]:.3f} |" in readme
    assert main(["show", whole.name]) == 0
    shown = capsys.readouterr().out
    assert "what sharing bought" in shown
    assert "names: span_f1" in shown

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


def test_what_pretraining_bought_is_told_apart_from_what_sharing_bought(
    sources: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(f"{' '.join(COMMON[i % 9 :])} {i}\n" for i in range(40)))
    zoo.pretrain(MODEL, texts, name="seen", max_steps=2, max_tokens=16, **CPU).wait(progress=False)
    options = {**OPTIONS, "lr": None, "method": "lora", "sampling": "equal"}
    run = zoo.finetune("seen", sources={**sources, "texts": str(texts)}, baseline_scratch=True, **CPU, **options)
    run.wait(progress=False)
    sharing, pretraining = run.report[:2]
    assert isinstance(sharing, Table)
    assert isinstance(pretraining, Table)
    assert (sharing.title, pretraining.title) == ("what sharing bought", "what pretraining bought")
    assert pretraining.headers[2:4] == ("alone", "alone, from random numbers")
    assert [row[2] for row in pretraining.rows] == [row[3] for row in sharing.rows]
    begun = baselines_begun(run)
    assert begun[2:] == [f"{one.partition(' alone')[0]} alone, from random numbers, 4 steps" for one in begun[:2]]

    lone = zoo.finetune(
        MODEL, sources["size"], task="text-classification", **CPU, **{**OPTIONS, "max_steps": 4, "lr": None}
    )
    assert pretraining.rows[0][3] == pytest.approx(lone.wait(progress=False).metrics["accuracy"])

    words = [word for name, data in sources.items() for word in ("--source", f"{name}={data}")]
    assert main(["finetune", MODEL, *words, "--baseline-scratch", "--device", "cpu"]) != 0
    assert f"--baseline-scratch would hold {MODEL}, which begins from random numbers, against itself" in (
        capsys.readouterr().err
    )
