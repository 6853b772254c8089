"""How many examples are computed at once where that was left to zoo: as many as there is memory for.

The choice changes no result beyond rounding. On an accelerator it is found by trying, with the longest examples; on a
CPU it is what the objective says, unless memory is short.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from zoo.memory import is_out_of_memory, release_memory
from zoo.places.node import local_world_size
from zoo.plurals import counted
from zoo.training.device_memory import counts_peaks, forget_peak, limit_bytes, peak_bytes, used_bytes
from zoo.training.examples import Examples
from zoo.training.out_of_memory import Traces
from zoo.training.parallel import gather_objects
from zoo.training.rehearsal import gradients, longest
from zoo.training.setup import TrainingSetup
from zoo.training.sharding import local
from zoo.units import size as in_words

SHARE = 0.8
"""Of the memory that can be had, how much a step may take: the rest is for what lies between, and for surprises."""
PLENTY, PLENTY_A_BYTE = 8_000_000_000, 40
"""Free memory that suffices on a CPU for what objectives say, and how much more for each byte of the parameters."""
MOMENTS = 2
"""Numbers that the optimizer keeps of each that is trained, from the first step on; gradients are another one."""
TRIED = 2
"""Fewest examples that tell what one takes: batch norms want more than one."""


def chosen_sizes(setup: TrainingSetup, train_sets: Sequence[Examples]) -> tuple[int, ...]:
    """Examples of each source that one process computes at once; none where those of the plan are."""
    planned = tuple(plan.micro_batch_size for plan in setup.plan.sources)
    if setup.options.micro_batch_size is not None or setup.method.body_is_frozen or setup.private:
        return ()
    device = setup.accelerator.device
    find = find_for(device)
    if find is None or (find is _that_fits and (setup.is_sharded or not _is_short(setup))):
        return ()
    setup.method.train_mode()
    traces = Traces(setup.method.module)
    traces.keep()
    found = [find(setup, i, examples, size) for i, (examples, size) in enumerate(zip(train_sets, planned, strict=True))]
    traces.put_back()
    release_memory()
    sizes = tuple(map(min, zip(*gather_objects(found, setup.accelerator), strict=True)))
    for source, plan, size in zip(setup.sources, setup.plan.sources, sizes, strict=True):
        if size != plan.micro_batch_size:
            of = f" of {source.name}" if source.name else ""
            room = in_words(limit_bytes(device))
            setup.run.note(f"micro-batch: {counted(size, 'example')}{of} at once, as measured, in {room} of memory")
    return sizes


def find_for(device: torch.device) -> Callable[[TrainingSetup, int, Examples, int], int] | None:
    """How the size is found on a device; None where it keeps no count of its memory."""
    if device.type == "cpu":
        return _that_fits
    return _tried if counts_peaks(device) else None


def _is_short(setup: TrainingSetup) -> bool:
    """Whether what there is of a machine's memory may not suffice."""
    parameters = sum(parameter.nbytes for parameter in setup.method.module.parameters())
    processes = local_world_size(setup.run.world_size)
    return limit_bytes(setup.accelerator.device) < PLENTY + PLENTY_A_BYTE * parameters * processes


def _tried(setup: TrainingSetup, source: int, examples: Examples, planned: int) -> int:
    """A few examples, then as many as these say that there is room for, up to the whole batch.

    Where they were wrong, half as many each time. Processes that divide a network double, as what they try in vain
    takes them long.
    """
    whole = math.ceil(setup.plan.sources[source].batch_size / setup.run.world_size)
    sizes = {math.ceil(whole / 2**halvings) for halvings in range(whole.bit_length() + 1)}
    untried = {size for size in sizes if size >= min(TRIED, whole)}
    room = int(SHARE * limit_bytes(setup.accelerator.device)) - _still_to_come(setup, MOMENTS)
    room = -_most(setup, -room)
    size, fitting = min(untried), 1
    while True:
        before = _most(setup, used_bytes(setup.accelerator.device))
        taken = _taken(setup, source, examples, size)
        if taken is None:
            release_memory()
            untried = {one for one in untried if fitting < one < size}
        else:
            fitting, taken = size, _most(setup, taken)
            untried = {one for one in untried if one > size and before + taken * one / size <= room}
        if not untried:
            return fitting
        size = min(untried) if setup.is_sharded else max(untried)


def _taken(setup: TrainingSetup, source: int, examples: Examples, size: int) -> int | None:
    """Bytes that the gradients of so many examples take on a device that counts them; None where it has too few."""
    device = setup.accelerator.device
    before = used_bytes(device)
    forget_peak(device)
    try:
        gradients(setup, source, examples, longest(examples, size))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return None
    finally:
        setup.method.module.zero_grad()
    return peak_bytes(device) - before


def _most(setup: TrainingSetup, figure: int) -> int:
    """The most of all processes, where these have to try the same sizes, as they compute a network together."""
    return max(gather_objects(figure, setup.accelerator)) if setup.is_sharded else figure


def _that_fits(setup: TrainingSetup, source: int, examples: Examples, planned: int) -> int:
    """As many as planned, or half of them, and so on, by what a few keep for their gradients."""
    processes = local_world_size(setup.run.world_size)
    count = min(TRIED, planned, len(examples))
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        gradients(setup, source, examples, longest(examples, count))
    setup.method.module.zero_grad()
    for parameter in setup.method.module.parameters():
        kept.pop(parameter.untyped_storage().data_ptr(), None)
    room = SHARE * limit_bytes(setup.accelerator.device) - processes * _still_to_come(setup, 1 + MOMENTS)
    size = planned
    while size > 1 and processes * size * sum(kept.values()) / count > room:
        size = math.ceil(size / 2)
    return size


def _still_to_come(setup: TrainingSetup, numbers: int) -> int:
    """Bytes of so many numbers of each that is trained."""
    trained = (local(parameter) for parameter in setup.method.module.parameters() if parameter.requires_grad)
    return numbers * sum(parameter.nbytes for parameter in trained)
