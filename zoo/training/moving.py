"""Batches on their way to an accelerator, which computes meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Generator

import torch

from zoo.accelerators import WITH_STREAMS
from zoo.training.objective import Batch

WeightedBatch = tuple[Batch, torch.Tensor]
"""A batch, and the weight of each of its examples."""


def ready_to_move(weighted: WeightedBatch, device: torch.device) -> WeightedBatch:
    """A batch in memory that a device can fetch it from by itself; called where batches are made, as it is a copy."""
    return _each(weighted, torch.Tensor.pin_memory) if device.type in WITH_STREAMS else weighted


def moved(batches: Generator[WeightedBatch, None, None], device: torch.device) -> Generator[WeightedBatch, None, None]:
    """Batches on a device.

    One that can copy while it computes does so: a batch is asked for as soon as the work on the one before it was
    launched, and copied on a stream of its own, for which the stream that computes waits.
    """
    copying = torch.Stream(device) if device.type in WITH_STREAMS else None
    try:
        for weighted in batches:
            if copying is None:
                yield weighted if device.type == "cpu" else _each(weighted, lambda tensor: tensor.to(device))
            else:
                yield _copied(weighted, copying, torch.accelerator.current_stream(device))
    finally:
        batches.close()


def on_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor of the CPU on a device; nobody waits for its copy where the device fetches it by itself."""
    if device.type in WITH_STREAMS:
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def _copied(weighted: WeightedBatch, copying: torch.Stream, computing: torch.Stream) -> WeightedBatch:
    """A batch on the device, to be used on the stream that computes; its memory is given to no other before."""
    with copying:
        batch, weights = _each(weighted, lambda tensor: tensor.to(copying.device, non_blocking=True))
    computing.wait_event(copying.record_event())
    for tensor in (*batch.values(), weights):
        tensor.record_stream(computing)
    return batch, weights


def _each(weighted: WeightedBatch, change: Callable[[torch.Tensor], torch.Tensor]) -> WeightedBatch:
    batch, weights = weighted
    return {name: change(tensor) for name, tensor in batch.items()}, change(weights)
