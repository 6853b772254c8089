"""What processes that divide a network bring together, one after the other: FSDP's collectives, counted.

One that has fallen out of a pass can go through it again, and leave out those that it took part in.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import torch
import torch.distributed


class Meetings:
    """Those of this process."""

    def __init__(self) -> None:
        self._attended = self._left_out = 0

    def begin(self) -> None:
        """Count from now on."""
        self._attended = 0

    @contextlib.contextmanager
    def missed(self) -> Iterator[None]:
        """Leave out those that were attended since `begin`: what they would give is 0."""
        self._left_out = self._attended
        try:
            yield
        finally:
            self._left_out = 0

    def attend(self, meet: Callable[[], Any], output: torch.Tensor) -> Any:
        """Take part in the next one, unless it is to be left out.

        Args:
            meet: takes part.
            output: what it writes to.
        """
        if self._left_out:
            self._left_out -= 1
            output.zero_()
            return None
        work = meet()
        self._attended += 1
        return work


@cache
def meetings() -> Meetings:
    """As a process is in one company only."""
    return Meetings()


class _Allocating:
    def allocate(self, size: Sequence[int], *, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        """Memory for what is brought together, as FSDP has it by itself."""
        return torch.empty(*size, dtype=dtype, device=device)


class CountedAllGather(_Allocating):
    """Brings the parts of parameters together."""

    def __call__(
        self, output_tensor: torch.Tensor, input_tensor: torch.Tensor, group: Any, async_op: bool = False
    ) -> Any:
        """As FSDP asks."""
        gather = torch.distributed.all_gather_into_tensor
        return meetings().attend(lambda: gather(output_tensor, input_tensor, group, async_op), output_tensor)


class CountedReduceScatter(_Allocating):
    """Adds gradients up, and deals them out."""

    def __call__(
        self, output_tensor: torch.Tensor, input_tensor: torch.Tensor, group: Any, op: Any, async_op: bool = False
    ) -> Any:
        """As FSDP asks."""
        reduce = torch.distributed.reduce_scatter_tensor
        return meetings().attend(lambda: reduce(output_tensor, input_tensor, op, group, async_op), output_tensor)
