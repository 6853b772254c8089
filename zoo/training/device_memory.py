"""How much memory a training has taken where it computes, and how much it could have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from zoo import memory
from zoo.accelerators import WITH_STREAMS
from zoo.places.node import local_world_size
from zoo.training.parallel import gather_objects

if TYPE_CHECKING:
    from accelerate.accelerator import Accelerator


def forget_peak(device: torch.device) -> None:
    """Let `peak_bytes` count from now on, where that can be."""
    if device.type == "cpu":
        memory.forget_peak()
    elif (statistics := _statistics(device)) is not None:
        statistics.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int:
    """The most memory that this process has had at once; on a device that keeps no count, what it has now."""
    if device.type == "cpu":
        return memory.peak_bytes()
    if device.type == "mps":
        return int(torch.mps.driver_allocated_memory())
    statistics = _statistics(device)
    return 0 if statistics is None else int(statistics.max_memory_allocated(device))


def limit_bytes(device: torch.device) -> int:
    """What this process can have in all: what it has, and what is free; 0 where that is not known."""
    if device.type == "cpu":
        return memory.available_bytes() + memory.resident_bytes()
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    statistics = _statistics(device)
    return 0 if statistics is None else int(statistics.mem_get_info(device)[0] + statistics.memory_reserved(device))


def limit_of_all(accelerator: Accelerator) -> int:
    """What the processes of a training can have where they compute: on processors those of a machine, else each."""
    device = accelerator.device
    if device.type == "cpu":
        return limit_of_machine(accelerator)
    return int(min(gather_objects(limit_bytes(device), accelerator)))


def limit_of_machine(accelerator: Accelerator) -> int:
    """What all processes of a machine can have of its memory; of several machines, where it is least."""
    pairs = gather_objects((memory.available_bytes(), memory.resident_bytes()), accelerator)
    available, resident = zip(*pairs, strict=True)
    free = available[:: local_world_size(accelerator.num_processes)]
    return min(map(sum, zip(free, of_machines(resident), strict=True)))


def of_machines(figures: Sequence[int]) -> list[int]:
    """The sums of figures of processes that are on one machine, by the machines.

    Args:
        figures: in the order of ranks, of which each machine has some in a row.
    """
    beside = local_world_size(len(figures))
    return [sum(figures[first : first + beside]) for first in range(0, len(figures), beside)]


def used_bytes(device: torch.device) -> int:
    """What this process has now; 0 of an accelerator that does not count it."""
    if device.type == "cpu":
        return memory.resident_bytes()
    if device.type == "mps":
        return int(torch.mps.current_allocated_memory())
    statistics = _statistics(device)
    return 0 if statistics is None else int(statistics.memory_allocated(device))


def counts_peaks(device: torch.device) -> bool:
    """Whether an accelerator remembers the most that was in use."""
    return _statistics(device) is not None


def _statistics(device: torch.device) -> Any:
    """What counts the memory of an accelerator; None where nothing does."""
    return getattr(torch, device.type) if device.type in WITH_STREAMS else None
