"""What a network of transformers answers is answered alike by the one network that other libraries compute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo import Card, PredictionRun, Unsupported
from zoo.fetch import locate
from zoo.plugins import load_plugin
from zoo.runs.agreement import agreement_of
from zoo.tasks import get_task
from zoo.testing import PluginHooks
from zoo.training.portable.folder import write_folder

TEXTS = ["where is my parcel today", "the app", "please send the money back today again"]


@pytest.fixture
def prediction(make_model: Callable[..., Any], pull: Callable[..., Card], tmp_path: Path) -> Callable[..., Any]:
    """The question of what a small model answers."""

    def make(model_type: str, task: str) -> PredictionRun:
        make_model(model_type, task, tmp_path / "published")
        card = pull(tmp_path / "published")
        assert card.weights is not None
        weights = locate(card.weights)
        assert weights is not None
        options = PluginHooks.options(card.ability("predict", task))
        return PredictionRun(
            card=card, task=get_task(task), weights=weights, options=options, device="cpu", precision="fp32"
        )

    return make


@pytest.mark.slow
def test_a_network_that_has_so_many_places(prediction: Callable[..., PredictionRun], tmp_path: Path) -> None:
    run = prediction("distilbert", "text-classification")
    answers = PluginHooks("transformers").predict(run).predict(TEXTS)
    written = tmp_path / "written"
    written.mkdir()
    portable = write_folder(load_plugin("transformers").answering_body(run).portable(run), run, "torch", written)
    assert agreement_of(answers, portable.predict(TEXTS)).agrees


def test_what_is_answered_by_code_of_the_plugin_is_refused(prediction: Callable[..., PredictionRun]) -> None:
    run = prediction("distilbert", "question-answering")
    with pytest.raises(Unsupported, match="by code of its own, not by a body"):
        load_plugin("transformers").answering_body(run)
