"""The files of a set of weights, several at a time, each published only when it is whole and right."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from zoo.card import HubSource, RemoteSource, Weights, WeightsFile
from zoo.disk import cause_of, error_path, is_full, megabytes
from zoo.errors import ChecksumMismatch, DownloadFailed
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
from zoo.fetch.verify import remember, verify
from zoo.locking import locked

if TYPE_CHECKING:
    from zoo.fetch import OnProgress, Progress, ShouldStop

FILES_AT_ONCE = 4
POLL_S = 0.1


def download(weights: Weights, source: RemoteSource, on_progress: OnProgress, should_stop: ShouldStop) -> Path:
    """Fetch what is missing from one source; both callbacks are called in the caller's thread.

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
        _refuse_to_lead_out(folder, file.name)
        _refuse_unpinned(source, file)
    with _disk_errors_as_zoo_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _check_space(source, weights)
        token = hub_token() if isinstance(source, HubSource) else None
    with new_client() as client:
        session = Session(client, token, hub_endpoint(), received=_here(source, weights))
        _bring_all(session, source, weights, on_progress, should_stop)
    return folder


def _bring_all(
    session: Session, source: RemoteSource, weights: Weights, on_progress: OnProgress, should_stop: ShouldStop
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


def _work(session: Session, source: RemoteSource, waiting: deque[tuple[Future[None], WeightsFile]]) -> None:
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


def _bring(session: Session, source: RemoteSource, file: WeightsFile) -> None:
    """Fetch one file, unless it is here; processes that want the same one take turns."""
    session.check()
    folder = place_of(source)
    target, partial = folder / file.name, partial_of(partial_folder_of(source), file.name)

    def stop_waiting() -> bool:
        if partial.exists():  # another process fetches it
            session.count(file.name, partial.stat().st_size, 0)
        return session.stopped.is_set()

    with _disk_errors_as_zoo_errors(folder):
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        with locked(lock_of(partial_folder_of(source), file.name), stop_waiting) as lock:
            session.locks[threading.get_ident()] = lock
            if not (_is_whole(folder, file) or _link_blob(source, file, target)):
                etag, sha256 = receive(session, _address(source, file), file, partial)
                _publish(source, partial, target, etag)
                note_of(partial).unlink(missing_ok=True)
                remember(target, sha256)
            session.stated[file.name] = target.stat().st_size
            session.count(file.name, target.stat().st_size, 0)


def _is_whole(folder: Path, file: WeightsFile) -> bool:
    """Whether the file is here and is the right one; a damaged one is named, and taken for none."""
    if not (folder / file.name).exists():
        return False
    try:
        verify(folder, file)
    except ChecksumMismatch as error:
        logging.getLogger(__name__).warning("%s; it is fetched again", error.message)
        return False
    return True


def _link_blob(source: RemoteSource, file: WeightsFile, target: Path) -> bool:
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


def _publish(source: RemoteSource, partial: Path, target: Path, etag: str) -> None:
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


def _address(source: RemoteSource, file: WeightsFile) -> str:
    if isinstance(source, HubSource):
        return f"{hub_endpoint()}/{source.repository}/resolve/{source.revision}/{quote(file.name)}"
    return f"{source.base_url.rstrip('/')}/{quote(file.name)}"


def _refuse_to_lead_out(folder: Path, name: str) -> None:
    if not (folder / name).absolute().is_relative_to(folder.absolute()) or ".." in Path(name).parts:
        raise DownloadFailed(f"{name!r} leads out of {folder}", "the card is not to be trusted")


def _refuse_unpinned(source: RemoteSource, file: WeightsFile) -> None:
    """A commit pins what a file holds; an address alone may hold something else tomorrow."""
    if not isinstance(source, HubSource) and not file.pin:
        raise DownloadFailed(
            f"{without_password(_address(source, file))}: the card names no sha256, so the file cannot be trusted",
            "the plugin's card must name one",
        )


def _here(source: RemoteSource, weights: Weights) -> dict[str, int]:
    """Bytes of each file that are here, whole or in part."""
    sizes = {}
    for file in weights.files:
        paths = (place_of(source) / file.name, partial_of(partial_folder_of(source), file.name))
        sizes[file.name] = next((path.stat().st_size for path in paths if path.exists()), 0)
    return sizes


def _check_space(source: RemoteSource, weights: Weights) -> None:
    folder, here = place_of(source), _here(source, weights)
    needed = sum(max(0, (file.size_bytes or file.about_bytes or 0) - here[file.name]) for file in weights.files)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DownloadFailed(
            f"{folder} has {megabytes(free)} free, the weights need {megabytes(needed)}",
            "make room, or set HF_HOME to another disk" if isinstance(source, HubSource) else "make room",
        )


@contextlib.contextmanager
def _disk_errors_as_zoo_errors(folder: Path) -> Iterator[None]:
    """A disk that is full or may not be written to is a download that failed."""
    try:
        yield
    except OSError as error:
        path = error_path(error) or folder
        hint = "make room, or set HF_HOME to another disk" if is_full(error) else "look at the disk and its permissions"
        raise DownloadFailed(cause_of(error, path).reason, hint) from error
