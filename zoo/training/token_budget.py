"""How many tokens a network computes at once: as many as were asked for, or as memory allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from zoo.accelerators import WITH_STREAMS

CPU_TOKENS = 2048
"""At once on a CPU where no number is asked for: what its caches hold."""
FIRST_TOKENS, MOST_TOKENS = 8192, 65_536
"""At once on an accelerator, likewise: in the first batch, which shows what a token needs, and at most. More keep no
device busier, and are longer in coming back."""
SHARE = 0.5
"""Of the free memory that a batch may take: attention needs more a token in longer texts than the first batch has."""


class TokenBudget:
    """Most tokens of a batch, padding included; made smaller where memory runs out.

    Args:
        requested: None to let memory decide.
        device: that computes.
        note: is told, once, where memory ran out.
    """

    def __init__(self, requested: int | None, device: torch.device, note: Callable[[str], None]) -> None:
        self._device, self._note = device, note
        self._noted = False
        on_cpu = device.type == "cpu"
        self._unmeasured = not (requested or on_cpu)
        self.tokens = requested or (CPU_TOKENS if on_cpu else FIRST_TOKENS)

    @contextmanager
    def spent(self, tokens: int) -> Iterator[None]:
        """Compute a batch of so many tokens; the first that is large enough shows how many there is room for."""
        if not (self._unmeasured and 2 * tokens >= self.tokens and knows_memory(self._device)):
            yield
            return
        before = torch.accelerator.memory_allocated(self._device)
        torch.accelerator.reset_peak_memory_stats(self._device)
        yield
        self._unmeasured = False
        taken = torch.accelerator.max_memory_allocated(self._device) - before
        free = torch.accelerator.get_memory_info(self._device)[0]
        room = int(SHARE * free / max(1, taken) * tokens)
        self.tokens = max(self.tokens, min(MOST_TOKENS, room))

    def shrink(self, tokens: int) -> None:
        """Half of so many, for which memory did not suffice."""
        self._unmeasured = False
        self.tokens = max(1, min(self.tokens, tokens) // 2)
        if not self._noted:
            self._noted = True
            self._note(
                f"the memory of {self._device} does not suffice for {tokens:,} tokens at once: batches are halved"
            )


def knows_memory(device: torch.device) -> bool:
    """Whether torch can say how much memory a device has, and how much of it was taken at most."""
    return device.type in WITH_STREAMS and hasattr(torch.accelerator, "get_memory_info")
