"""Runs of any of the networks on a few small pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import regnet
from zoo_torchvision.plugin import cards

from zoo import (
    Ability,
    Card,
    Example,
    FolderSource,
    ImageFinetuneOptions,
    PredictionRun,
    TrainingRun,
    Weights,
    WeightsFile,
)
from zoo.tasks import get_task
from zoo.testing import PluginHooks

LABELS = ("cat", "dog")
TASK = "image-classification"


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A store of its own."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("zoo-home")))


@pytest.fixture(scope="session")
def hooks() -> PluginHooks:
    """Those of the plugin."""
    return PluginHooks("torchvision")


@pytest.fixture(scope="session")
def card() -> Callable[[str], Card]:
    """A card by its name."""
    return {card.name: msgspec.structs.replace(card, plugin="torchvision") for card in cards()}.__getitem__


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Four of noise, 90 pixels wide."""
    folder = tmp_path_factory.mktemp("pictures")
    for i in range(4):
        noise = np.random.default_rng(i).integers(0, 256, (80, 90, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{i}.png")
    return sorted(map(str, folder.iterdir()))


@pytest.fixture
def make_run(tmp_path: Path, pictures: list[str]) -> Callable[..., TrainingRun]:
    """A training on them."""

    def make(card: Card, weights: Path | None = None, task: str = TASK, **options: Any) -> TrainingRun:
        rows = tuple(Example(path, LABELS[i % 2], i + 1) for i, path in enumerate(pictures))
        return TrainingRun(
            card=card,
            task=get_task(task),
            weights=weights,
            train=rows,
            eval=(),
            labels=LABELS,
            options=PluginHooks.options(
                Ability(verb="finetune", task=task, options=ImageFinetuneOptions),
                **{"max_steps": 1, "batch_size": 2, **options},
            ),
            device="cpu",
            precision="fp32",
            folder=tmp_path,
            emit=lambda event: None,
            should_stop=lambda: False,
        )

    return make


@pytest.fixture
def make_prediction() -> Callable[..., PredictionRun]:
    """The question of what a folder of weights says."""

    def make(card: Card, weights: Path, task: str = TASK, **options: Any) -> PredictionRun:
        result = Weights(files=(WeightsFile(name="model.safetensors"),), sources=(FolderSource(path=str(weights)),))
        published = any(path.suffix == ".pth" for path in weights.iterdir())
        return PredictionRun(
            card=card if published else msgspec.structs.replace(card, weights=result),
            task=get_task(task),
            weights=weights,
            options=PluginHooks.options(card.ability_of_result(task), **(options or {"top_k": 1000})),
            device="cpu",
            precision="fp32",
        )

    return make


@pytest.fixture
def regnets_on_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    """RegNet's builder reckons with tensors whose values it needs, on whatever device there is."""
    reckon = regnet.BlockParams.from_init_params

    def on_cpu(**arguments: Any) -> regnet.BlockParams:
        with torch.device("cpu"):
            return reckon(**arguments)

    monkeypatch.setattr(regnet.BlockParams, "from_init_params", on_cpu)
