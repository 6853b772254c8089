"""A toy on a device with room for a number of examples at once; as a program, one of the processes that train it."""

from __future__ import annotations

import atexit
import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from torch import nn

from tests.training.toy import Net, Toy, make_run
from zoo.runs.events import encode
from zoo.training import Batch, Output

SAID = "CUDA out of memory. Tried to allocate 2.00 GiB."


class NormedNet(Net):
    """Notes down the statistics of each batch, also of those that do not fit in the end."""

    def __init__(self, dropout: float) -> None:
        super().__init__(dropout)
        self.body = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(dropout))


class _Digested(torch.autograd.Function):
    """Gradients need memory."""

    @staticmethod
    def forward(context: Any, vectors: torch.Tensor, most: int) -> torch.Tensor:
        context.most = most
        return vectors.view_as(vectors)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> Any:
        if len(gradients[0]) > context.most:
            raise torch.OutOfMemoryError(SAID)
        return gradients[0], None


class HungryBlock(nn.Module):
    """A layer that has room for a number of examples: forward with gradients, without them, and backward."""

    def __init__(self, most: int, judged: int, most_gradients: int) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(8, 8), nn.BatchNorm1d(8)
        self._most, self._judged, self._most_gradients = most, judged, most_gradients

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        if len(vectors) > (self._most if torch.is_grad_enabled() else self._judged):
            raise torch.OutOfMemoryError(SAID)
        return _Digested.apply(self.norm(self.linear(vectors)).tanh(), self._most_gradients)


class LayeredToy(Toy):
    """Has layers that are divided one by one, of which the second is hungry; see `HungryBlock`."""

    def __init__(self, most: int = 2**30, judged: int = 2**30, most_gradients: int = 2**30) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.module = Net(0.1)
        plenty = (2**30, 2**30, 2**30)
        blocks = (HungryBlock(*plenty), HungryBlock(most, judged, most_gradients), HungryBlock(*plenty))
        self.module.body = nn.Sequential(nn.Linear(3, 8), *blocks, nn.Dropout(0.1))


class HungryToy(Toy):
    """Its losses need memory of a device that has too little from some call on.

    Args:
        most: examples that there is room for.
        judged: the same without gradients.
        enough: calls in training that have all the memory they want.
        normed: whether the network notes down statistics.
    """

    def __init__(self, most: int = 2**30, judged: int = 2**30, enough: int = 0, *, normed: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.module = NormedNet(0.1) if normed else Net(0.1)
        self._most, self._judged, self._enough = most, judged, enough

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        output = super().losses(module, batch)
        learns = torch.is_grad_enabled()
        most = self._most if self.calls > self._enough else 2**30
        if len(batch["labels"]) > (most if learns else self._judged):
            raise torch.OutOfMemoryError(SAID)
        return output

    def reduced(self, module: nn.Module, batch: Batch) -> Batch:
        if len(batch["labels"]) > self._judged:
            raise torch.OutOfMemoryError(SAID)
        return batch


def main(folder: str, micro_batch_size: str, *most: str) -> None:
    """Train as the process of a number, with room for as many examples as is said of it."""
    train(Path(folder), HungryToy(int(most[rank()])), int(micro_batch_size))


def divided(folder: str) -> None:
    """Train networks in parts, of which one process has room for less; one after the other, each in its own folder."""
    hungry = {"asked": {}, "forward": {"most": 3}, "backward": {"most_gradients": 3}, "judged": {"judged": 3}}
    for name, room in hungry.items():
        train(Path(folder) / name, LayeredToy(**(room if rank() else {})), 8 if room else 2, shard=True)


def rank() -> int:
    """The number of this process."""
    return int(os.environ["RANK"])


def train(folder: Path, toy: Toy, micro_batch_size: int, *, shard: bool = False) -> None:
    """Take part in a training; the first process says which events there were."""
    options: dict[str, Any] = {"epochs": 2, "batch_size": 16, "micro_batch_size": micro_batch_size}
    run, events = make_run(folder, **options)
    processes = int(os.environ["WORLD_SIZE"])
    toy.fit(dataclasses.replace(run, rank=rank(), world_size=processes, shard=shard))
    if rank() == 0:
        print(*(encode(event).decode() for event in events), sep="\n")


def insist_on_leave() -> None:
    """Fail where this process still belongs to the others as Python ends: threads of gloo may abort it then."""
    if torch.distributed.is_initialized():
        os._exit(70)


if __name__ == "__main__":
    atexit.register(insist_on_leave)  # the first to be registered is the last to be called
    divided(*sys.argv[2:]) if sys.argv[1] == "divided" else main(*sys.argv[1:])
