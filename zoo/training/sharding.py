"""Networks divided among processes: each keeps a part of every parameter, its gradient and its moments.

PyTorch's FSDP2 (Zhao et al. 2023, arXiv:2304.11277) gathers a layer while it computes and gives it up again. Gradients
are added up after every micro-batch: to wait for the last one, as replicas do, would keep the whole gradient on each
device. Weights are gathered in float32 and cast by autocast, as without sharding: the results are the same up to
rounding, for twice the bytes on the wire and one layer at a time in twice the bytes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.distributed
from torch import nn

from zoo.training.meetings import CountedAllGather, CountedReduceScatter
from zoo.training.parallel import group_of_cpus, sum_over_ranks
from zoo.training.scalars import Scalar, scalar

if TYPE_CHECKING:
    from accelerate.accelerator import Accelerator


class Rows(NamedTuple):
    """Which rows of a tensor a process has: from `first` on so many, of all."""

    first: int
    size: int
    of: int


def shard(module: nn.Module, layers: Iterable[nn.Module], accelerator: Accelerator) -> int:
    """Divide a module among all processes, in place; what computes it brings it together piece by piece.

    Args:
        module: on the CPU, the same network in each process.
        layers: those that are gathered one after the other; the rest of the module is gathered at once.
        accelerator: knows the processes.

    Returns:
        How many layers are gathered by themselves.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    whole = set(undivided(module))
    for parameter in module.parameters():
        parameter.data = parameter.data.contiguous()
    _begin_alike(module)
    for parameter in whole:
        parameter.data = parameter.data.to(accelerator.device)
    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    pieces = _with_own_parameters(module, layers)
    for piece in (*pieces, module):
        fully_shard(piece, mesh=mesh, ignored_params=whole)
    for part in _divided(module):
        part.set_force_sum_reduction_for_comms(True)  # processors know no mean of what they bring together
        part.set_custom_all_gather(CountedAllGather())
        part.set_custom_reduce_scatter(CountedReduceScatter())
    return len(pieces)


