"""Any objective, learnt from the answers of a teacher, too: distillation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

import torch
from torch import nn

from zoo.answers import Answer, Rejected
from zoo.blocks import Report
from zoo.data.example import Example
from zoo.errors import PluginBroken
from zoo.metrics import Metrics
from zoo.training.objective import Batch, Objective, Output, Pieces

if TYPE_CHECKING:
    from zoo.runs.context import Teaching
    from zoo.runs.events import WrittenSample

OF_TEACHER = "teacher:"
"""How the entries of a batch begin that hold what the teacher says."""
SHARES = "share of the teacher"
"""The entry that holds how much that counts, shape (batch,), where this is not the same for all."""


class TaughtFeatures(NamedTuple):
    """An example as its objective sees it, and what the teacher says of it."""

    features: Any
    lesson: Any
    """None where the teacher was not asked, as in an evaluation."""
    alone: bool = False
    """Whether there is no target beside it."""


class Taught(Objective[TaughtFeatures]):
    """The loss of an objective, and how far the model is from its teacher (Hinton et al. 2015, arXiv:1503.02531).

    The loss of an example is `(1 - share) * loss + share * taught loss`; the share is 1 where it has no target of its
    own. Evaluations see the first alone. An objective whose losses are means over several items weighs the second in
    the same way.

    Args:
        objective: what is learnt.
        teaching: what the teacher says, and how much that counts.
    """

    def __init__(self, objective: Objective[Any], teaching: Teaching) -> None:
        self._objective, self._teaching = objective, teaching
        for name in get_type_hints(Objective):
            setattr(self, name, getattr(objective, name))

    def features(self, examples: Sequence[Example]) -> Sequence[TaughtFeatures | Rejected]:
        """Those of the objective, with the teacher's answers."""
        encoded = self._objective.features(examples)
        return [self._with_lesson(one, example) for one, example in zip(encoded, examples, strict=True)]

    def _with_lesson(self, features: Any, example: Example) -> TaughtFeatures | Rejected:
        if isinstance(features, Rejected):
            return features
        if isinstance(features, Pieces):
            raise PluginBroken(
                f"{type(self._objective).__name__} divides long examples, of which a teacher says nothing",
                "leave --teacher out",
            )
        answer = self._teaching.answers.get(id(example))
        if isinstance(answer, Rejected):
            return Rejected(f"the teacher has no answer: {answer.reason}")
        lesson = None if answer is None else self._objective.lesson(answer, features)
        return TaughtFeatures(features, lesson, id(example) in self._teaching.alone)

    def length(self, features: TaughtFeatures) -> int:
        """That of the objective, as what follows."""
        return self._objective.length(features.features)

    def group(self, features: TaughtFeatures) -> int | None:
        """By the target of the data."""
        return self._objective.group(features.features)

    def begin(self) -> None:
        """Let the objective begin."""
        self._objective.begin()

    def layers(self) -> Sequence[nn.Module]:
        """Those of the objective."""
        return self._objective.layers()

    def collate(self, features: Sequence[TaughtFeatures], seeds: Sequence[int], *, training: bool) -> Batch:
        """The objective's batch, and its lessons where there are any."""
        plain = [one.features for one in features]
        batch = self._objective.collate(plain, seeds, training=training)
        if any(one.lesson is None for one in features):
            return batch
        lessons = self._objective.collate_lessons([one.lesson for one in features], plain, seeds, batch)
        if self._teaching.alone:
            shares = [1.0 if one.alone else self._teaching.share for one in features]
            batch = {**batch, SHARES: torch.tensor(shares, dtype=torch.float32)}
        return _joined(batch, lessons)

    def reduced(self, module: nn.Module, batch: Batch) -> Batch | None:
        """The objective's, and the lessons."""
        batch, lessons = _divided(batch)
        shares = {SHARES: batch.pop(SHARES)} if SHARES in batch else {}
        reduced = self._objective.reduced(module, batch)
        return None if reduced is None else _joined({**reduced, **shares}, self._objective.reduced_lessons(lessons))

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Of both, shape (batch,)."""
        batch, lessons = _divided(batch)
        share = batch.pop(SHARES, self._teaching.share)
        output = self._objective.losses(module, batch)
        if not lessons:
            return output
        if output.logits is None:
            raise PluginBroken(
                f"{type(self._objective).__name__}.losses() gives no logits to learn from a teacher by",
                "give Output.logits, or leave --teacher out",
            )
        taught = self._objective.taught_losses(output.logits, lessons, self._teaching.temperature)
        return replace(output, losses=(1 - share) * output.losses + share * taught)

    def metrics(self) -> Metrics:
        """Those of the objective."""
        return self._objective.metrics()

    def update_metrics(self, metrics: Any, output: Output, count: int) -> None:
        """As the objective counts."""
        self._objective.update_metrics(metrics, output, count)

    def shown_answers(self, batch: Batch, output: Output, count: int) -> Sequence[Answer]:
        """As the objective answers."""
        return self._objective.shown_answers(batch, output, count)

    def sample(self) -> WrittenSample | None:
        """What the objective writes."""
        return self._objective.sample()

    def preview(self, example: Example) -> Report:
        """As the objective shows it."""
        return self._objective.preview(example)

    def conclude(self, metrics: dict[str, float], trained: Callable[[str], nn.Module]) -> None:
        """Let the objective conclude."""
        self._objective.conclude(metrics, trained)

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write the objective's result: nothing of the teacher is in it."""
        self._objective.export(module, folder)


def _joined(batch: Batch, lessons: Batch) -> Batch:
    return {**batch, **{OF_TEACHER + name: tensor for name, tensor in lessons.items()}}


def _divided(batch: Batch) -> tuple[Batch, Batch]:
    """What the objective made, and the lessons."""
    own = {name: tensor for name, tensor in batch.items() if not name.startswith(OF_TEACHER)}
    lessons = {name[len(OF_TEACHER) :]: tensor for name, tensor in batch.items() if name not in own}
    return own, lessons
