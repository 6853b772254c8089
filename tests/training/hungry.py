"""A toy on a device with room for a number of examples at once; as a program, one of the processes that train it."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.training.toy import Net, Toy, make_run
from zoo.training import Batch, Output

SAID = "CUDA out of memory. Tried to allocate 2.00 GiB."


class NormedNet(Net):
    """Notes down the statistics of each batch, also of those that do not fit in the end."""

    def __init__(self, dropout: float) -> None:
        super().__init__(dropout)
        self.body = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(dropout))


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
    rank = int(os.environ["RANK"])
    options: dict[str, Any] = {"epochs": 2, "batch_size": 16, "micro_batch_size": int(micro_batch_size)}
    run, events = make_run(Path(folder), **options)
    HungryToy(int(most[rank])).fit(dataclasses.replace(run, rank=rank, world_size=len(most)))
    if rank == 0:
        print(*(type(event).__name__ for event in events))


if __name__ == "__main__":
    main(*sys.argv[1:])
