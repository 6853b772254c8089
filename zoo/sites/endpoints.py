"""What clients can ask a server: a handful of addresses, each for those who have a token; nothing is unpickled."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from zoo.sites.exchange import Exchange
from zoo.sites.messages import (
    DIGEST_HEADER,
    HOLD_S,
    MAX_FIGURES,
    MAX_WORDS_BYTES,
    SLACK_BYTES,
    Figures,
    Lost,
    Membership,
    Refused,
    Terms,
)
from zoo.sites.tokens import MOST, owner_of

LOOK_S = 0.05
_Endpoint = Callable[[Request, str], Awaitable[Response]]
"""Answers the request of a client, by its name."""
_T = TypeVar("_T")


class Endpoints:
    """Answers clients.

    Args:
        exchange: what they meet.
        digests: of their tokens, by name.
        terms: what is learnt, as a client is told it.
    """

    def __init__(self, exchange: Exchange, digests: Mapping[str, str], terms: Callable[[str], Terms]) -> None:
        self._exchange, self._digests, self._terms = exchange, digests, terms

    def app(self) -> Starlette:
        """All of them, at their addresses."""
        endpoints: list[tuple[str, str, _Endpoint]] = [
            ("GET", "/terms", self.terms),
            ("POST", "/members", self.join),
            ("DELETE", "/members", self.leave),
            ("GET", "/state", self.state),
            ("GET", "/rounds/{number}/weights", self.weights),
            ("PUT", "/rounds/{number}/update", self.update),
            ("PUT", "/rounds/{number}/figures", self.figures),
            ("PUT", "/rounds/{number}/lost", self.lost),
        ]
        return Starlette(
            routes=[Route(path, self._for_clients(answer), methods=[method]) for method, path, answer in endpoints]
        )

    def _for_clients(self, answer: _Endpoint) -> Callable[[Request], Awaitable[Response]]:
        """The same for those who have a token; what is refused gets a word."""

        async def answered(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            name = owner_of(token, self._digests) if scheme.lower() == "bearer" and 0 < len(token) <= MOST else ""
            if not name:
                return _refusal("unauthorized", 401)
            self._exchange.see(name)
            try:
                return await answer(request, name)
            except Refused as refused:
                return _refusal(refused.word, refused.status)
            except ClientDisconnect:  # nobody reads the answer
                return _refusal("incomplete", 400)

        return answered

    async def terms(self, request: Request, name: str) -> Response:
        """What is learnt."""
        return _json(self._terms(name))

    async def join(self, request: Request, name: str) -> Response:
        """Take a client in."""
        self._exchange.join(name, await _message(request, Membership))
        return _json({})

    async def leave(self, request: Request, name: str) -> Response:
        """Let a client go."""
        self._exchange.leave(name)
        return _json({})

    async def state(self, request: Request, name: str) -> Response:
        """What the client is to do; held back a while where it has seen that already."""
        tag, held_until = request.query_params.get("seen", ""), time.monotonic() + HOLD_S
        while (state := self._exchange.state(name)).tag == tag and time.monotonic() < held_until:
            await asyncio.sleep(LOOK_S)
            self._exchange.see(name)
        return _json(state)

    async def weights(self, request: Request, name: str) -> Response:
        """Those that a round begins with."""
        return Response(self._exchange.weights(name, _round(request)), media_type="application/octet-stream")

    async def update(self, request: Request, name: str) -> Response:
        """Take what a client has made of them."""
        number = _round(request)
        self._exchange.expects(name, number)
        most = len(self._exchange.weights(name, number)) + SLACK_BYTES
        content = await _body(request, most, lambda: self._exchange.see(name))
        await run_in_threadpool(self._exchange.update, name, number, content)
        return _json({})

    async def figures(self, request: Request, name: str) -> Response:
        """Take how good they are on a client's rows."""
        figures = await _message(request, Figures)
        self._exchange.judge(name, _round(request), _checked(figures))
        return _json({})

    async def lost(self, request: Request, name: str) -> Response:
        """Take that nothing comes of a round."""
        number = _round(request)
        self._exchange.lose(name, number, (await _message(request, Lost)).reason)
        return _json({})


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _refusal(word: str, status: int) -> Response:
    """A word; the connection stays, as one that is closed upon bytes which nobody has read takes the answer with it."""
    return Response(word, status, media_type="text/plain")


def _round(request: Request) -> int:
    """The number of the round; looked at once it is known who asks.

    Raises:
        Refused: it is none.
    """
    text = request.path_params["number"]
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Refused(404, "no such round")
    return int(text)


async def _body(request: Request, most: int, seen: Callable[[], None] = lambda: None) -> bytes:
    """What is sent, within bounds whatever is said of its length, and with the digest that is said of it.

    Raises:
        Refused: it is too long, or other bytes than were sent.
    """
    stated = request.headers.get("content-length", "")
    if not stated.isdecimal():
        raise Refused(411, "the length is not said")
    if len(stated) > 18 or int(stated) > most:
        raise Refused(413, f"more than {most} bytes")
    content = bytearray()
    async for piece in request.stream():
        seen()
        content += piece
        if len(content) > most:
            raise Refused(413, f"more than {most} bytes")
    if hashlib.sha256(content).hexdigest() != request.headers.get(DIGEST_HEADER, ""):
        raise Refused(422, "these are not the bytes of the digest that was sent along")
    return bytes(content)


async def _message(request: Request, kind: type[_T]) -> _T:
    """What is sent, where it is no weights.

    Raises:
        Refused: it is too long, or no such message.
    """
    content = await _body(request, MAX_WORDS_BYTES)
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Refused(422, "the message cannot be read") from error


def _checked(figures: Figures) -> Figures:
    """Figures that can be reckoned with: few, finite, under plain names."""
    if len(figures.metrics) > MAX_FIGURES or not all(
        re.fullmatch(r"[\w .:@%/+-]{1,80}", name) and abs(value) < 1e30 for name, value in figures.metrics.items()
    ):
        raise Refused(422, "figures are finite numbers by name")
    return figures
