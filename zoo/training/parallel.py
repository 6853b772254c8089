"""Where training computes: the device, the precision and the processes that share it, through accelerate."""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed
from torch import nn

from zoo.accelerators import WITH_STREAMS
from zoo.devices import computing_threads
from zoo.errors import RunFailed
from zoo.places.node import local_world_size
from zoo.training.scalars import Scalar, scalar, together

if TYPE_CHECKING:
    from accelerate.accelerator import Accelerator

    from zoo.runs.context import TrainingRun

_MIXED = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def make_accelerator(run: TrainingRun) -> Accelerator:
    """Set accelerate up for the run's device, precision and processes.

    Raises:
        RunFailed: fewer or more processes came up than the run was asked to use.
    """
    from accelerate.accelerator import Accelerator

    atexit.unregister(_leave)
    kind = torch.device(run.device).type
    if run.world_size == 1 and kind != "cpu":
        os.environ["ACCELERATE_TORCH_DEVICE"] = run.device
        if kind in WITH_STREAMS:  # accelerate sets it where there are several processes only
            torch.accelerator.set_device_index(torch.device(run.device).index or 0)
    if kind == "cpu":
        _share_cores(local_world_size(run.world_size))
    accelerator = Accelerator(cpu=kind == "cpu", mixed_precision=_MIXED[run.precision])
    if accelerator.num_processes != run.world_size:
        raise RunFailed(
            f"{run.world_size} processes were asked for, but {accelerator.num_processes} came up",
            "this is a fault of the launcher; see the log",
        )
    return accelerator


def leave_at_exit(run: TrainingRun) -> None:
    """Let this process take leave of the others before Python ends, once all of them have trained to the end together.

    Else a thread of gloo that still needs Python then may abort it. One that failed does not wait for what the others
    have not computed with it.
    """
    if run.world_size > 1:
        atexit.unregister(_leave)
        atexit.register(_leave)


def _leave() -> None:
    group_of_cpus.cache_clear()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    gc.collect()  # networks that hold a group are in circles


def _share_cores(processes: int) -> None:
    """Give each of several processes of a machine its part of the cores; torch's own choice is right for one."""
    if processes > 1:
        torch.set_num_threads(computing_threads(processes))


def joined(module: nn.Module, accelerator: Accelerator) -> nn.Module:
    """The module on the device; of several processes, what averages their gradients, around it."""
    module.to(accelerator.device)
    if accelerator.num_processes == 1:
        return module
    from torch.nn.parallel import DistributedDataParallel

    on_cpu = accelerator.device.type == "cpu"
    return DistributedDataParallel(module, device_ids=None if on_cpu else [accelerator.device])


def join_gradients(module: nn.Module) -> None:
    """Let the next backward pass average the gradients over all processes, also after forward passes within `no_sync`.

    As at the end of a forward pass outside of it, which decides on this too early: whether all processes have enough
    memory is known only once each has computed its own.
    """
    network: Any = module  # around it is torch's DistributedDataParallel
    network.require_forward_param_sync = True
    network.reducer.prepare_for_backward([])


def average_over_ranks(tensors: Sequence[torch.Tensor], accelerator: Accelerator) -> None:
    """Replace tensors of which every process has one of its own by their mean over all processes."""
    if accelerator.num_processes == 1 or not tensors:
        return
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    torch.distributed.all_reduce(flat)
    flat /= accelerator.num_processes
    means = torch.split(flat, [tensor.numel() for tensor in tensors])
    for tensor, mean in zip(tensors, means, strict=True):
        tensor.copy_(mean.view_as(tensor))


def sum_over_ranks(values: Sequence[Scalar], accelerator: Accelerator) -> list[Scalar]:
    """Add numbers up over all processes; all get the same sums, and no accelerator is waited for."""
    if accelerator.num_processes == 1:
        return list(values)
    sums = together(values, accelerator.device)
    torch.distributed.all_reduce(sums)
    return [scalar(value) for value in sums.unbind()]


def in_any_rank(flag: bool, accelerator: Accelerator) -> bool:
    """Whether something is so in any process: asked of the processors, so that no accelerator is waited for."""
    if accelerator.num_processes == 1:
        return flag
    ranks = torch.tensor([float(flag)])
    torch.distributed.all_reduce(ranks, group=group_of_cpus())
    return ranks.item() > 0


@cache
def group_of_cpus() -> Any:
    """All processes, which speak to one another without their devices."""
    return torch.distributed.new_group(backend="gloo")


def gather_objects(value: Any, accelerator: Accelerator) -> list[Any]:
    """The value of every process, in the order of ranks, in every process."""
    if accelerator.num_processes == 1:
        return [value]
    values: list[Any] = [None] * accelerator.num_processes
    torch.distributed.all_gather_object(values, value)
    return values
