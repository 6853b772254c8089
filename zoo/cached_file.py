"""The bytes of one file of data, read from disk once, however often it is gone through."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from typing import Any, NamedTuple

KEPT_BYTES = 64 * 2**20
"""Of each file; what is beyond is read again where the file is gone through again."""
_BUFFER_BYTES = 2**18


class Stamp(NamedTuple):
    """What differs once a file has changed."""

    size: int
    modified_ns: int
    changed_ns: int
    """Which no program can set, as it can the time before; on Windows, when the file was made."""
    device: int
    inode: int


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp of a file, by what the system says of it."""
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_dev, status.st_ino)


class CachedFile:
    """The bytes of one file: its beginning as far as it was read, and the digest of as much as was read in order.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        import hashlib  # opens the library of OpenSSL, which no list of models needs

        self.path = path
        self.stamp = stamp_of(path.stat())
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
        if stamp_of(os.fstat(file.fileno())) != self.stamp:
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
