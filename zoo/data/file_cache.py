"""Files of data that are looked at again and again, and read from disk once.

The format of a file, its columns, a guess from its first rows, all of its rows and its digest: each begins at its first
byte. Within `read_once` what was read already is kept, up to a limit, and the digest is made of the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

KEPT_BYTES = 64 * 2**20
"""Of each file; what is beyond is read again where the file is gone through again."""
MOST_FILES = 4
"""Kept at once: those that were opened last."""
_BUFFER_BYTES = 2**18


class _Stamp(NamedTuple):
    """What differs once a file has changed."""

    size: int
    modified_ns: int
    device: int
    inode: int


def _stamp(status: os.stat_result) -> _Stamp:
    return _Stamp(status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino)


class CachedFile:
    """The bytes of one file: its beginning as far as it was read, and the digest of as much as was read in order.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stamp = _stamp(path.stat())
        self._beginning = bytearray()
        self._hash = hashlib.sha256()
        self._hashed_bytes = 0
        self._at_work = threading.Lock()

    def open(self) -> io.BufferedReader:
        """The bytes from the first one on; those that are kept do not come from disk."""
        return io.BufferedReader(_CachedBytes(self), _BUFFER_BYTES)

    def open_on_disk(self) -> io.FileIO:
        """The file itself, which must not have changed."""
        file = io.FileIO(self.path)
        if _stamp(os.fstat(file.fileno())) != self.stamp:
            file.close()
            raise OSError(f"{self.path} has changed while it was read")
        return file

    def kept(self, position: int, size: int) -> bytes:
        """At most so many of the kept bytes from a position on."""
        return bytes(self._beginning[position : position + size])

    def receive(self, position: int, data: bytes) -> None:
        """Take note of bytes that were read from disk."""
        with self._at_work:
            if position == self._hashed_bytes:
                self._hash.update(data)
                self._hashed_bytes += len(data)
            if position == len(self._beginning) and position + len(data) <= KEPT_BYTES:
                self._beginning += data

    def read_rest(self) -> None:
        """Read what was not read yet."""
        if not self.stamp.size or self._hashed_bytes < self.stamp.size:  # some file systems state no size
            with self.open_on_disk() as file:
                file.seek(position := self._hashed_bytes)
                while data := file.read(_BUFFER_BYTES):
                    self.receive(position, data)
                    position += len(data)

    @property
    def sha256(self) -> str:
        """Of all its bytes, in hexadecimal."""
        self.read_rest()
        return self._hash.hexdigest()


class _CachedBytes(io.RawIOBase):
    """One way through a cached file, from its first byte on or wherever it is sent."""

    def __init__(self, file: CachedFile) -> None:
        self._file = file
        self._on_disk: io.FileIO | None = None
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if self._file.stamp.size <= KEPT_BYTES:  # formats that begin at the end of a file go to and fro in it
            self._file.read_rest()
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence, self._file.stamp.size)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        data = self._file.kept(self._position, len(buffer)) or self._read(len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _read(self, size: int) -> bytes:
        if 0 < self._file.stamp.size <= self._position:
            return b""
        if self._on_disk is None:
            self._on_disk = self._file.open_on_disk()
        if self._on_disk.tell() != self._position:
            self._on_disk.seek(self._position)
        data = self._on_disk.read(size) or b""
        self._file.receive(self._position, data)
        return data

    def close(self) -> None:
        if self._on_disk is not None:
            self._on_disk.close()
        super().close()


class FileCache:
    """The files that are read for one purpose, such as a form or a command."""

    def __init__(self) -> None:
        self._files: dict[Path, CachedFile] = {}
        self._at_work = threading.Lock()

    def file(self, path: Path) -> CachedFile:
        """The file of that path; where it has changed since, nothing of it is kept."""
        path = path.absolute()
        with self._at_work:
            file = self._files.pop(path, None)
            if file is None or file.stamp != _stamp(path.stat()):
                file = CachedFile(path)
            self._files[path] = file  # at the end: it was opened last
            if len(self._files) > MOST_FILES:
                self._files.pop(next(iter(self._files)))
        return file

    def clear(self) -> None:
        """Keep nothing."""
        self._files.clear()


_cache: ContextVar[FileCache | None] = ContextVar("cache", default=None)


@contextmanager
def read_once(cache: FileCache | None = None) -> Iterator[FileCache]:
    """Read files from disk once that are opened within the block, in this thread.

    Args:
        cache: what was read before; without it that of a surrounding block, or a new one.
    """
    cache = cache or _cache.get() or FileCache()
    token = _cache.set(cache)
    try:
        yield cache
    finally:
        _cache.reset(token)


def open_file(path: Path) -> io.BufferedReader:
    """Open a file of data for reading bytes.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    cache = _cache.get()
    return cache.file(path).open() if cache else path.open("rb")


def file_sha256(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    with read_once() as cache:
        return cache.file(path).sha256
