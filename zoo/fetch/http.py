"""What every request over the network shares: the client, redirects, waits, and what may be shown of an address."""

from __future__ import annotations

import contextlib
import email.utils
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from zoo.errors import DownloadFailed

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 30.0
"""Longest silence of a server."""
CONNECT_TIMEOUT_S = 10.0
REDIRECTS = 10
RETRIED = (408, 425, 429, 500, 502, 503, 504)
"""Answers of a server that may do better when it is asked again."""


def new_client() -> httpx.Client:
    """What asks; proxies and certificates are those of the environment."""
    import httpx

    timeout = httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    try:
        return httpx.Client(
            timeout=timeout,
            follow_redirects=False,
            headers={"User-Agent": "zoo-models"},
            event_hooks={"response": [_refuse_unreadable]},
        )
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        raise DownloadFailed(
            f"no connection can be made with the settings of this environment: {error}",
            "look at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR",
        ) from error


def _refuse_unreadable(response: httpx.Response) -> None:
    """Look at a redirect before the client does, to whom a bad one is a broken connection, worth another try."""
    import httpx

    if not response.has_redirect_location:
        return
    location, fault = response.headers["location"], ""
    try:
        if "%" in response.url.join(location).host:  # what the library makes of characters that no host has
            fault = "no host has such a name"
    except httpx.InvalidURL as error:
        fault = words(error)
    if fault:
        raise DownloadFailed(
            f"{shown(str(response.url))} redirects to {location!r}, which is no address: {fault}",
            "the server is at fault; try again later",
        )


def shown(address: str) -> str:
    """An address without the password that may stand in it."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def next_address(response: httpx.Response, address: str) -> str:
    """Where a redirect leads; a protected connection is not left for one that anybody can listen to and change."""
    url = response.url.join(response.headers["location"])
    if (response.url.scheme, url.scheme) == ("https", "http"):
        raise DownloadFailed(
            f"{shown(address)} redirects from https to http", "the server is at fault; the source is not used"
        )
    return str(url)


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds the server asks to wait; it gives a number or a date."""
    stated = response.headers.get("retry-after", "")
    if stated.isdecimal():
        return float(stated)
    with contextlib.suppress(TypeError, ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(stated).timestamp() - time.time())
    return None


def server_of(address: str) -> tuple[str, str]:
    """Scheme, host and port: whom a token is for."""
    parts = urlsplit(address)
    return parts.scheme, parts.netloc


def words(error: Exception) -> str:
    """What a library calls an error, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
