"""One file arriving: requests that resume, retries that wait, and the check of what came.

What has arrived stands in a partial file, together with a note of the version the server called it (its ETag). A later
request, or a later process, asks for the rest of that version with Range and gets it, or all of another one.
"""

from __future__ import annotations

import contextlib
import random
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from zoo.card import WeightsFile
from zoo.errors import DownloadFailed, RunCancelled
from zoo.fetch.http import (
    REDIRECTS,
    RETRIED,
    next_address,
    raise_where_offline,
    rate_limited,
    report_wait,
    retry_after_s,
    server_of,
    without_password,
    words,
)
from zoo.fetch.part import Part

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 6
"""Tries without a single new byte before a file is given up."""
BACKOFF_S = 0.5
MAX_WAIT_S = 60.0
JOIN_S = 0.05


@dataclass
class Session:
    """What the files of one download share; each of them arrives in a thread of its own."""

    client: httpx.Client
    token: str | None
    token_address: str
    """The token is sent to this address's server only."""
    is_last: bool = True
    """Whether no other source is left for the files."""
    received: dict[str, int] = field(default_factory=dict)
    """Name of each file to its bytes that are here."""
    stated: dict[str, int] = field(default_factory=dict)
    """Name of each file to the size its server states."""
    fresh_bytes: int = 0
    newest: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)
    locks: dict[int, IO[bytes]] = field(default_factory=dict)
    """Thread to the lock of the file it is at."""
    connecting: set[int] = field(default_factory=set)
    """Threads that look a server's name up or wait for its first word: nothing can wake them before they give up."""
    wait_reported: bool = False
    _sockets: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, file: str, received: int, fresh: int) -> None:
        """Account for bytes that arrived, and end the thread if the download was stopped."""
        with self._lock:
            self.received[file] = received
            self.fresh_bytes += fresh
            self.newest = file
        self.check()

    def report_wait(self, address: str, fault: str, wait_s: float) -> None:
        """Log once that a server asked to be left alone: the files of one download are of the same server."""
        with self._lock:
            reported, self.wait_reported = self.wait_reported, True
        if not reported:
            report_wait(address, fault, wait_s)

    def check(self) -> None:
        """Raise where the download was stopped."""
        if self.stopped.is_set():
            raise RunCancelled("the download was stopped", "the next one goes on where it was")

    def stop(self) -> None:
        """End all threads, also those that wait for a silent server."""
        self.stopped.set()
        for connection in list(self._sockets):
            _hang_up(connection)

    def see_off(self, thread: threading.Thread) -> None:
        """Wait for the end of a thread; one that is still connecting is left to itself, without its lock.

        It touches no file any more: the session is stopped by then, and its connection is hung up when it comes about.
        """
        while thread.is_alive():
            if self.stopped.is_set() and thread.ident in self.connecting:
                self.locks[thread.ident].close()
                return
            thread.join(JOIN_S)

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Keep the sockets, which the client reports as it opens them."""
        if event.endswith(".connect_tcp.started"):
            self.connecting.add(threading.get_ident())
        elif ".connect_tcp." in event:
            self.connecting.discard(threading.get_ident())
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):  # of a proxy, too
            connection = info["return_value"].get_extra_info("socket")
            self._sockets.append(connection)
            if self.stopped.is_set():
                _hang_up(connection)


class _TryAgain(Exception):
    """The server is not able to answer right now, or broke off."""

    def __init__(self, what: str, status: int = 0, retry_after_s: float | None = None) -> None:
        super().__init__(what)
        self.status, self.retry_after_s = status, retry_after_s


def receive(session: Session, address: str, file: WeightsFile, partial: Path) -> tuple[str, str]:
    """Fill the partial file until it is whole and right.

    Returns:
        The version the server calls it (its ETag), and the sha256 of what came.

    Raises:
        DownloadFailed: naming the address and what the server answered.
        ChecksumMismatch: the server has other bytes than the card names.
        RunCancelled: the session was stopped.
    """
    part = Part(partial)
    part.read_back(session.check)
    _fill(session, address, file, part)
    if part.pieces > 1 and not part.sha256.startswith(file.pin):  # one of the pieces may be at fault
        part.drop()
        _fill(session, address, file, part)
    part.check(file, without_password(address))
    part.sync()
    return part.etag, part.sha256


def _fill(session: Session, address: str, file: WeightsFile, part: Part) -> None:
    """Ask until an answer was received to its end; give up where one attempt after the other brings nothing new."""
    import httpx

    idle, most = 0, part.size_bytes
    while True:
        session.check()
        try:
            return _attempt(session, address, file, part)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.DecodingError) as error:
            raise DownloadFailed(
                f"{without_password(address)}: {words(error)}", "the server is at fault; try again later"
            ) from error
        except (httpx.TransportError, _TryAgain) as error:
            session.check()
            if not session.fresh_bytes:  # a network that was there may come back
                raise_where_offline(error, address)
                silent = isinstance(error, httpx.TransportError) or error.status > 0
                if silent and not session.is_last:
                    raise DownloadFailed(f"{without_password(address)}: {words(error)}") from error
            idle, most = (0 if part.size_bytes > most else idle + 1), max(most, part.size_bytes)
            wait_s: float | None = getattr(error, "retry_after_s", None)
            if getattr(error, "status", 0) == 429 and (idle >= ATTEMPTS or (wait_s or 0) > MAX_WAIT_S):
                on_hub = server_of(address) == server_of(session.token_address)
                raise rate_limited(address, wait_s, token_would_help=on_hub and not session.token) from error
            if idle >= ATTEMPTS:
                raise DownloadFailed(
                    f"{without_password(address)}: {words(error)}, {ATTEMPTS} times in a row",
                    "look at the network and try again; what has arrived is kept",
                ) from error
            if wait_s:
                session.report_wait(address, words(error), min(wait_s, MAX_WAIT_S))
            _pause(session, wait_s, idle)


def _attempt(session: Session, address: str, file: WeightsFile, part: Part) -> None:
    """One request: the rest of the version we have part of, or all of what the server has now."""
    if part.size_bytes and part.size_bytes == file.size_bytes:  # an earlier process ended before it could publish it
        return
    if not part.etag:  # nothing shows whether the rest would be of the same version
        part.drop()
    with _open(session, address, part) as (response, etag):
        resumes = part.size_bytes > 0 and response.status_code == 206
        if response.status_code == 416 or (resumes and not _continues(response, part, etag)):
            part.drop()
            raise _TryAgain("what has arrived does not fit what the server has now")
        if not resumes:
            part.begin(etag)
        if (length := response.headers.get("content-length", "")).isdecimal():
            session.stated[file.name] = part.size_bytes + int(length)
        with part.appending() as append:
            for chunk in response.iter_bytes():
                append(chunk)
                session.count(file.name, part.size_bytes, len(chunk))
                if file.size_bytes is not None and part.size_bytes > file.size_bytes:
                    break
    framed = not response.headers.keys().isdisjoint(("content-length", "transfer-encoding"))
    if not framed and part.size_bytes < (file.size_bytes or 0):  # only such an answer can be cut short without an error
        raise _TryAgain(f"the server broke off after {part.size_bytes:,} of {file.size_bytes:,} bytes")


def _continues(response: httpx.Response, part: Part, etag: str) -> bool:
    """Whether an answer goes on where the part ends: a server may overlook If-Range, or pack what it sends."""
    match = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    follows = match is not None and int(match[1]) == part.size_bytes
    return follows and etag in ("", part.etag) and "content-encoding" not in response.headers


@contextlib.contextmanager
def _open(session: Session, address: str, part: Part) -> Iterator[tuple[httpx.Response, str]]:
    """Follow redirects to the file; the token stays with the Hub's own server.

    The Hub names the version when it redirects to a store that may call it something else. Where it does, that name
    decides whether the rest is asked for; elsewhere the server decides, by If-Range.

    Yields:
        The response, and the ETag that the first server to name one gave.
    """
    linked_etag, url = "", address
    for _ in range(REDIRECTS):
        headers = {"Accept-Encoding": "identity"}
        if part.size_bytes and linked_etag in ("", part.etag):
            headers["Range"] = f"bytes={part.size_bytes}-"
            if not linked_etag and not part.etag.startswith("W/"):  # of a weak one, the answer's is compared
                headers["If-Range"] = part.etag
        if session.token and server_of(url) == server_of(session.token_address):
            headers["Authorization"] = f"Bearer {session.token}"
        with session.client.stream("GET", url, headers=headers, extensions={"trace": session.trace}) as response:
            linked_etag = linked_etag or response.headers.get("x-linked-etag", "")
            if response.has_redirect_location:
                url = next_address(response, address)
                continue
            _raise_for_status(response, address)
            yield response, linked_etag or response.headers.get("etag", "")
            return
    raise DownloadFailed(f"{without_password(address)} redirects in circles", "the server is at fault; try again later")


def _raise_for_status(response: httpx.Response, address: str) -> None:
    status = response.status_code
    if status in (200, 206, 416):
        return
    if status in RETRIED:
        raise _TryAgain(f"the server answered {status}", status, retry_after_s(response))
    hints = {
        401: "the repository is private or gated: set HF_TOKEN",
        403: "you may not read it: ask its owner for access, and set HF_TOKEN",
        404: "the file or the commit is gone; the plugin's card may be out of date",
    }
    raise DownloadFailed(
        f"{without_password(address)}: the server answered {status}", hints.get(status, "try again later")
    )


def _pause(session: Session, retry_after_s: float | None, idle: int) -> None:
    """Wait as long as asked, or longer each time, with jitter; a stop ends it at once."""
    wait_s = retry_after_s if retry_after_s is not None else BACKOFF_S * 2**idle * random.uniform(0.5, 1.5)  # noqa: S311
    session.stopped.wait(min(wait_s, MAX_WAIT_S))


def _hang_up(connection: socket.socket) -> None:
    # The plain call also for TLS, whose own one would take the connection apart under the thread that reads from it.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
