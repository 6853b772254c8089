"""Many items computed at once, or fewer at once where memory does not suffice."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

from zoo.memory import is_out_of_memory, release_memory

Item = TypeVar("Item")
Result = TypeVar("Result")


class Portions:
    """Computes many items: all at once, or from now on fewer where memory does not suffice for that.

    Args:
        most: items computed at once.
        on_lack: told where these do not fit: how many are computed from then on, and what was said.
    """

    def __init__(
        self, most: int = sys.maxsize, on_lack: Callable[[int, str], None] = lambda most, reason: None
    ) -> None:
        self.most, self._on_lack = most, on_lack

    def each(self, compute: Callable[[list[Item]], Result], items: list[Item]) -> Iterator[Result]:
        """One result of each portion, in order.

        Args:
            compute: takes several items; what it gives of one is the same whichever that comes with.
            items: all of them.
        """
        done = 0
        while portion := items[done : done + self.most]:
            try:
                result = compute(portion)
            except Exception as error:
                if len(portion) < 2 or not is_out_of_memory(error):
                    raise
                reason = str(error)
            else:
                yield result
                done += len(portion)
                continue
            # After the block, as the error keeps everything alive that was computed so far.
            release_memory()
            self.most = -(-len(portion) // 2)
            self._on_lack(self.most, reason)
