"""The few numbers that a step comes down to: losses, a norm, a factor.

On a CPU they are floats. On an accelerator they stay tensors of shape () there, since to read one is to wait until all
that was launched before is computed; what wants to be told is read when later work is on its way.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, TypeVar

import torch

from zoo.accelerators import WITH_STREAMS

Scalar = float | torch.Tensor
"""A float, or a tensor of shape () on the device."""
_TINY = 1e-30
_WITH_DOUBLES = ("cpu", "cuda")
"""Apple's devices have none, nor have all of Intel's."""
Item = TypeVar("Item")


def reading_waits(device: torch.device) -> bool:
    """Whether whoever reads a number from a device waits for all that it was given to do."""
    return device.type != "cpu"


def scalar(tensor: torch.Tensor) -> Scalar:
    """What a tensor of shape () says: at once where nobody waits for it, else left where it is."""
    return tensor.detach().to(_dtype(tensor.device)) if reading_waits(tensor.device) else tensor.item()


def _dtype(device: torch.device) -> torch.dtype:
    """As many bits as a device adds numbers up in."""
    return torch.float64 if device.type in _WITH_DOUBLES else torch.float32


def in_double(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor in float64: where it is, or on the CPU if its device knows no such numbers."""
    return tensor.double() if tensor.device.type in _WITH_DOUBLES else tensor.cpu().double()


def together(scalars: Sequence[Scalar], device: torch.device) -> torch.Tensor:
    """Shape (scalars,), on a device."""
    there = [
        one if isinstance(one, torch.Tensor) else torch.full((), one, dtype=_dtype(device), device=device)
        for one in scalars
    ]
    return torch.stack(there)


def quotient(dividend: Scalar, divisor: Scalar) -> Scalar:
    """One number divided by another that is not negative; where that is 0, the first is too, and 0 comes out."""
    if isinstance(divisor, torch.Tensor):
        return dividend / divisor.clamp(min=_TINY)
    return dividend / divisor if divisor else 0.0


def exponential(exponent: Scalar) -> Scalar:
    """E to the power of a number."""
    return exponent.exp() if isinstance(exponent, torch.Tensor) else math.exp(exponent)


def shortening(norm: Scalar, limit: float, eps: float) -> Scalar:
    """What vectors of a norm are multiplied by so that it is at most the limit."""
    if isinstance(norm, torch.Tensor):
        return (limit / (norm + eps)).clamp(max=1.0)
    return limit / (norm + eps) if norm > limit else 1.0


def scale(tensors: list[torch.Tensor], factor: Scalar) -> None:
    """Multiply tensors by a number, in place."""
    if isinstance(factor, torch.Tensor):
        torch._foreach_mul_(tensors, factor.to(tensors[0].dtype))
    elif factor != 1.0:
        torch._foreach_mul_(tensors, factor)


class Arriving:
    """Tensors on their way to the CPU, without anybody waiting for them.

    Args:
        tensors: by name, on one device.
    """

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        devices = {tensor.device for tensor in tensors.values() if tensor.device.type in WITH_STREAMS}
        self._arrived: torch.Event | None = None
        if devices:
            (device,) = devices
            self._tensors = {name: tensor.to("cpu", non_blocking=True) for name, tensor in tensors.items()}
            self._arrived = torch.Event(device)
            self._arrived.record(torch.accelerator.current_stream(device))
        else:
            self._tensors = {name: tensor.cpu() for name, tensor in tensors.items()}

    def tensors(self) -> dict[str, torch.Tensor]:
        """All of them, on the CPU, once they are there."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return self._tensors


class Reading:
    """Scalars that are told later.

    Args:
        scalars: of one step.
    """

    def __init__(self, scalars: Sequence[Scalar]) -> None:
        self._scalars = scalars
        there = [one for one in scalars if isinstance(one, torch.Tensor)]
        self._there = Arriving({"scalars": torch.stack(there)}) if there else None

    def values(self) -> list[float]:
        """The numbers, in order."""
        there = iter(self._there.tensors()["scalars"].tolist() if self._there else ())
        return [next(there) if isinstance(one, torch.Tensor) else one for one in self._scalars]


class Launched(Generic[Item]):
    """What a device was given to compute, in order; accounted for when the next is on its way.

    By then it is computed, and the device has work; where nobody waits for numbers, at once.

    Args:
        device: that computes.
    """

    def __init__(self, device: torch.device) -> None:
        self._kept = 1 if reading_waits(device) else 0
        self._items: deque[Item] = deque()

    def add(self, *items: Item) -> None:
        """The next ones."""
        self._items.extend(items)

    def due(self) -> Iterator[Item]:
        """Those that can be accounted for without waiting; each is given once."""
        yield from self._first(len(self._items) - self._kept)

    def all(self) -> Iterator[Item]:
        """Those that are left, to be waited for."""
        yield from self._first(len(self._items))

    def _first(self, count: int) -> Iterator[Item]:
        for _ in range(count):
            yield self._items.popleft()
