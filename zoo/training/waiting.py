"""What makes whoever asks wait for a device."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from torch.autograd.profiler import profile

WAIT = frozenset(
    {
        "_local_scalar_dense",
        "_unique2",
        "bincount",
        "equal",
        "is_nonzero",
        "masked_select",
        "nonzero",
        "repeat_interleave",
        "unique_consecutive",
        "unique_dim",
    }
)
"""Operations that read a number, or whose shapes go by values."""


@contextlib.contextmanager
def noting_waits() -> Iterator[set[str]]:
    """Gives a set that has, at the end, the names of the operations that waited, forward and backward; by torch's
    profiler, which sees also what others call, as indexing by a mask calls `nonzero`.
    """
    names: set[str] = set()
    with profile(use_kineto=False) as noted:
        yield names
    names |= WAIT & {event.name.removeprefix("aten::") for event in noted.function_events or ()}
