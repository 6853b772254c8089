"""One import of torch and torchvision, real images and one small trained network for all tests here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from zoo_resnet.cards import CARDS
from zoo_resnet.options import ResnetFinetuneOptions

from zoo import Ability, Card, Example, ImagePredictOptions, ImagePretrainOptions, PredictionRun, TrainingRun
from zoo.data import load
from zoo.quickstart.digits import write_digits
from zoo.tasks import get_task
from zoo.testing import PluginHooks

MakeRun = Callable[..., TrainingRun]
MakePrediction = Callable[..., PredictionRun]
TINY = "resnet10-32px"
DIGITS = tuple("0123456789")


@pytest.fixture(autouse=True)
def own_store(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A store of its own."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("zoo-home")))


@pytest.fixture(scope="session")
def card() -> Callable[[str], Card]:
    """A card by its name, as the host would hand it out."""
    import msgspec

    return {card.name: msgspec.structs.replace(card, plugin="resnet") for card in CARDS}.__getitem__


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scikit-learn's handwritten digits as image files: unlabelled, labelled and test."""
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder)
    return folder


@pytest.fixture(scope="session")
def photographs() -> list[Path]:
    """The two real photographs that scikit-learn ships: a Chinese temple and a flower, JPEG, 640 x 427."""
    from importlib.resources import files

    return [Path(str(files("sklearn.datasets") / "images" / name)) for name in ("china.jpg", "flower.jpg")]


@pytest.fixture(scope="session")
def labelled(digits: Path) -> tuple[Example, ...]:
    """Ten images of each digit."""
    return load(digits / "labelled", get_task("image-classification")).examples


@pytest.fixture(scope="session")
def make_run(
    card: Callable[[str], Card], labelled: tuple[Example, ...], tmp_path_factory: pytest.TempPathFactory
) -> MakeRun:
    """A training run on few digits, on the CPU."""

    def make(name: str = TINY, verb: str = "finetune", weights: Path | None = None, **arguments: Any) -> TrainingRun:
        finetune = verb == "finetune"
        options = {"image_size": 8, "flip": False} | arguments.pop("options", {})
        task = "image-classification" if finetune else "image-feature-extraction"
        own = ResnetFinetuneOptions if finetune else ImagePretrainOptions
        arguments.setdefault("labels", DIGITS if finetune else ())
        arguments.setdefault("folder", tmp_path_factory.mktemp("run"))
        arguments.setdefault("train", labelled)
        arguments.setdefault("eval", ())
        arguments.setdefault("emit", lambda event: None)
        arguments.setdefault("should_stop", lambda: False)
        return TrainingRun(
            card=card(name),
            task=get_task(task),
            weights=weights,
            options=PluginHooks.options(Ability(verb=verb, task=task, options=own), **options),
            device="cpu",
            precision="fp32",
            **arguments,
        )

    return make


@pytest.fixture(scope="session")
def make_prediction(card: Callable[[str], Card]) -> MakePrediction:
    """A model to be loaded for predicting, on the CPU."""

    def make(
        weights: Path, task: str = "image-classification", name: str = TINY, precision: str = "fp32", **options: Any
    ) -> PredictionRun:
        return PredictionRun(
            card=card(name),
            task=get_task(task),
            weights=weights,
            options=PluginHooks.options(Ability(verb="predict", task=task, options=ImagePredictOptions), **options),
            device="cpu",
            precision=precision,
        )

    return make


@pytest.fixture(scope="session")
def classifier(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder: digits learnt for a few steps."""
    finetune = PluginHooks("resnet").finetune

    run = make_run(folder=tmp_path_factory.mktemp("classifier"), options={"max_steps": 30})
    finetune(run).fit(run)
    return run.model_folder
