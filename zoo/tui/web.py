"""The terminal UI in a browser, behind a token."""

from __future__ import annotations

import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web
from textual_serve.server import Server

if TYPE_CHECKING:
    from aiohttp.web import Application, Request, StreamResponse

COOKIE = "zoo_token"
TOKEN_BYTES = 24
Handler = Callable[["Request"], Awaitable["StreamResponse"]]


class WebServer(Server):
    """Shows the UI to whoever has the token.

    The address carries it once; a cookie that no other site's pages can use carries it from then on.

    Args:
        host: to listen at.
        port: to listen at.
        public_url: how browsers reach it, where that is another address, as behind a forwarded port.
        token: what a browser must know; empty lets everybody in.
    """

    def __init__(self, host: str, port: int, *, public_url: str = "", token: str = "") -> None:
        command = f"{shlex.quote(sys.executable)} -m zoo.tui"
        super().__init__(command, host=host, port=port, title="zoo", public_url=public_url or None)
        self.token = token

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"{self.public_url}/?token={self.token}" if self.token else self.public_url

    async def _make_app(self) -> Application:
        app = await super()._make_app()
        if self.token:
            app.middlewares.append(self._only_with_token)
        return app

    @web.middleware
    async def _only_with_token(self, request: Request, handler: Handler) -> StreamResponse:
        token = request.query.get("token", "")
        if token and self._is_right(token):
            response = web.HTTPFound(request.path)  # the token does not stay in the address
            response.set_cookie(COOKIE, self.token, httponly=True, samesite="Strict")
            raise response
        if not self._is_right(request.cookies.get(COOKIE, "")):
            raise web.HTTPForbidden(text="zoo: open the address that zoo serve has printed; it carries a token\n")
        return await handler(request)

    def _is_right(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(), self.token.encode())

    async def on_startup(self, app: Application) -> None:
        """Nothing is printed here: the command prints the address."""

    def initialize_logging(self) -> None:
        """Requests are nobody's business."""


def new_token() -> str:
    """A token nobody can guess."""
    return secrets.token_urlsafe(TOKEN_BYTES)
