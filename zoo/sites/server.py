"""The server of sites: it listens, and answers in a thread of its own (`zoo.sites.endpoints` says what)."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import OptionInvalid, RunFailed, Unsupported
from zoo.sites.addresses import Address
from zoo.sites.exchange import Exchange
from zoo.sites.messages import Terms

if TYPE_CHECKING:
    from starlette.applications import Starlette

START_S = 20.0
LOOK_S = 0.05


def make_app(exchange: Exchange, digests: Mapping[str, str], terms: Callable[[str], Terms]) -> Starlette:
    """What answers clients; arguments as of `zoo.sites.endpoints.Endpoints`.

    Raises:
        Unsupported: a library is missing.
    """
    try:
        from zoo.sites.endpoints import Endpoints
    except ImportError as error:
        raise Unsupported("serving sites needs starlette and uvicorn", "pip install 'zoo-models[sites]'") from error
    return Endpoints(exchange, digests, terms).app()


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
