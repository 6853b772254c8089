"""The one who asks: waits until a model is ready, and gets answers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Sequence
from typing import IO, Any

import msgspec

from zoo import errors
from zoo.answers import Prediction, is_encodable_input, predict_encodable
from zoo.errors import PluginBroken, RunFailed, ZooError
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
    StopRequest,
)
from zoo.tasks import get_task


class Conversation:
    """What is said to a process that holds a model, over two streams.

    Args:
        model: what it is called in messages.
        replies: to read from.
        requests: to write to.
    """

    def __init__(self, model: str, replies: IO[bytes], requests: IO[bytes]) -> None:
        self.model = model
        self._replies, self._requests = replies, requests
        self._lock = threading.Lock()
        self._task = ""
        self.streams = False
        """Whether answers come in pieces, once it is ready."""
        self.chats = False
        """Whether it answers conversations, likewise."""

    def wait_until_ready(self, on_fetching: Callable[[Fetching], None] | None = None) -> Ready:
        """Wait for the model; asked before anything else.

        Args:
            on_fetching: called with how a download goes.

        Raises:
            ZooError: the model cannot be loaded; of the class that says why.
        """
        with self._lock:
            while True:
                reply = self._receive()
                if isinstance(reply, Ready):
                    self._task, self.streams, self.chats = reply.task, reply.streams, reply.chats
                    return reply
                if isinstance(reply, Fetching) and on_fetching is not None:
                    on_fetching(reply)

    def predict(self, inputs: Sequence[Any]) -> list[Prediction]:
        """Answer texts, or files by their paths, in order; callers in several threads take turns.

        Raises:
            ZooError: the model could not answer, or its process is gone.
        """
        return predict_encodable(self._predict, inputs)

    def _predict(self, inputs: list[Any]) -> list[Prediction]:
        with self._lock:
            self.send_request(PredictRequest(inputs=inputs))
            reply = self._receive()
        assert isinstance(reply, PredictReply)
        return self._decoded(reply)

    def stream(self, input: Any, options: dict[str, Any] | None = None) -> Generator[str | Prediction]:
        """The pieces of an answer as they come, and last the answer itself; closing the iterator stops the model.

        Callers in other threads wait until it is exhausted or closed.

        Args:
            input: one.
            options: in place of those that the model was loaded with; None for those.

        Raises:
            ZooError: as `predict`.
        """
        if not is_encodable_input(input):
            yield from self.predict([input])
            return
        with self._lock:
            self.send_request(PredictRequest(inputs=[input], stream=True, options=options))
            complete = False
            try:
                while isinstance(reply := self._receive(), PartialReply):
                    yield reply.piece
                complete = True
            except ZooError:
                complete = True
                raise
            finally:
                if not complete:
                    self._stop()
        assert isinstance(reply, PredictReply)
        yield from self._decoded(reply)

    def _stop(self) -> None:
        """Let the model write no more, and read what is still on its way."""
        with contextlib.suppress(ZooError):
            self.send_request(StopRequest())
            while isinstance(self._receive(), PartialReply):
                pass

    def _decoded(self, reply: PredictReply) -> list[Prediction]:
        try:
            predictions: list[Prediction] = msgspec.json.decode(
                reply.predictions,
                type=list[get_task(self._task).prediction],  # type: ignore[misc]
            )
        except msgspec.DecodeError as error:
            raise PluginBroken(
                f"an answer of task {self._task} cannot be read back from JSON: {error}",
                "whoever brings the task must mend its answer",
            ) from error
        return predictions

    def send_request(self, request: LoadRequest | PredictRequest | StopRequest | EndRequest) -> None:
        """Send one line.

        Raises:
            RunFailed: nobody is there to hear it.
        """
        try:
            self._requests.write(msgspec.json.encode(request) + b"\n")
            self._requests.flush()
        except (OSError, ValueError):
            raise self._process_lost() from None

    def last_words(self) -> str:
        """What the process said before it was gone, as far as that is known."""
        return ""

    def _receive(self) -> Reply:
        try:
            line = self._replies.readline()
        except (OSError, ValueError):  # a stream that is closed raises the latter
            line = b""
        if not line.endswith(b"\n"):
            raise self._process_lost()
        try:
            reply: Reply = msgspec.json.decode(line, type=Reply)
        except msgspec.DecodeError as error:
            raise RunFailed(
                f"the process that holds {self.model} sent what is no reply: {error}", self.last_words()
            ) from error
        if isinstance(reply, ErrorReply):
            raise _error(reply)
        return reply

    def _process_lost(self) -> RunFailed:
        return RunFailed(f"the process that held {self.model} is gone", self.last_words())


def _error(reply: ErrorReply) -> ZooError:
    """The error as the worker raised it."""
    kind = getattr(errors, reply.kind, None)
    if isinstance(kind, type) and issubclass(kind, ZooError):
        return kind(reply.message, reply.hint)
    return RunFailed(reply.message, reply.hint)
