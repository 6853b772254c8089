"""A linear classifier of short number lists, as an objective: what the engine's tests train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from zoo.ability_options import option_set
from zoo.answers import Rejected
from zoo.card import Ability, Card
from zoo.data.example import Example
from zoo.hyperparameters import FinetuneOptions
from zoo.metrics import ClassificationMetrics
from zoo.options import parse
from zoo.runs.context import TrainingRun
from zoo.runs.events import AnyEvent
from zoo.tasks import get_task
from zoo.training import Batch, Objective, Output

LABELS = ("minus", "plus")
CARD = Card(
    name="toy",
    task="text-classification",
    family="toy",
    summary="A toy.",
    abilities=(Ability(verb="finetune", task="text-classification", options=FinetuneOptions),),
)


class Net(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(dropout))
        self.head = nn.Linear(8, len(LABELS))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(numbers))


class Toy(Objective[tuple[list[float], int]]):
    default_lr = 0.05
    head_lr = 0.05
    head = ("head",)
    lora_targets = ("body.0",)

    def __init__(self, seed: int = 0, dropout: float = 0.1, spoil: Callable[[int], bool] = lambda step: False) -> None:
        torch.manual_seed(seed)
        self.module = Net(dropout)
        self.seen_seeds: list[list[int]] = []
        self.spoil = spoil
        self.calls = 0
        self.unusable: set[int] = set()
        """Rows whose features cannot be made."""

    def features(self, examples: Sequence[Example]) -> list[tuple[list[float], int] | Rejected]:
        return [Rejected("it is broken") if e.row in self.unusable else self._read(e) for e in examples]

    def _read(self, example: Example) -> tuple[list[float], int]:
        return [float(x) for x in example.input.split()], LABELS.index(example.label or "")

    def length(self, features: tuple[list[float], int]) -> int:
        return 1 + int(abs(features[0][0]))

    def group(self, features: tuple[list[float], int]) -> int:
        return features[1]

    def collate(self, features: Sequence[tuple[list[float], int]], seeds: Sequence[int], *, training: bool) -> Batch:
        self.seen_seeds.append(list(seeds))
        return {
            "numbers": torch.tensor([numbers for numbers, _ in features]),
            "labels": torch.tensor([label for _, label in features]),
        }

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        logits = module(batch["numbers"]).float()
        losses = nn.functional.cross_entropy(logits, batch["labels"], reduction="none")
        if module.training:
            self.calls += 1
            if self.spoil(self.calls):
                losses = losses * float("nan")
        return Output(losses, {"predicted": logits.argmax(-1), "label": batch["labels"], "loss": losses.detach()})

    def metrics(self) -> ClassificationMetrics:
        return ClassificationMetrics(LABELS)

    def export(self, module: nn.Module, folder: Path) -> None:
        save_file(module.state_dict(), folder / "model.safetensors")


def examples(count: int, seed: int = 0) -> tuple[Example, ...]:
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn(count, 3, generator=generator)
    return tuple(
        Example(" ".join(f"{x:.4f}" for x in row), LABELS[int(sum(row) > 0)], i + 1)
        for i, row in enumerate(numbers.tolist())
    )


def make_run(
    folder: Path, *, rows: int = 64, eval_rows: int = 32, stop_after: int | None = None, **options: Any
) -> tuple[TrainingRun, list[AnyEvent]]:
    """A run of the toy; with `stop_after`, someone asks it to stop during that many-th look."""
    events: list[AnyEvent] = []
    looks = iter(range(1, 10**9))
    run = TrainingRun(
        card=CARD,
        task=get_task("text-classification"),
        weights=None,
        train=examples(rows),
        eval=examples(eval_rows, seed=1),
        labels=LABELS,
        options=parse(option_set(CARD.abilities[0]), options),
        device="cpu",
        precision=options.pop("precision", "fp32"),
        folder=folder,
        emit=events.append,
        should_stop=lambda: stop_after is not None and next(looks) >= stop_after,
    )
    return run, events
