"""What server and clients say to each other; weights apart, which travel as safetensors."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

PROTOCOL = 1
DIGEST_HEADER = "zoo-sha256"
"""Says which bytes were sent."""
MAX_WORDS_BYTES = 1_000_000
"""Most bytes of a message that is no weights."""
MAX_FIGURES = 100
MOST_ROWS = 1_000_000_000
"""That a client may say it has."""
SLACK_BYTES = 1_000_000
"""By which a file of safetensors may be longer than the server's own: its header may say more."""
HOLD_S = 2.0
"""How long a question what is next is held where nothing has changed."""

Phase = Literal["gathering", "training", "closing", "finished", "failed"]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What is learnt together, as the server tells each who may join."""

    protocol: int
    zoo: str
    """Version of zoo, which all share."""
    plugin: str
    """Version of the model's plugin, likewise."""
    client: str
    """Name of the one who is told."""
    number: int
    """1-based place of that among all, which makes its random draws its own."""
    model: str
    """`plugin/name` of its card."""
    digest: str
    """Of the files of its weights."""
    task: str
    separator: str = ""
    labels: tuple[str, ...] = ()
    """All there may be, in the order of the outputs."""
    options: dict[str, Any] = {}
    """Plain values of the model's options."""
    federation: dict[str, Any] = {}
    """Plain values of `zoo.FederationOptions`."""
    away_s: float
    """A client that was not heard of for so long is away."""


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """How a client joins."""

    zoo: str
    plugin: str
    digest: str
    rows: int
    """To train on; as often its weights count."""
    eval_rows: int
    """That it holds out."""


class RoundState(msgspec.Struct, frozen=True, kw_only=True):
    """What is going on, as a client sees it."""

    phase: Phase
    number: int = 0
    """Of the round; that of the weights that can be fetched."""
    sha256: str = ""
    """Of these."""
    size_bytes: int = 0
    trains: bool = False
    """Whether the client is to train in it."""
    judges: bool = False
    """Whether the client is to say how good the weights are on the rows that it holds out."""
    message: str = ""
    """Why it failed, where it did."""

    @property
    def tag(self) -> str:
        """Tells one state from the next."""
        return f"{self.number}-{self.phase}-{self.trains:d}{self.judges:d}"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """How good weights are on the rows that a client holds out."""

    rows: int
    metrics: dict[str, float]


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing comes of a client in a round."""

    reason: str


class Refused(Exception):
    """What a client asks for or sends cannot be taken.

    Args:
        status: of HTTP.
        word: why.
    """

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status, self.word = status, word
