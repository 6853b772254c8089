"""Whatever a text model answers is answered alike by the one network that other libraries compute."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo import Example, PredictionRun, TrainingRun
from zoo.plugins import load_plugin
from zoo.runs.agreement import agreement_of
from zoo.tasks import get_task
from zoo.testing import PluginHooks
from zoo.training.portable.folder import write_folder

TEXTS = ["where is my parcel, it never came", "a text", "I want my money back for the broken lamp, please, and the app"]


def check(run: PredictionRun, texts: list[str], folder: Path) -> None:
    """Insist on the same answers by a program of torch, which is written fastest."""
    answers = PluginHooks("bert").predict(run).predict(texts)
    portable = write_folder(load_plugin("bert").answering_body(run).portable(run), run, "torch", folder)
    agreement = agreement_of(answers, portable.predict(texts))
    assert agreement.agrees, str(agreement)
    assert "```python" in (folder / "README.md").read_text()


@pytest.mark.slow
def test_fillings(language_model: Path, make_prediction: Callable[..., PredictionRun], tmp_path: Path) -> None:
    check(make_prediction(language_model, "fill-mask"), ["where is my [MASK]", "the [MASK] closes, again"], tmp_path)


@pytest.mark.slow
def test_vectors(language_model: Path, make_prediction: Callable[..., PredictionRun], tmp_path: Path) -> None:
    check(make_prediction(language_model, "feature-extraction"), TEXTS, tmp_path)


def test_names(
    make_run: Callable[..., TrainingRun], make_prediction: Callable[..., PredictionRun], tmp_path: Path
) -> None:
    import torch

    from zoo import SpanMark

    rows = tuple(Example(text, (SpanMark(0, 5, "thing"),), row) for row, text in enumerate(TEXTS, start=1))
    run = dataclasses.replace(make_run(labels=("thing",), train=rows), task=get_task("token-classification"))
    objective = PluginHooks("bert").finetune(run)
    with torch.no_grad():
        objective.module.head.classifier.weight.mul_(100)
    folder = tmp_path / "tagger"
    folder.mkdir()
    objective.export(objective.module.eval(), folder)
    written = tmp_path / "written"
    written.mkdir()
    check(make_prediction(folder, "token-classification"), TEXTS, written)
