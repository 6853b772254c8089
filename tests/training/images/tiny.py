"""A small body with feature maps, and pictures of coloured squares with a box around each."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from PIL import Image
from torch import nn

from zoo.answers import Detections
from zoo.card import Ability, Card, FolderSource, ImageInput, Weights, WeightsFile
from zoo.data.example import Example
from zoo.image_options import ImageFinetuneOptions, ImagePredictOptions
from zoo.kinds import IMAGE, LABEL
from zoo.runs.context import PredictionRun, TrainingRun
from zoo.runs.events import AnyEvent
from zoo.tasks.options import DetectionOptions
from zoo.tasks.task import LEVELS, Task
from zoo.training.body import Level
from zoo.training.images import ImageBody, ImageConfig
from zoo.training.weights import below, fill, state_of

LABELS = ("green", "red")
COLOURS = {"green": (40, 200, 40), "red": (200, 40, 40)}
IMAGE_INPUT = ImageInput(input_size=(3, 64, 64), resize_size=64, mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3))
CARD = Card(
    name="tiny",
    plugin="tiny",
    task="image-classification",
    family="tiny",
    summary="A tiny network.",
    input=IMAGE_INPUT,
    abilities=(Ability(verb="finetune", task="image-classification", options=ImageFinetuneOptions),),
)
TASK = Task(
    name="object-detection",
    summary="find things",
    input=IMAGE,
    target=LABEL,
    answer=Detections,
    judge="zoo.metrics:DetectionMetrics",
    objective="zoo.training.objectives.detection:Detection",
    needs=LEVELS,
    primary_metric="map",
    predict_options=DetectionOptions,
    example={},
    formats=(),
)


class Box(msgspec.Struct, frozen=True):
    left: float
    top: float
    right: float
    bottom: float
    label: str


class Net(nn.Module):
    """Five strided convolutions; what comes after the last map makes the vector."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 16, 32, 32, 32)
        pairs = itertools.pairwise(widths)
        self.stages = nn.Sequential(
            *(
                nn.Sequential(OrderedDict(conv=nn.Conv2d(a, b, 3, 2, 1), norm=nn.BatchNorm2d(b), act=nn.ReLU()))
                for a, b in pairs
            )
        )
        self.last = nn.Linear(32, 24)

    def maps(self, images: torch.Tensor) -> list[torch.Tensor]:
        maps = []
        for stage in self.stages:
            images = stage(images)
            maps.append(images)
        return maps[1:]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.maps(images)[-1].mean((2, 3)))


class TinyBody(ImageBody):
    layout = (("body.", ""), ("head.", "fc."))
    levels = (Level(16, 4), Level(32, 8), Level(32, 16), Level(32, 32))
    provides = frozenset({"pooled", "levels"})
    lora_targets = ("conv",)
    width = 24

    def __init__(self, run: TrainingRun | PredictionRun) -> None:
        super().__init__(run, ImageConfig.of(run.card, run.weights, ()))
        self.module = Net()
        if run.weights is not None:
            state = state_of(run.card, run.weights, run.cache_folder)
            kept = below("backbone.body.", state) or {n: t for n, t in state.items() if not n.startswith("fc.")}
            fill(self.module, {**self.module.state_dict(), **kept})
            self.output_state = below("fc.", state)

    def feature_maps(self, module: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
        return module.maps(images)

    def readme(self, config: ImageConfig) -> str:
        return "Tiny.\n"


class StartedRun(NamedTuple):
    run: TrainingRun
    events: list[AnyEvent]


def drawn(folder: Path, count: int, seed: int = 0, size: tuple[int, int] = (96, 72)) -> tuple[Example, ...]:
    """Pictures of none to three squares."""
    draw = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    examples = []
    for row in range(1, count + 1):
        pixels = draw.integers(90, 140, (size[1], size[0], 3), dtype=np.uint8)
        boxes: list[Box] = []
        for _ in range(draw.integers(0, 4)):
            side = int(draw.integers(14, 30))
            left, top = int(draw.integers(0, size[0] - side)), int(draw.integers(0, size[1] - side))
            if any(left < b.right and b.left < left + side and top < b.bottom and b.top < top + side for b in boxes):
                continue
            label = LABELS[draw.integers(2)]
            pixels[top : top + side, left : left + side] = COLOURS[label]
            boxes.append(Box(left, top, left + side, top + side, label))
        path = folder / f"{seed}-{row}.png"
        Image.fromarray(pixels).save(path)
        examples.append(Example(str(path), tuple(boxes), row))
    return tuple(examples)


def make_run(
    folder: Path,
    train: tuple[Example, ...],
    evaluation: tuple[Example, ...] = (),
    *,
    weights: Path | None = None,
    stop_after: int | None = None,
    **options: Any,
) -> StartedRun:
    """A training; told to stop after so many questions whether to."""
    events: list[AnyEvent] = []
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return stop_after is not None and asked > stop_after

    folder.mkdir(parents=True, exist_ok=True)
    run = TrainingRun(
        card=result_card(weights) if weights else CARD,
        task=TASK,
        weights=weights,
        train=train,
        eval=evaluation,
        labels=LABELS,
        options=ImageFinetuneOptions(**{"batch_size": 8, "image_size": 96, "lr": 3e-3, **options}),
        device="cpu",
        precision="fp32",
        folder=folder,
        emit=events.append,
        should_stop=should_stop,
    )
    return StartedRun(run, events)


def result_card(folder: Path) -> Card:
    """Of what a training left."""
    weights = Weights(files=(WeightsFile(name="model.safetensors"),), sources=(FolderSource(path=str(folder)),))
    return msgspec.structs.replace(CARD, name="result", weights=weights, labels=LABELS)


def make_prediction(folder: Path, **options: Any) -> PredictionRun:
    """The question of what a result finds."""
    chosen = {"batch_size": 4, "threshold": None, "nms": 0.6, "top_k": None, "probabilities": False, **options}
    ability = Ability(verb="predict", task="object-detection", options=ImagePredictOptions)
    Options = msgspec.defstruct("Options", chosen, bases=(ability.options,), kw_only=True, frozen=True)  # noqa: N806
    return PredictionRun(
        card=result_card(folder), task=TASK, weights=folder, options=Options(**chosen), device="cpu", precision="fp32"
    )


Make = Callable[..., StartedRun]
