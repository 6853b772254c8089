"""The part of a file that has arrived: bytes on disk, their digest so far and the version they belong to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo import git_lfs
from zoo.card import WeightsFile
from zoo.errors import ChecksumMismatch

READ_BYTES = 1 << 20


class Part:
    """A file that grows while it arrives, hashed as it is written.

    Attributes:
        path: where it stands.
        etag: the version the server calls it; empty where it named none that can be sent back.
        size_bytes: how much has arrived.
        pieces: how many requests or processes its bytes are from.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.etag = ""
        self.size_bytes = 0
        self.pieces = 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of what has arrived."""
        return self._digest.hexdigest()

    def begin(self, etag: str) -> None:
        """Start anew, with another version or the first one."""
        self.drop()
        self.etag = sendable(etag)
        note_of(self.path).write_text(self.etag)

    @contextmanager
    def appending(self) -> Iterator[Callable[[bytes], None]]:
        """What appends bytes."""
        self.pieces += 1
        with self.path.open("ab") as out:

            def append(data: bytes) -> None:
                out.write(data)
                out.flush()  # a kill must not take along what has arrived
                self._take(data)

            yield append

    def sync(self) -> None:
        """Wait until the disk has everything."""
        with self.path.open("r+b") as file:
            os.fsync(file.fileno())

    def check(self, file: WeightsFile, origin: str) -> None:
        """Make sure that what has arrived is the file the card names; drop what is not.

        Args:
            file: the file.
            origin: where the bytes are from, as messages name it.

        Raises:
            ChecksumMismatch: it is another one.
        """
        actual, expected = "", ""
        if file.size_bytes is not None and self.size_bytes != file.size_bytes:
            least = "" if self.size_bytes < file.size_bytes else "at least "
            actual, expected = f"{least}{self.size_bytes:,} bytes", f"{file.size_bytes:,}"
        elif not self.sha256.startswith(file.pin):
            actual, expected = f"sha256 {self.sha256}", file.shown_pin
        if actual:
            fault = f"is {git_lfs.WHAT}" if git_lfs.is_pointer(self.path) else f"has {actual}, not {expected}"
            self.drop()
            raise ChecksumMismatch(f"{origin} {fault}", "the source is not used")

    def drop(self) -> None:
        """Forget what has arrived."""
        self.path.unlink(missing_ok=True)
        note_of(self.path).unlink(missing_ok=True)
        self.etag, self.size_bytes, self.pieces, self._digest = "", 0, 0, hashlib.sha256()

    def _take(self, data: bytes) -> None:
        self._digest.update(data)
        self.size_bytes += len(data)

    def read_back(self, check: Callable[[], None]) -> None:
        """Hash what an earlier process left; without a version nothing can be added to it."""
        note = note_of(self.path)
        self.etag = sendable(note.read_text(errors="replace")) if note.exists() else ""
        if not self.etag or not self.path.exists():
            return
        self.pieces = 1
        with self.path.open("rb") as file:
            while data := file.read(READ_BYTES):
                check()
                self._take(data)


def note_of(partial: Path) -> Path:
    """Where the version of a partial file is noted."""
    return partial.with_name(partial.name + ".etag")


def sendable(etag: str) -> str:
    """A version that can stand in a header; anything else is none."""
    return etag if etag.isascii() and etag.isprintable() else ""
