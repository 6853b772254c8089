"""Downloads that resume, check what they receive, and publish a file only when it is whole.

A file arrives as `NAME.zoo-partial` beside its place, together with a note of the version the server called it (its
ETag). A later process goes on from there with Range and If-Range: the server sends the rest of that version, or all of
another one. The digest is computed while the bytes arrive.
"""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import os
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from zoo.card import HubSource, UrlSource, Weights, WeightsFile
from zoo.errors import ChecksumMismatch, DownloadFailed, RunCancelled
from zoo.fetch.places import hub_endpoint, hub_offline, hub_repository_folder, hub_token, place_of
from zoo.locking import locked

if TYPE_CHECKING:
    import httpx

    from zoo.fetch import OnProgress, ShouldStop

CHUNK_BYTES = 1 << 20
ATTEMPTS = 6
"""Tries without a single new byte before a file is given up."""
BACKOFF_S = 0.5
MAX_WAIT_S = 60.0
TIMEOUT_S = 30.0
REDIRECTS = 10
RETRIED = (408, 425, 429, 500, 502, 503, 504)


@dataclass
class _Session:
    """One download of a set of files."""

    client: httpx.Client
    weights: Weights
    on_progress: OnProgress
    should_stop: ShouldStop
    token: str | None
    token_host: str
    received: dict[str, int] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    fresh_bytes: int = 0

    def tell(self, file: str, received: int, fresh: int) -> None:
        """Account for bytes that arrived, and look whether anyone wants the download to stop."""
        from zoo.fetch import Progress

        self.received[file] = received
        self.fresh_bytes += fresh
        elapsed_s = time.monotonic() - self.began
        self.on_progress(
            Progress(
                received_bytes=sum(self.received.values()),
                total_bytes=self.weights.size_bytes,
                bytes_per_s=self.fresh_bytes / elapsed_s if elapsed_s else 0.0,
                file=file,
            )
        )
        if self.should_stop():
            raise RunCancelled("the download was stopped", "it goes on where it was the next time")


def download(weights: Weights, source: HubSource | UrlSource, on_progress: OnProgress, should_stop: ShouldStop) -> Path:
    """Fetch what is missing from one source.

    Returns:
        The folder that holds every file.

    Raises:
        DownloadFailed: naming the address and what the server answered.
        ChecksumMismatch: the source has other bytes than the card names.
    """
    import httpx

    if isinstance(source, HubSource) and hub_offline():
        raise DownloadFailed(
            f"{source.repository} is not here, and HF_HUB_OFFLINE forbids to fetch it", "unset HF_HUB_OFFLINE"
        )
    folder = place_of(source)
    folder.mkdir(parents=True, exist_ok=True)
    _check_space(folder, weights)
    token = hub_token() if isinstance(source, HubSource) else None
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, headers={"User-Agent": "zoo-models"}) as client:
        host = urlsplit(hub_endpoint()).netloc
        session = _Session(client, weights, on_progress, should_stop, token, host)
        for file in weights.files:
            _bring(session, source, file, folder)
    return folder


def _bring(session: _Session, source: HubSource | UrlSource, file: WeightsFile, folder: Path) -> None:
    """Fetch one file, unless it is here; processes that want the same one take turns."""
    target = _inside(folder, file.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.with_name(target.name + ".zoo-lock"), session.should_stop):
        if not target.exists():
            partial = target.with_name(target.name + ".zoo-partial")
            etag = _receive(session, _address(source, file), file, partial)
            _publish(source, partial, target, etag)
            _note(partial).unlink(missing_ok=True)
        session.tell(file.name, target.stat().st_size, 0)


def _receive(session: _Session, address: str, file: WeightsFile, partial: Path) -> str:
    """Fill the partial file until it is whole and right; returns the version the server calls it."""
    import httpx

    idle = 0
    while True:
        before = partial.stat().st_size if partial.exists() else 0
        try:
            etag = _attempt(session, address, file, partial)
            break
        except (httpx.TransportError, _TryAgain) as error:
            grew = partial.exists() and partial.stat().st_size > before
            idle = 0 if grew else idle + 1
            if idle >= ATTEMPTS:
                raise DownloadFailed(
                    f"{address}: {_words(error)}, {ATTEMPTS} times in a row",
                    "look at the network and try again; what has arrived is kept",
                ) from error
            _pause(session, getattr(error, "retry_after_s", None), idle)
    _check(address, file, partial)
    return etag


class _TryAgain(Exception):
    """The server is not able to answer right now, or broke off."""

    def __init__(self, what: str, retry_after_s: float | None = None) -> None:
        super().__init__(what)
        self.retry_after_s = retry_after_s


def _attempt(session: _Session, address: str, file: WeightsFile, partial: Path) -> str:
    """One request: the rest of the version we have part of, or all of what the server has now."""
    have = partial.stat().st_size if partial.exists() else 0
    known_etag = _note(partial).read_text() if have and _note(partial).exists() else ""
    headers = {"Range": f"bytes={have}-", "If-Range": known_etag} if have and known_etag else {}
    with _open(session, address, headers) as (response, stated_etag):
        if response.status_code == 416:  # nothing is left to send, or the version changed to a shorter one
            if file.size_bytes == have:
                return stated_etag or known_etag
            partial.unlink()
            raise _TryAgain("the partial file does not fit what the server has")
        start = have if response.status_code == 206 else 0
        etag = stated_etag or known_etag
        _note(partial).write_text(etag)
        received = start
        with partial.open("r+b" if start else "wb") as out:
            out.seek(start)
            out.truncate()
            for chunk in response.iter_bytes(CHUNK_BYTES):
                out.write(chunk)
                received += len(chunk)
                session.tell(file.name, received, len(chunk))
            out.flush()
            os.fsync(out.fileno())
    if file.size_bytes is not None and received < file.size_bytes:
        raise _TryAgain(f"the server broke off after {received:,} of {file.size_bytes:,} bytes")
    return etag


