"""Entities and generation through the whole of zoo: texts that weigh by words or tokens, shared by two processes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.runs.events import EvaluationCompleted, RunStarted, StepCompleted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CPU = {"device": "cpu", "precision": "fp32"}
OPTIONS: dict[str, Any] = {"batch_size": 7, "max_steps": 6, "eval_steps": 3, "max_tokens": 16, "dropout": 0.0}
"""A batch that does not divide by two, and texts of many lengths, the longest beyond the tokens of a window."""
COMMON = ["saw", "told", "near", "with", "and", "the", "old", "red", "then", "not", "far", "from", "again"]


def written(path: Path, row: Callable[[list[str]], dict[str, Any]]) -> Path:
    """Rows of texts of 2 to 40 words."""
    draw = random.Random(11)
    rows = [row(draw.choices(COMMON, k=2 + number * 7 % 39)) for number in range(46)]
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return path


def tagged(words: list[str]) -> dict[str, Any]:
    """With a person among the words, and a place in some."""
    place = ["O"] if len(words) % 2 else ["B-place"]
    return {"tokens": ["Ada", *words, "Rome"], "ner_tags": ["B-person", *["O"] * len(words), *place]}


def answered(words: list[str]) -> dict[str, Any]:
    return {"prompt": " ".join(words[:3]), "completion": " ".join(words)}


def in_both(train: Callable[..., zoo.Run], model: str, data: Path, **options: Any) -> list[zoo.Run]:
    """The same run in one process and in two."""
    runs = []
    for processes in (1, 2):
        run = train(model, data, processes=processes, **CPU, **OPTIONS, **options).wait(progress=False)
        started = [event.processes for event in run.events() if isinstance(event, RunStarted)]
        assert started == [processes]
        runs.append(run)
    return runs


def assert_alike(runs: list[zoo.Run]) -> None:
    """Losses, gradients and everything that is measured are the same."""
    steps = [[event for event in run.events() if isinstance(event, StepCompleted)] for run in runs]
    evaluations = [[event for event in run.events() if isinstance(event, EvaluationCompleted)] for run in runs]
    assert len(evaluations[0]) == len(evaluations[1]) == 2
    assert steps[1][0].loss == pytest.approx(steps[0][0].loss, rel=1e-6)
    assert steps[1][0].grad_norm == pytest.approx(steps[0][0].grad_norm, rel=1e-4)
    for one, two in zip(*evaluations, strict=True):
        assert two.metrics == pytest.approx(one.metrics, rel=2e-5)


def test_entities_of_two_processes_are_those_of_one(tmp_path: Path) -> None:
    pytest.importorskip("zoo_bert")
    data = written(tmp_path / "a.jsonl", tagged)
    runs = in_both(zoo.finetune, "bert-tiny", data, task="token-classification", lr=3e-3)
    assert_alike(runs)
    assert runs[0].metrics["span_f1"] > 0


@pytest.mark.parametrize("train", [zoo.finetune, zoo.pretrain])
def test_generation_of_two_processes_is_that_of_one(train: Callable[..., zoo.Run], tmp_path: Path) -> None:
    pytest.importorskip("zoo_gpt")
    row = answered if train is zoo.finetune else lambda words: {"text": " ".join(words)}
    runs = in_both(train, "gpt-tiny-scratch", written(tmp_path / "a.jsonl", row))
    assert_alike(runs)
    assert "perplexity" in runs[0].metrics
