"""What every request over the network shares: the client, redirects, waits, and what may be shown of an address."""

from __future__ import annotations

import contextlib
import email.utils
import errno
import functools
import logging
import os
import re
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from zoo.errors import DownloadFailed
from zoo.plurals import counted

if TYPE_CHECKING:
    import ssl

    import httpx

TIMEOUT_S = 30.0
"""Longest silence of a server."""
CONNECT_TIMEOUT_S = 10.0
BRIEF_TIMEOUT_S = 10.0
"""The same where another source is left: many networks swallow what is sent to any server but a mirror of packages."""
BRIEF_CONNECT_TIMEOUT_S = 3.0
"""For each address that the server's name has."""
REDIRECTS = 10
RETRIED = (408, 425, 429, 500, 502, 503, 504)
"""Answers of a server that may do better when it is asked again."""


def new_client(*, brief: bool = False) -> httpx.Client:
    """What asks; proxies and certificates are those of the environment.

    Args:
        brief: give up sooner, since the files can be had elsewhere, too.
    """
    import httpx

    timeout = httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    if brief:
        timeout = httpx.Timeout(BRIEF_TIMEOUT_S, connect=BRIEF_CONNECT_TIMEOUT_S)
    try:
        return httpx.Client(
            timeout=timeout,
            follow_redirects=False,
            headers={"User-Agent": "zoo-models"},
            verify=_certificates(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
            event_hooks={"response": [_refuse_unreadable]},
        )
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        raise DownloadFailed(
            f"no connection can be made with the settings of this environment: {error}",
            "look at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR",
        ) from error


@functools.cache
def _certificates(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Those that are trusted: read once for all clients, which takes 20 ms each time.

    Args:
        file: that the environment names, with the next one all that it says of certificates.
        folder: likewise.
    """
    import httpx

    return httpx.create_ssl_context()


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
            f"{without_password(str(response.url))} redirects to {location!r}, which is no address: {fault}",
            "the server is at fault; try again later",
        )


def without_password(address: str) -> str:
    """An address without the password that may stand in it."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def next_address(response: httpx.Response, address: str) -> str:
    """Where a redirect leads; a protected connection is not left for one that anybody can listen to and change."""
    url = response.url.join(response.headers["location"])
    if (response.url.scheme, url.scheme) == ("https", "http"):
        raise DownloadFailed(
            f"{without_password(address)} redirects from https to http",
            "the server is at fault; the source is not used",
        )
    return str(url)


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds the server asks to wait; it gives a number or a date, or, as the Hub does, when its limit is reset."""
    stated = response.headers.get("retry-after", "")
    if stated.isdecimal():
        return float(stated)
    if not stated and (reset := re.search(r"\bt=(\d+)", response.headers.get("ratelimit", ""))):
        return float(reset[1])
    with contextlib.suppress(TypeError, ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(stated).timestamp() - time.time())
    return None


def rate_limited(address: str, wait_s: float | None, *, token_would_help: bool) -> DownloadFailed:
    """What is said where a server takes no more requests (429).

    Args:
        address: what was asked for.
        wait_s: how long the server asks to wait, if it does.
        token_would_help: whether it is the Hub and was asked without a token.
    """
    hint = f"try again in {_duration(wait_s)}" if wait_s else "try again later"
    if token_would_help:
        hint += "; to whom it knows by a token (HF_TOKEN) the Hub answers more often"
    return DownloadFailed(f"{without_password(address)}: the server takes no more requests for now (429)", hint)


def report_wait(address: str, fault: str, wait_s: float) -> None:
    """Log that a server asked to be left alone for a while, as a warning; else the silence would have no reason."""
    host = urlsplit(address).hostname
    logging.getLogger(__name__).warning("%s: %s; it is asked again in %s", host, fault, _duration(wait_s))


def _duration(seconds: float) -> str:
    return counted(round(seconds), "second") if seconds < 120 else counted(round(seconds / 60), "minute")


def raise_where_offline(error: Exception, address: str) -> None:
    """Raise at once where nothing can be reached, rather than after many tries.

    Raises:
        DownloadFailed: the server's name has no address here, or there is no way to any other machine.
    """
    cause: BaseException | None = error
    while cause is not None:
        unreachable = isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.ENETDOWN)
        if unreachable or isinstance(cause, socket.gaierror):
            raise DownloadFailed(
                f"{urlsplit(address).hostname} cannot be reached: this machine seems to be offline",
                "connect to the network, or look at HTTPS_PROXY and HF_ENDPOINT; what zoo ls --local lists needs none",
            ) from error
        cause = cause.__cause__ or cause.__context__


def server_of(address: str) -> tuple[str, str]:
    """Scheme, host and port: whom a token is for."""
    parts = urlsplit(address)
    return parts.scheme, parts.netloc


def words(error: Exception) -> str:
    """What a library calls an error, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
