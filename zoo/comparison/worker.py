"""A comparison in a process of its own: `python -m zoo.comparison.worker`. One line in, lines out.

It ends with its input: whoever asked is gone, or wants to know no longer.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import IO

import msgspec

from zoo.allocator import keep_freed_memory
from zoo.comparison.answering import Listener
from zoo.comparison.comparing import compare_models
from zoo.comparison.messages import Compared, CompareRequest, Progress, Refused, Reply
from zoo.encoding import encode_json
from zoo.errors import ZooError
from zoo.fetch import Progress as FetchProgress
from zoo.jobs import Place
from zoo.sanitize import error_text
from zoo.units import size

TOLD_S = 0.1
"""Least time between two lines about how far it is."""


def main() -> int:
    """Compare what the first line names."""
    keep_freed_memory()
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what plugins print is no reply
    request = msgspec.json.decode(sys.stdin.buffer.readline(), type=CompareRequest)
    threading.Thread(target=_end_with_input, daemon=True).start()
    place = Place(device=request.device, precision=request.precision)
    try:
        comparison = compare_models(request.names, place=place, listener=_Told(replies))
    except ZooError as error:
        _send(replies, Refused(error.message, error.hint))
        return 1
    except Exception as error:
        import traceback

        traceback.print_exc()
        _send(replies, Refused(f"{type(error).__name__}: {error_text(error)}", "zoo compare shows where"))
        return 1
    _send(replies, Compared(comparison))
    return 0


def _end_with_input() -> None:
    while os.read(0, 4096):  # not by sys.stdin, whose lock this thread would hold when Python ends
        pass
    os._exit(1)


def _send(replies: IO[bytes], reply: Reply) -> None:
    replies.write(encode_json(reply) + b"\n")
    replies.flush()


class _Told(Listener):
    """Sends how far the answers are."""

    def __init__(self, replies: IO[bytes]) -> None:
        self._replies, self._told_at = replies, 0.0

    def note(self, message: str) -> None:
        _send(self._replies, Progress(message))

    def fetching(self, progress: FetchProgress) -> None:
        of = f" of {size(progress.total_bytes)}" if progress.total_bytes is not None else ""
        self._tell(f"fetching weights: {size(progress.received_bytes)}{of}")

    def answered(self, model: str, done: int, total: int) -> None:
        self._tell(f"{model}: {done:,} of {total:,} rows answered")

    def _tell(self, text: str) -> None:
        if time.monotonic() - self._told_at >= TOLD_S:
            self._told_at = time.monotonic()
            _send(self._replies, Progress(text))


if __name__ == "__main__":
    sys.exit(main())