@contextlib.contextmanager
def _open(session: _Session, address: str, headers: dict[str, str]) -> Iterator[tuple[httpx.Response, str]]:
    """Follow redirects to the file; the token stays with the Hub's own host.

    Yields:
        The response, and the ETag that the first server to name one gave (the Hub names the file's digest).
    """
    etag, url = "", address
    for _ in range(REDIRECTS):
        own = session.token and urlsplit(url).netloc == session.token_host
        extra = {"Authorization": f"Bearer {session.token}"} if own else {}
        with session.client.stream("GET", url, headers={**headers, "Accept-Encoding": "identity", **extra}) as response:
            etag = etag or response.headers.get("x-linked-etag", "")
            if response.is_redirect:
                url = str(response.url.join(response.headers["location"]))
                continue
            _raise_for_status(response, address)
            yield response, etag or response.headers.get("etag", "")
            return
    raise DownloadFailed(f"{address} redirects in circles", "the server is at fault; try again later")


def _raise_for_status(response: httpx.Response, address: str) -> None:
    status = response.status_code
    if status in (200, 206, 416):
        return
    if status in RETRIED:
        raise _TryAgain(f"the server answered {status}", _retry_after_s(response))
    hints = {
        401: "the repository is private or gated: set HF_TOKEN",
        403: "you may not read it: ask its owner for access, and set HF_TOKEN",
        404: "the file or the commit is gone; the plugin's card may be out of date",
    }
    raise DownloadFailed(f"{address}: the server answered {status}", hints.get(status, "try again later"))


def _retry_after_s(response: httpx.Response) -> float | None:
    """Seconds the server asks to wait; it gives a number or a date."""
    stated = response.headers.get("retry-after", "")
    if stated.isdecimal():
        return float(stated)
    with contextlib.suppress(TypeError, ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(stated).timestamp() - time.time())
    return None


def _pause(session: _Session, asked_s: float | None, idle: int) -> None:
    """Wait as long as asked, or longer each time, with jitter; a wish to stop ends it at once."""
    wait_s = asked_s if asked_s is not None else BACKOFF_S * 2**idle * random.uniform(0.5, 1.5)  # noqa: S311
    until = time.monotonic() + min(wait_s, MAX_WAIT_S)
    while time.monotonic() < until:
        session.tell("", 0, 0)
        time.sleep(min(0.1, max(0.0, until - time.monotonic())))


def _check(address: str, file: WeightsFile, partial: Path) -> None:
    """The whole file must be the one the card names; one that is not is dropped."""
    size_bytes = partial.stat().st_size
    if file.size_bytes is not None and size_bytes != file.size_bytes:
        _drop(partial)
        raise ChecksumMismatch(f"{address} has {size_bytes:,} bytes, not {file.size_bytes:,}", "the source is not used")
    if file.sha256 is not None:
        with partial.open("rb") as received:
            found = hashlib.file_digest(received, "sha256").hexdigest()
        if found != file.sha256:
            _drop(partial)
            raise ChecksumMismatch(f"{address} has sha256 {found}, not {file.sha256}", "the source is not used")


def _publish(source: HubSource | UrlSource, partial: Path, target: Path, etag: str) -> None:
    """Put a whole file in its place: for the Hub, a blob named by its ETag and a link to it, as its own client does."""
    if not isinstance(source, HubSource) or not (name := _blob_name(etag)):
        partial.replace(target)
        return
    blob = hub_repository_folder(source) / "blobs" / name
    blob.parent.mkdir(parents=True, exist_ok=True)
    partial.replace(blob)
    try:
        target.symlink_to(os.path.relpath(blob, target.parent))
    except OSError:  # no links on this file system: the file itself then stands in the snapshot
        blob.replace(target)


def _blob_name(etag: str) -> str:
    name = etag.removeprefix("W/").strip('"')
    return name if name.isalnum() else ""


def _address(source: HubSource | UrlSource, file: WeightsFile) -> str:
    if isinstance(source, HubSource):
        return f"{hub_endpoint()}/{source.repository}/resolve/{source.revision}/{quote(file.name)}"
    return f"{source.base_url.rstrip('/')}/{quote(file.name)}"


def _inside(folder: Path, name: str) -> Path:
    """The path of a file below a folder; a name that leads out of it is refused."""
    target = folder / name
    if not target.absolute().is_relative_to(folder.absolute()) or ".." in Path(name).parts:
        raise DownloadFailed(f"{name!r} leads out of {folder}", "the card is not to be trusted")
    return target


def _check_space(folder: Path, weights: Weights) -> None:
    needed, free = weights.size_bytes or 0, shutil.disk_usage(folder).free
    if needed > free:
        raise DownloadFailed(
            f"{folder} has {free / 1e9:.1f} GB free, the weights need {needed / 1e9:.1f} GB",
            "make room, or set HF_HOME to another disk",
        )


def _note(partial: Path) -> Path:
    return partial.with_name(partial.name + ".etag")


def _drop(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _note(partial).unlink(missing_ok=True)


def _words(error: Any) -> str:
    return " ".join(str(error).split()) or type(error).__name__
