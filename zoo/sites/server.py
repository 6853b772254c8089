"""The server of sites: a handful of addresses, each for those who have a token; nothing that comes is unpickled."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from zoo.errors import OptionInvalid, RunFailed, Unsupported
from zoo.sites.addresses import Address
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

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

START_S = 20.0
SLICE_BYTES = 1 << 20
LOOK_S = 0.05
_Answer = Callable[["Request", str], Awaitable["Response"]]
_T = TypeVar("_T")


def make_app(exchange: Exchange, digests: Mapping[str, str], terms: Callable[[str], Terms]) -> Starlette:
    """What answers clients.

    Args:
        exchange: what they meet.
        digests: of their tokens, by name.
        terms: what is learnt, as a client is told it.

    Raises:
        Unsupported: a library is missing.
    """
    try:
        from starlette.applications import Starlette
        from starlette.concurrency import run_in_threadpool
        from starlette.requests import ClientDisconnect
        from starlette.responses import Response
        from starlette.routing import Route
    except ImportError as error:
        raise Unsupported("serving sites needs starlette and uvicorn", "pip install 'zoo-models[sites]'") from error

    def known(answer: _Answer) -> Callable[[Request], Awaitable[Response]]:
        async def asked(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            name = owner_of(token, digests) if scheme.lower() == "bearer" and 0 < len(token) <= MOST else ""
            if not name:
                return Response("unauthorized", 401, {"connection": "close"}, "text/plain")
            exchange.see(name)
            try:
                return await answer(request, name)
            except Refused as refused:
                return Response(refused.word, refused.status, {"connection": "close"}, "text/plain")
            except ClientDisconnect:  # nobody reads the answer
                return Response("incomplete", 400, {"connection": "close"}, "text/plain")

        return asked

    def told(value: Any) -> Response:
        return Response(msgspec.json.encode(value), media_type="application/json")

    def number_of(request: Request) -> int:
        text = request.path_params["number"]  # looked at once it is known who asks
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise Refused(404, "no such round")
        return int(text)

    async def ask_terms(request: Request, name: str) -> Response:
        return told(terms(name))

    async def join(request: Request, name: str) -> Response:
        exchange.join(name, _read(await _body(request, MAX_WORDS_BYTES), Membership))
        return told({})

    async def leave(request: Request, name: str) -> Response:
        exchange.leave(name)
        return told({})

    async def ask_state(request: Request, name: str) -> Response:
        tag, held_until = request.query_params.get("seen", ""), time.monotonic() + HOLD_S
        while (state := exchange.state(name)).tag == tag and time.monotonic() < held_until:
            await asyncio.sleep(LOOK_S)
            exchange.see(name)
        return told(state)

    async def fetch(request: Request, name: str) -> Response:
        return Response(exchange.weights(name, number_of(request)), media_type="application/octet-stream")

    async def send(request: Request, name: str) -> Response:
        number = number_of(request)
        exchange.expects(name, number)
        most = len(exchange.weights(name, number)) + SLACK_BYTES
        content = await _body(request, most, lambda: exchange.see(name))
        await run_in_threadpool(exchange.update, name, number, content)
        return told({})

    async def judge(request: Request, name: str) -> Response:
        figures = _read(await _body(request, MAX_WORDS_BYTES), Figures)
        exchange.judge(name, number_of(request), _checked(figures))
        return told({})

    async def lose(request: Request, name: str) -> Response:
        exchange.lose(name, number_of(request), _read(await _body(request, MAX_WORDS_BYTES), Lost).reason)
        return told({})

    return Starlette(
        routes=[
            Route("/terms", known(ask_terms), methods=["GET"]),
            Route("/members", known(join), methods=["POST"]),
            Route("/members", known(leave), methods=["DELETE"]),
            Route("/state", known(ask_state), methods=["GET"]),
            Route("/rounds/{number}/weights", known(fetch), methods=["GET"]),
            Route("/rounds/{number}/update", known(send), methods=["PUT"]),
            Route("/rounds/{number}/figures", known(judge), methods=["PUT"]),
            Route("/rounds/{number}/lost", known(lose), methods=["PUT"]),
        ]
    )


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


def _read(content: bytes, kind: type[_T]) -> _T:
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


class Server:
    """Answers in a thread of its own, until it is closed.

    Args:
        app: what answers.
        address: where; port 0 takes any that is free.
        certificate: of the server.
        key: to that.

    Raises:
        OptionInvalid: nothing can listen there.
        Unsupported: a library is missing.
    """

    def __init__(self, app: Starlette, address: Address, certificate: Path, key: Path) -> None:
        try:
            import uvicorn
        except ImportError as error:
            raise Unsupported("serving sites needs uvicorn", "pip install 'zoo-models[sites]'") from error
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # connections that break off are no news
        self._socket = _listening(address)
        self.address = Address(address.host, self._socket.getsockname()[1])
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                ssl_certfile=str(certificate),
                ssl_keyfile=str(key),
                log_level="error",
                access_log=False,
                server_header=False,
                limit_concurrency=1000,
                timeout_graceful_shutdown=2,
                lifespan="off",
                ws="none",
            )
        )
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + START_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RunFailed(f"the server does not start at {self.address.url}", "the log of the run says why")
            time.sleep(LOOK_S)

    async def _serve(self) -> None:
        await self._server.serve([self._socket])
        for connection in [*self._server.server_state.connections]:  # of clients that compute, and take no leave
            connection.transport.abort()
        await asyncio.sleep(LOOK_S)

    def close(self) -> None:
        """Let nobody in any more."""
        self._server.should_exit = True
        self._thread.join(START_S)
        self._socket.close()


def _listening(address: Address) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        return socket.create_server((address.host, address.port), family=family)
    except (OSError, OverflowError) as error:
        raise OptionInvalid(
            f"nothing can listen at {address.host}, port {address.port}: {getattr(error, 'strerror', None) or error}",
            "choose another --address; port 0 takes any that is free",
        ) from error