def undivided(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that every process has whole: single numbers."""
    return [parameter for parameter in module.parameters() if parameter.ndim == 0]


def _begin_alike(module: nn.Module) -> None:
    """Let all processes begin from the numbers of the first, as random ones may differ where a plugin does not seed."""
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_contiguous():
                torch.distributed.broadcast(tensor.data, 0, group=group_of_cpus())


def _with_own_parameters(module: nn.Module, layers: Iterable[nn.Module]) -> list[nn.Module]:
    """The layers that have parameters, none of which is used elsewhere, too."""
    users: dict[nn.Parameter, set[nn.Module]] = {}
    for user in module.modules():
        for parameter in user.parameters(recurse=False):
            users.setdefault(parameter, set()).add(user)
    inside = set(module.modules()) - {module}
    pieces = []
    for layer in dict.fromkeys(layers):
        parameters, parts = set(layer.parameters()), set(layer.modules())
        if layer in inside and parameters and all(users[parameter] <= parts for parameter in parameters):
            pieces.append(layer)
    return pieces


def local(tensor: torch.Tensor) -> torch.Tensor:
    """What this process has of a tensor; all of one that is not divided."""
    if not hasattr(tensor, "to_local"):
        return tensor
    with torch.no_grad():
        part: torch.Tensor = tensor.to_local()
        return part.detach()


def rows_of(tensor: torch.Tensor) -> Rows | None:
    """Which rows of a tensor this process has; None where it has all, as it is not divided."""
    if not hasattr(tensor, "to_local"):
        return None
    divided: Any = tensor
    total, processes = tensor.shape[0], divided.device_mesh.size()
    first = min(total, divided.device_mesh.get_local_rank() * -(-total // processes))
    return Rows(first, local(tensor).shape[0], total)


def total_norm(gradients: Sequence[torch.Tensor], accelerator: Accelerator) -> Scalar:
    """The L2 norm of gradients of which this process has parts; those of single numbers, which all have, count once."""
    parts = [local(gradient) for gradient in gradients if rows_of(gradient)]
    whole = [gradient for gradient in gradients if rows_of(gradient) is None]
    of_parts, of_whole = (scalar(nn.utils.get_total_norm(some)) for some in (parts, whole))
    (square,) = sum_over_ranks([of_parts * of_parts], accelerator)
    norm: Scalar = (square + of_whole * of_whole) ** 0.5
    return norm


def gather(module: nn.Module, *, here: bool) -> None:
    """Let a module be as it was before it was divided, on the CPU, in the processes that ask for it.

    All of them have to call this: parameters are brought together one after the other.

    Args:
        module: that was given to `shard`.
        here: whether this process wants it.
    """
    whole: dict[nn.Parameter, nn.Parameter] = {}
    give_up(module)
    for part in module.modules():
        for name, parameter in list(part._parameters.items()):
            if parameter is None or rows_of(parameter) is None:
                continue
            if parameter not in whole:
                tensor = _whole(parameter)
                kept = nn.Parameter(tensor.cpu(), requires_grad=parameter.requires_grad) if here else parameter
                whole[parameter] = kept
            if here:
                part._parameters[name] = whole[parameter]
    if here:
        for part in list(_divided(module)):
            _leave(part)


@contextlib.contextmanager
def gathered(module: Any) -> Iterator[None]:
    """Let all that is not in a layer be there in all processes, which then have to compute the same parts of a module
    in the same order; what a forward pass has left gathered is given up afterwards.
    """
    module.unshard()
    try:
        yield
    finally:
        give_up(module)


@contextlib.contextmanager
def assembled(module: Any) -> Iterator[None]:
    """Let each process have all of a module, and go through it as often as it likes; nothing is learnt meanwhile."""
    root = module._get_fsdp_state()
    if root._is_root is None:  # nothing was computed yet: what computes first would be taken for the root
        root._lazy_init()
    parts = list(_divided(module))
    for part in parts:
        part.set_reshard_after_forward(False, recurse=False)
        part.unshard()
    try:
        yield
    finally:
        for part in parts:
            part.set_reshard_after_forward(part is not module, recurse=False)
        give_up(module)


def give_up(module: nn.Module) -> None:
    """Let go of what a forward pass alone has left gathered; what is computed next gathers the newest weights."""
    for part in _divided(module):
        part.reshard()


def whole_state(tensors: dict[str, torch.Tensor], *, here: bool) -> dict[str, torch.Tensor]:
    """Tensors brought together one after the other, on the CPU of the processes that ask for them.

    Args:
        tensors: by name; those that are not divided are taken as they are.
        here: whether this process wants them.
    """
    state = {}
    for name, tensor in tensors.items():
        whole = _whole(tensor)
        if here:
            state[name] = whole.cpu().contiguous()
    return state


@torch.no_grad()
def _whole(tensor: torch.Tensor) -> torch.Tensor:
    """All of a tensor, in all processes, on the device."""
    divided: Any = tensor.detach()
    whole: torch.Tensor = divided.full_tensor() if hasattr(divided, "full_tensor") else divided
    return whole


def same_buffers(module: nn.Module) -> None:
    """Let all processes have the buffers of the first, as the statistics of batch norms."""
    for buffer in module.buffers():
        if buffer.is_contiguous():  # others are constants
            torch.distributed.broadcast(buffer, 0)


def _divided(module: nn.Module) -> Iterator[Any]:
    from torch.distributed.fsdp import FSDPModule

    return (part for part in module.modules() if isinstance(part, FSDPModule))


def _leave(module: Any) -> None:
    """Take a module out of FSDP, which has no way back itself: its class, and what it does before and after a pass."""
    state = module._get_fsdp_state()
    state._pre_forward_hook_handle.remove()
    state._post_forward_hook_handle.remove()
    module.__class__ = type(module).__mro__[2]
