"""The process that holds a warm model: `python -m zoo.sessions.worker`. Lines in, lines out; ends with its input."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO, Any

import msgspec

from zoo.allocator import keep_freed_memory
from zoo.answers import Prediction
from zoo.api.model import Model, load_card
from zoo.catalog import Catalog
from zoo.encoding import encode_json
from zoo.errors import ZooError
from zoo.fetch import Progress
from zoo.plugins import load_plugin, plugin_names
from zoo.sessions.messages import (
    EndRequest,
    ErrorReply,
    Fetching,
    LoadRequest,
    PartialReply,
    PredictReply,
    PredictRequest,
    Ready,
    Reply,
    Request,
)

FETCHING_S = 0.2


def main() -> int:
    """Load what the first line names, then answer line by line."""
    keep_freed_memory()
    replies = _private_stdout()
    requests = sys.stdin.buffer
    try:
        model = _load(msgspec.json.decode(requests.readline(), type=LoadRequest), replies)
    except Exception as error:
        send(replies, error_reply(error))
        return 1
    converse(model, requests, replies)
    return 0


def converse(model: Model, requests: IO[bytes], replies: IO[bytes]) -> bool:
    """Answer line by line until nothing more comes; False where somebody said that this is the end."""
    ready = Ready(
        task=model.task.name,
        device=model.device,
        precision=model.precision,
        labels=model.labels,
        streams=model.predictor.streams,
        chats=model.predictor.chats,
        adjusts=model.predictor.adjusts,
    )
    send(replies, ready)
    inbox = Inbox(requests)
    while request := inbox.take():
        if isinstance(request, EndRequest):
            return False
        if isinstance(request, PredictRequest):
            send(replies, _answer(model, request, inbox, replies))
    return True


class Inbox:
    """The requests that have come, read in a thread, so that one which comes meanwhile is noticed.

    Args:
        requests: lines.
    """

    def __init__(self, requests: IO[bytes]) -> None:
        self._waiting: deque[Request | None] = deque()
        self._arrived = threading.Condition()
        threading.Thread(target=self._read, args=(requests,), daemon=True).start()

    def take(self) -> Request | None:
        """The next one, waiting for it; None once nothing more comes."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting)
            return self._waiting.popleft()

    @property
    def waits(self) -> bool:
        """Whether there is one that was not taken, or nothing more comes."""
        return bool(self._waiting)

    def _read(self, requests: IO[bytes]) -> None:
        try:
            for line in requests:
                self._put(msgspec.json.decode(line, type=Request))
        except msgspec.DecodeError as error:
            logging.getLogger(__name__).warning("a request cannot be read, so no more are: %s", error)
        except (OSError, ValueError):
            pass  # whoever asked is gone
        finally:
            self._put(None)

    def _put(self, request: Request | None) -> None:
        with self._arrived:
            self._waiting.append(request)
            self._arrived.notify()


def _private_stdout() -> IO[bytes]:
    """What stdout was; whatever prints from here on prints to stderr."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return replies


def _load(request: LoadRequest, replies: IO[bytes]) -> Model:
    reported_at = 0.0

    def report(progress: Progress) -> None:
        nonlocal reported_at
        if time.monotonic() - reported_at >= FETCHING_S:
            reported_at = time.monotonic()
            send(replies, Fetching(received_bytes=progress.received_bytes, total_bytes=progress.total_bytes))

    return load_requested(request, report)


def load_requested(request: LoadRequest, on_progress: Callable[[Progress], None] | None = None) -> Model:
    """Load what a request names into this process, which imports the plugin that owns it and no other but wrappers."""
    owner, _, name = request.model.partition("/")
    if name and owner in plugin_names():
        catalog = Catalog.of((load_plugin(owner, request.wrappers),), ())
    else:
        catalog = Catalog.load()
    return load_card(
        catalog.resolve(request.model),
        request.device,
        request.precision,
        on_progress,
        request.options,
        task=request.task,
        wrappers=request.wrappers,
    )


def _answer(model: Model, request: PredictRequest, inbox: Inbox, replies: IO[bytes]) -> Reply:
    start = time.perf_counter()
    try:
        if request.options is not None:
            model = model.with_options(**request.options)
        answers = (
            _streamed(model, request.inputs[0], inbox, replies) if request.stream else model.predict(request.inputs)
        )
        predictions = msgspec.Raw(encode_json(answers))
    except Exception as error:
        return error_reply(error)
    return PredictReply(predictions=predictions, elapsed_s=time.perf_counter() - start)


def _streamed(model: Model, value: Any, inbox: Inbox, replies: IO[bytes]) -> list[Prediction]:
    """Send the pieces of an answer; none is left of it where somebody asks to stop, or is gone."""
    with contextlib.closing(model.predictor.stream(model.task.input.from_python(value))) as items:
        for item in items:
            if not isinstance(item, str):
                return [item]
            send(replies, PartialReply.of(item))
            if inbox.waits:
                break
    return []


def error_reply(error: Exception) -> ErrorReply:
    """The reply for an error; where it came of another one, the log has the traceback."""
    if error.__cause__ is not None or not isinstance(error, ZooError):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, ZooError):
        return ErrorReply(kind=type(error).__name__, message=error.message, hint=error.hint)
    return ErrorReply(kind=type(error).__name__, message=f"{type(error).__name__}: {error}")


def send(replies: IO[bytes], reply: Reply) -> None:
    """Send one line."""
    replies.write(encode_json(reply) + b"\n")
    replies.flush()


if __name__ == "__main__":
    sys.exit(main())
