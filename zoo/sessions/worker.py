"""The process that holds a warm model: `python -m zoo.sessions.worker`. Lines in, lines out; ends with its input."""

from __future__ import annotations

import os
import sys
import time
from typing import IO

import msgspec

from zoo.allocator import keep_freed_memory
from zoo.api import Model, load
from zoo.encoding import encode_json
from zoo.errors import ZooError
from zoo.fetch import Progress
from zoo.sessions.messages import Answered, Ask, End, Failed, Fetching, Open, Ready, Reply, Request

FETCHING_S = 0.2


def main() -> int:
    """Load what the first line names, then answer line by line."""
    keep_freed_memory()
    replies = _private_stdout()
    requests = sys.stdin.buffer
    try:
        model = _load(msgspec.json.decode(requests.readline(), type=Open), replies)
    except Exception as error:
        send(replies, failed(error))
        return 1
    converse(model, requests, replies)
    return 0


def converse(model: Model, requests: IO[bytes], replies: IO[bytes]) -> bool:
    """Answer line by line until nothing more comes; False where somebody said that this is the end."""
    send(replies, Ready(device=model.device, precision=model.precision, labels=model.labels))
    for line in requests:
        request: Request = msgspec.json.decode(line, type=Request)
        if isinstance(request, End):
            return False
        send(replies, _answer(model, request))
    return True


def _private_stdout() -> IO[bytes]:
    """What stdout was; whatever prints from here on prints to stderr."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return replies


def _load(asked: Open, replies: IO[bytes]) -> Model:
    told_at = 0.0

    def tell(progress: Progress) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= FETCHING_S:
            told_at = time.monotonic()
            send(replies, Fetching(received_bytes=progress.received_bytes, total_bytes=progress.total_bytes))

    return load(asked.model, device=asked.device, precision=asked.precision, on_progress=tell, **asked.options)


def _answer(model: Model, asked: Ask) -> Reply:
    started = time.perf_counter()
    try:
        predictions = model.predict(asked.inputs)
    except Exception as error:
        return failed(error)
    return Answered(predictions=predictions, elapsed_s=time.perf_counter() - started)


def failed(error: Exception) -> Failed:
    """What is told of an error; where it came of another one, the log has the traceback."""
    if error.__cause__ is not None or not isinstance(error, ZooError):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, ZooError):
        return Failed(kind=type(error).__name__, message=error.message, hint=error.hint)
    return Failed(kind=type(error).__name__, message=f"{type(error).__name__}: {error}")


def send(replies: IO[bytes], reply: Reply) -> None:
    """Send one line."""
    replies.write(encode_json(reply) + b"\n")
    replies.flush()


if __name__ == "__main__":
    sys.exit(main())
