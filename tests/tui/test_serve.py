"""`zoo serve`: the UI for a browser, for whoever has the token."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.plugin_site import Site, zoo
from tests.processes import popen

aiohttp = pytest.importorskip("aiohttp")
pytest.importorskip("textual_serve")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="textual-serve does not support Windows"),
]


@pytest.fixture
def address(models: Site) -> Iterator[str]:
    """What a person would open."""
    command = [sys.executable, "-m", "zoo", "serve", "--port", "0"]
    process = popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert "Traceback" not in errors


async def get(session: Any, url: str) -> Any:
    """Ask until the server is up."""
    for _ in range(100):
        try:
            return await session.get(url, allow_redirects=True)
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.1)
    raise AssertionError("nobody listens")


def test_a_browser_with_the_token_sees_the_application(address: str) -> None:
    async def play() -> None:
        jar = aiohttp.CookieJar(unsafe=True)  # addresses that are numbers, too
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            page = await get(session, address)
            text = await page.text()
            assert page.status == 200
            assert "token" not in str(page.url), "it does not stay in the address"
            (socket,) = re.findall(r'data-session-websocket-url="([^"]+)"', text)
            async with session.ws_connect(f"{socket}?width=100&height=30") as connection:
                received = b""
                while b"alpha" not in received:
                    message = await connection.receive(timeout=60)
                    assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
                    if message.type == aiohttp.WSMsgType.BINARY:
                        received += message.data
                await connection.send_json(["stdin", "4"])
                while b"zoo-red" not in received:
                    message = await connection.receive(timeout=60)
                    if message.type == aiohttp.WSMsgType.BINARY:
                        received += message.data

    asyncio.run(play())


def test_nobody_comes_in_without_it(address: str) -> None:
    async def play() -> None:
        base = address.partition("/?")[0]
        async with aiohttp.ClientSession() as session:
            for path in ("/", "/?token=", "/?token=wrong", "/ws", "/static/"):
                answer = await get(session, base + path)
                assert answer.status == 403, path
                assert "open the address that zoo serve has printed" in await answer.text()

    asyncio.run(play())


def test_the_address_is_on_this_machine_and_never_the_same(models: Site, address: str) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{32}", address)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--host", "0.0.0.0", "--no-token"), "--no-token would let everybody in who reaches 0.0.0.0"),
        (("--port", "99999"), "--port is '99999', but takes a whole number from 0 to 65535"),
        (("--host", "203.0.113.7"), "nothing can listen at 203.0.113.7"),
    ],
)
def test_what_cannot_or_should_not_be_served_is_refused(words: tuple[str, ...], message: str) -> None:
    done = zoo("serve", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
