"""A head on a frozen body: what the body says of an example is the same in every epoch, so it is asked once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from zoo.portions import Portions
from zoo.training.batches import EVALUATION, MicroBatch, evaluation_batches
from zoo.training.examples import Examples
from zoo.training.objective import Batch, Objective

if TYPE_CHECKING:
    from accelerate.accelerator import Accelerator

MAX_BYTES = 2_000_000_000
"""Most memory for what the body said; with more examples it is asked in every step."""


@dataclass(frozen=True)
class ReducedExamples:
    """A data set as the head sees it."""

    batch: Batch
    """Of all examples, each tensor of shape (examples, ...), on the CPU."""
    lengths: list[int]
    weights: list[float]
    """Of each example in the loss."""

    def __len__(self) -> int:
        return len(self.lengths)

    def collate(self, part: MicroBatch, *, epoch: int) -> tuple[Batch, torch.Tensor]:
        """Pick the rows of a batch; see `EncodedExamples.collate`."""
        rows = torch.tensor(part.indices)
        weights = [self.weights[i] for i in part.indices[: part.count]] + [0.0] * (len(rows) - part.count)
        return {name: tensor[rows] for name, tensor in self.batch.items()}, torch.tensor(weights)


def reduce(
    objective: Objective[Any],
    examples: Examples,
    accelerator: Accelerator,
    should_stop: Callable[[], bool],
    portions: Portions,
) -> Examples:
    """Ask the body about every example.

    Args:
        objective: has the body.
        examples: that it is asked about.
        accelerator: says where.
        should_stop: whether to give up.
        portions: how many at once.

    Returns:
        What the head sees of them; the examples themselves where the objective has no body that can be asked once,
        where that would take too much memory, or where a stop was asked for meanwhile.
    """
    objective.module.eval()
    order: list[int] = []
    parts: list[Batch] = []

    def ask(indices: list[int]) -> tuple[list[int], Batch | None]:
        batch, _ = examples.collate(MicroBatch(indices, len(indices)), epoch=EVALUATION)
        placed = {name: tensor.to(accelerator.device) for name, tensor in batch.items()}
        with torch.no_grad(), accelerator.autocast():
            return indices, objective.reduced(objective.module, placed)

    for together in evaluation_batches(examples.lengths, portions.most):
        for indices, reduced in portions.each(ask, together):
            if reduced is None or should_stop() or _bytes(reduced) / len(indices) * len(examples) > MAX_BYTES:
                return examples
            order += indices
            parts.append({name: tensor.cpu() for name, tensor in reduced.items()})
    if not parts:
        return examples
    back = torch.tensor(order).argsort()
    return ReducedExamples(
        {name: _joined([part[name] for part in parts])[back] for name in parts[0]},
        examples.lengths,
        examples.weights,
    )


def _joined(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """One tensor of all rows; rows of parts that are smaller have zeros at the ends."""
    sizes = [max(sizes) for sizes in zip(*(part.shape[1:] for part in parts), strict=True)]
    joined = parts[0].new_zeros(sum(map(len, parts)), *sizes)
    start = 0
    for part in parts:
        joined[(slice(start, start + len(part)), *map(slice, part.shape[1:]))] = part
        start += len(part)
    return joined


def _bytes(batch: Batch) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in batch.values())
