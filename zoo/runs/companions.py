"""Which of the machines that share a training are still there: each counts up at the place where all meet.

A process that dies closes its connections, and the others fail at once. A machine that is cut off closes none: the
others would wait for it for as long as a collective operation may take.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from zoo.places.node import Node

BEAT_S = 2.0


class Companions:
    """The machines of a run, as one of them knows them; it follows them in a thread.

    Args:
        node: this one.
        count: of all.
        host: where they meet.
        port: there.
        run: tells the attempt at the run from others.
    """

    def __init__(self, node: Node, count: int, host: str, port: int, run: str) -> None:
        self._node, self._count, self._meeting, self._run = node, count, (host, port), run
        self._beats = [0] * count
        self._heard_at = [0.0] * count
        self._gone = [False] * count
        """Those that have left in peace."""
        self._answered_at = 0.0
        """When the place where they meet has answered; 0 before it did."""
        self._store: Any = None
        self._names: dict[int, str] = {}
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        from torch.distributed import TCPStore  # type: ignore[attr-defined]  # torch names it, its list of names does not

        try:
            store = TCPStore(*self._meeting, is_master=False, timeout=timedelta(seconds=self._node.join_s))
            store.set(self._key("name", self._node.index), socket.gethostname())
            self._store = store
            while True:
                store.add(self._key("beat", self._node.index), 1)
                self._look(store)
                time.sleep(BEAT_S)
        except RuntimeError:
            return  # nobody is there any more: silence says it

    def _look(self, store: Any) -> None:
        for index, before in enumerate(self._beats):
            beats = store.add(self._key("beat", index), 0)
            if beats != before:
                self._beats[index], self._heard_at[index] = beats, time.monotonic()
                if not before:
                    self._names[index] = store.get(self._key("name", index)).decode()
            self._gone[index] = store.add(self._key("left", index), 0) > 0
        self._answered_at = time.monotonic()

    def leave(self) -> None:
        """Say that this one has done its part."""
        if self._store is not None:
            with contextlib.suppress(RuntimeError):  # the first has left, and with it the place where they meet
                self._store.add(self._key("left", self._node.index), 1)

    def _key(self, what: str, index: int) -> str:
        return f"zoo/{self._run}/{what}/{index}"

    def missing(self) -> list[int]:
        """Those that have not come."""
        return [index for index, beats in enumerate(self._beats) if not beats]

    def lost(self) -> list[int]:
        """Those that have come, and have been silent for too long since."""
        if not all(self._beats):
            return []
        now = time.monotonic()
        if now - self._answered_at > self._node.lost_s:
            return [] if self._gone[0] else [0] if self._node.index else self._silent(now)
        return self._silent(now)

    def _silent(self, now: float) -> list[int]:
        return [
            index
            for index, heard_at in enumerate(self._heard_at)
            if index != self._node.index and not self._gone[index] and now - heard_at > self._node.lost_s
        ]

    def names(self, indices: Sequence[int]) -> str:
        """Machines as a person knows them: by number, and by name where they have said it."""
        said = [(index + 1, self._names.get(index, "")) for index in indices]
        return ", ".join(f"node {number} ({name})" if name else f"node {number}" for number, name in said)
