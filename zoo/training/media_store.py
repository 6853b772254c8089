"""Files of media decoded once and kept for all epochs: in memory up to a bound, then on disk up to another.

Whatever does not fit is decoded each time it is needed, to the same values: where a file is kept changes nothing but
time.
"""

from __future__ import annotations

import mmap
import os
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from zoo.answers import Rejected
from zoo.errors import DatasetInvalid, RunCancelled
from zoo.prefetch import prefetched
from zoo.runs.events import InputsPrepared

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun

THREADS = os.cpu_count() or 1
"""That decode files, or make batches of what is in them."""
_MEGABYTE = 1_000_000
EVENT_S = 0.5
"""Least time between two events."""
Value = TypeVar("Value")


class Decoded(NamedTuple):
    """What is in a file, as it is kept."""

    content: bytes
    shape: tuple[int, ...]
    """All that `MediaStore.restored` needs to know beside the content."""
    original: tuple[int, ...] = ()
    """The shape before it was made smaller, where that matters."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """One file, and where its content is; neither in memory nor on disk means to decode it again."""

    path: str
    shape: tuple[int, ...]
    original: tuple[int, ...]
    length: int
    content: bytes | None = None
    offset: int | None = None
    """In the file on disk."""


@dataclass
class MediaRoom:
    """How much of a run's files is kept; the stores of all its sources share it."""

    memory_limit: int
    """In bytes, as the others."""
    disk_limit: int
    memory: int = 0
    disk: int = 0

    @classmethod
    def of(cls, run: TrainingRun) -> MediaRoom:
        """Within the bounds of the run's options, and half of what is free on its disk."""
        options: Any = run.options
        free = shutil.disk_usage(run.folder).free
        return cls(options.cache_memory * _MEGABYTE, min(options.cache_disk * _MEGABYTE, free // 2))


class MediaStore(ABC, Generic[Value]):
    """The files of a run, or of one of its sources, by number.

    Args:
        run: gets the progress of decoding as events; its scratch folder holds what is kept on disk.
        room: for them, in memory and beyond that on disk; None for what the options of the run give.
    """

    def __init__(self, run: TrainingRun, *, room: MediaRoom | None) -> None:
        self._run, self._room = run, room or MediaRoom.of(run)
        self._written = self._unkept = 0
        self._stored: list[_Stored] = []
        self._file: IO[bytes] | None = None
        self._map: mmap.mmap | None = None
        self._reported_at = 0.0

    @abstractmethod
    def decode(self, path: str) -> Decoded | Rejected:
        """What is in a file, as small as training needs it, always the same; or the reason why it cannot be used."""

    @abstractmethod
    def restored(self, content: bytes, shape: tuple[int, ...]) -> Value:
        """What `decode` made of a file, for use; must not change the content."""

    def add(self, paths: Sequence[str]) -> list[int | Rejected]:
        """Decode files in parallel; each gets its number, or the reason why it cannot be used.

        Raises:
            RunCancelled: someone asked the run to stop.
        """
        before: int = len(self._stored)
        numbers: list[int | Rejected] = []
        decoded = prefetched(self.decode, paths, threads=THREADS, ahead=4 * THREADS)
        try:
            for path, one in zip(paths, decoded, strict=True):
                numbers.append(one if isinstance(one, Rejected) else self._keep(path, one))
                self._report_progress(before + len(numbers), before + len(paths))
                # Processes of one run vote on stopping later; here each is on its own.
                if self._run.world_size == 1 and self._run.should_stop():
                    raise RunCancelled("stopped while decoding")
        finally:
            self._close_file()
        return numbers

    def __getitem__(self, number: int) -> Value:
        """What is in a file; safe to call from several threads.

        Raises:
            DatasetInvalid: it had to be decoded again, and its file has changed.
        """
        stored = self._stored[number]
        if stored.content is not None:
            return self.restored(stored.content, stored.shape)
        if stored.offset is not None and self._map is not None:
            content = self._map[stored.offset : stored.offset + stored.length]
            return self.restored(content, stored.shape)
        again = self.decode(stored.path)
        if isinstance(again, Rejected) or again.shape != stored.shape:
            reason = again.reason if isinstance(again, Rejected) else "it is another one"
            raise DatasetInvalid(
                f"{stored.path} has changed while the run used it: {reason}", "leave the data as it is"
            )
        return self.restored(again.content, again.shape)

    def shape(self, number: int) -> tuple[int, ...]:
        """Of what is kept of a file."""
        return self._stored[number].shape

    def original_shape(self, number: int) -> tuple[int, ...]:
        """Of a file before it was made smaller."""
        return self._stored[number].original

    def _keep(self, path: str, decoded: Decoded) -> int:
        content, shape, original = decoded
        length = len(content)
        stored = _Stored(path, shape, original, length)
        room = self._room
        if room.memory + length <= room.memory_limit:
            room.memory += length
            stored = _Stored(path, shape, original, length, content=content)
        elif room.disk + length <= room.disk_limit and self._write(content):
            stored = _Stored(path, shape, original, length, offset=self._written)
            self._written += length
            room.disk += length
        else:
            self._unkept += 1
        self._stored.append(stored)
        return len(self._stored) - 1

    def _write(self, content: bytes) -> bool:
        """Append to the file; a disk that is full is not used any more."""
        try:
            if self._file is None:
                self._run.scratch_folder.mkdir(parents=True, exist_ok=True)
                path = self._run.scratch_folder / f"media-{self._run.rank}-{self._run.source}.bin"
                self._file = path.open("r+b" if self._written else "w+b")
            self._file.seek(self._written)
            self._file.write(content)
        except OSError as error:
            self._room.disk_limit = self._room.disk
            self._run.warn(f"no more {self._run.task.input}s are kept on disk: {error.strerror or error}")
            return False
        return True

    def _close_file(self) -> None:
        """What was written is read through memory from here on."""
        if self._file is None:
            return
        with self._file as file:
            self._file = None
            file.flush()
            if self._written:
                self._map = mmap.mmap(file.fileno(), self._written, access=mmap.ACCESS_READ)

    def _report_progress(self, decoded: int, total: int) -> None:
        if decoded < total and time.monotonic() - self._reported_at < EVENT_S:
            return
        self._reported_at = time.monotonic()
        self._run.emit(
            InputsPrepared(
                done=decoded,
                total=total,
                decoded_again=self._unkept,
                memory_bytes=self._room.memory,
                memory_limit_bytes=self._room.memory_limit,
                disk_bytes=self._room.disk,
                disk_limit_bytes=self._room.disk_limit,
            )
        )
