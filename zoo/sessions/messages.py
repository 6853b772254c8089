"""What a session and the one who opened it say to each other: one JSON document a line."""

from __future__ import annotations

from typing import Any, Self, Union

import msgspec

from zoo.answers import TimedText


class LoadRequest(msgspec.Struct, frozen=True, kw_only=True, tag="load"):
    """The first line to the worker: what to load."""

    model: str
    """`plugin/name` of a card; a bare name is looked up among the models of all plugins."""
    wrappers: tuple[str, ...] | None = None
    """Names of the plugins whose wrapper hooks surround those of the owner; None for all that are installed."""
    task: str = ""
    """What it shall answer; needed only where it knows several."""
    device: str = "auto"
    precision: str = "auto"
    options: dict[str, Any] = {}


class PredictRequest(msgspec.Struct, frozen=True, kw_only=True, tag="predict"):
    """Every other line to the worker."""

    inputs: list[Any]
    """Texts, or paths of files, or dicts of these by their roles."""
    stream: bool = False
    """Whether the answer to the one input is sent piece by piece."""
    options: dict[str, Any] | None = None
    """All that a person has set, in place of those of `LoadRequest`; None for those."""


class StopRequest(msgspec.Struct, frozen=True, kw_only=True, tag="stop"):
    """Enough of the answer that is being sent; means nothing where it is complete already."""


class EndRequest(msgspec.Struct, frozen=True, kw_only=True, tag="end"):
    """To a worker that is kept warm: it is not needed any more."""


Request = Union[PredictRequest, StopRequest, EndRequest]


class Fetching(msgspec.Struct, frozen=True, kw_only=True, tag="fetching"):
    """The weights are on their way."""

    received_bytes: int
    total_bytes: int | None = None


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag="ready"):
    """The model is loaded."""

    task: str
    """What it answers; its name says how `PredictReply` is decoded."""
    device: str
    precision: str
    labels: tuple[str, ...] = ()
    streams: bool = False
    """Whether answers come in pieces."""
    chats: bool = False
    """Whether it answers conversations."""
    adjusts: bool = False
    """Whether requests may have options of their own."""


class PartialReply(msgspec.Struct, frozen=True, kw_only=True, tag="partly_answered"):
    """The next piece of the answer that is being sent."""

    text: str
    start: float | None = None
    """When it is said, in seconds, of an answer that has times."""

    @classmethod
    def of(cls, piece: str) -> Self:
        """What a predictor gave."""
        return cls(text=str(piece), start=piece.start if isinstance(piece, TimedText) else None)

    @property
    def piece(self) -> str:
        """The same on the other side."""
        return self.text if self.start is None else TimedText(self.text, self.start)


class PredictReply(msgspec.Struct, frozen=True, kw_only=True, tag="answered"):
    """One prediction an input, in order; none where the request was stopped."""

    predictions: msgspec.Raw
    """A list of what the task answers (`Task.prediction`)."""
    elapsed_s: float


class ErrorReply(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """Loading or answering went wrong; after loading the session goes on."""

    kind: str
    """Name of the error class."""
    message: str
    hint: str = ""


Reply = Union[Fetching, Ready, PartialReply, PredictReply, ErrorReply]
