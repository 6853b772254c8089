"""The files of a set of weights, several at a time, each published only when it is whole and right."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from zoo.card import HubSource, WebSource, Weights, WeightsFile
from zoo.errors import DownloadFailed
from zoo.fetch.http import new_client, without_password
from zoo.fetch.part import note_of
from zoo.fetch.places import (
    hub_endpoint,
    hub_offline,
    hub_repository_folder,
    hub_token,
    lock_of,
    partial_folder_of,
    partial_of,
    place_of,
)
from zoo.fetch.receiving import Session, receive
from zoo.fetch.staging import check_name, check_pinned, check_space, disk_errors_as_zoo_errors, is_whole, received_bytes
from zoo.fetch.verify import remember, verify
from zoo.locking import locked

if TYPE_CHECKING:
    from zoo.fetch import OnProgress, Progress, ShouldStop

FILES_AT_ONCE = 4
POLL_S = 0.1


def download(
    weights: Weights, source: WebSource, on_progress: OnProgress, should_stop: ShouldStop, *, is_last: bool = True
) -> Path:
    """Fetch what is missing from one source; both callbacks are called in the caller's thread.

    Args:
        weights: what to fetch.
        source: where from.
        on_progress: called as bytes arrive.
        should_stop: looked at while they do.
        is_last: whether no other source is left; else one that gives nothing is left soon, and not asked again.

    Returns:
        The folder that holds every file.

    Raises:
        DownloadFailed: naming the address and what the server answered.
        ChecksumMismatch: the source has other bytes than the card names.
        RunCancelled: `should_stop` said so.
    """
    if isinstance(source, HubSource) and hub_offline():
        raise DownloadFailed(
            f"{source.repository} is not here, and HF_HUB_OFFLINE forbids to fetch it", "unset HF_HUB_OFFLINE"
        )
    folder = place_of(source)
    for file in weights.files:
        check_name(folder, file.name)
        if not isinstance(source, HubSource):  # an address alone may hold something else tomorrow; a commit may not
            check_pinned(file, without_password(_address(source, file)))
    with disk_errors_as_zoo_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        check_space(source, weights)
        token = hub_token() if isinstance(source, HubSource) else None
    with new_client(brief=not is_last) as client:
        session = Session(client, token, hub_endpoint(), received=received_bytes(source, weights), is_last=is_last)
        _bring_all(session, source, weights, on_progress, should_stop)
    return folder


def _bring_all(
    session: Session, source: WebSource, weights: Weights, on_progress: OnProgress, should_stop: ShouldStop
) -> None:
    """Fetch the files in threads, watch over them, and end all of them with the first that fails."""
    began = time.monotonic()
    reported = None
    pending = {Future[None]() for _ in weights.files}
    waiting = deque(zip(pending, weights.files, strict=True))
    threads = [
        threading.Thread(target=_work, args=(session, source, waiting), name=f"zoo-download-{i}", daemon=True)
        for i in range(min(FILES_AT_ONCE, len(waiting)))
    ]
    try:
        for thread in threads:
            thread.start()
        while pending:
            completed, pending = wait(pending, POLL_S, return_when=FIRST_EXCEPTION)
            progress = _progress(session, weights, began)
            if reported != (reported := (progress.received_bytes, progress.file)):
                on_progress(progress)
            for file in completed:
                file.result()
            if pending and should_stop():
                session.stop()
                session.check()
    except BaseException:
        session.stop()
        raise
    finally:
        for thread in threads:
            session.see_off(thread)


def _work(session: Session, source: WebSource, waiting: deque[tuple[Future[None], WeightsFile]]) -> None:
    """Fetch one file after the other until none waits."""
    while True:
        try:
            future, file = waiting.popleft()
        except IndexError:
            return
        try:
            _bring(session, source, file)
        except BaseException as error:  # raised again in the thread that waits
            future.set_exception(error)
        else:
            future.set_result(None)


def _progress(session: Session, weights: Weights, began: float) -> Progress:
    from zoo.fetch import Progress

    received, stated = dict(session.received), dict(session.stated)
    sizes = [
        file.size_bytes or stated.get(file.name) or max(file.about_bytes or 0, received.get(file.name, 0))
        for file in weights.files
    ]
    elapsed_s = time.monotonic() - began
    return Progress(
        received_bytes=sum(received.values()),
        total_bytes=None if weights.size_bytes is None else sum(sizes),
        files={
            file.name: (received.get(file.name, 0), size or None)
            for file, size in zip(weights.files, sizes, strict=True)
        },
        bytes_per_s=session.fresh_bytes / elapsed_s if elapsed_s else 0.0,
        file=session.newest,
    )


def _bring(session: Session, source: WebSource, file: WeightsFile) -> None:
    """Fetch one file, unless it is here; processes that want the same one take turns."""
    session.check()
    folder = place_of(source)
    target, partial = folder / file.name, partial_of(partial_folder_of(source), file.name)

    def stop_waiting() -> bool:
        if partial.exists():  # another process fetches it
            session.count(file.name, partial.stat().st_size, 0)
        return session.stopped.is_set()

    with disk_errors_as_zoo_errors(folder):
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        with locked(lock_of(partial_folder_of(source), file.name), stop_waiting) as lock:
            session.locks[threading.get_ident()] = lock
            if not (is_whole(folder, file) or _link_blob(source, file, target)):
                etag, sha256 = receive(session, _address(source, file), file, partial)
                _publish(source, partial, target, etag)
                note_of(partial).unlink(missing_ok=True)
                remember(target, sha256)
            session.stated[file.name] = target.stat().st_size
            session.count(file.name, target.stat().st_size, 0)


def _link_blob(source: WebSource, file: WeightsFile, target: Path) -> bool:
    """Serve the file from a blob that is here already, under another name or commit; False where there is none."""
    if not isinstance(source, HubSource) or file.sha256 is None:
        return False
    blobs = hub_repository_folder(source) / "blobs"
    try:
        blob = verify(blobs, WeightsFile(name=file.sha256, sha256=file.sha256, size_bytes=file.size_bytes))
        target.unlink(missing_ok=True)
        target.symlink_to(os.path.relpath(blob, target.parent))
    except (DownloadFailed, OSError):  # none, a damaged one, or a file system without links
        return False
    return True


def _publish(source: WebSource, partial: Path, target: Path, etag: str) -> None:
    """Put a whole file in its place: for the Hub, a blob named by its ETag and a link to it, as its own client does."""
    target.parent.mkdir(parents=True, exist_ok=True)  # emptied folders are removed by `zoo cache`
    target.unlink(missing_ok=True)  # a link to a blob that is gone
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


def _address(source: WebSource, file: WeightsFile) -> str:
    if isinstance(source, HubSource):
        return f"{hub_endpoint()}/{source.repository}/resolve/{source.revision}/{quote(file.name)}"
    return f"{source.base_url.rstrip('/')}/{quote(file.name)}"
