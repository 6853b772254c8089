"""What is read of data, once for one purpose, such as a command or a form.

Tables: their format, their columns, a guess from their first rows, all of their rows and their digest each begin at the
first byte. Within `read_once` what was read already is kept, up to a limit, and the digest is made of the same bytes.
Media files, which tables and folders name (an image, a mask, a recording): no bytes are kept, but their digests and
what was found out about them.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar, cast

import msgspec

from zoo import cached_file
from zoo.cached_file import CachedFile, Stamp, stamp_of
from zoo.encoding import is_encodable
from zoo.errors import DatasetInvalid

MOST_FILES = 4
"""Tables kept at once: those that were opened last."""
MOST_MEDIA = 2**20
"""Media files that something is known of; some 200 bytes each, and as much where facts are kept."""
MOST_VALUES = 2**18
"""That `once` keeps, entries of folders among them; some 300 bytes each."""
CHANGED_ADVICE = "put the old file back, or start a new run on the new one"
Value = TypeVar("Value")


class _Media(NamedTuple):
    """What a media file held when it was as its stamp says."""

    stamp: Stamp
    sha256: bytes
    facts: dict[str, bytes] | None = None
    """What was found out about it, each as MessagePack; None where nothing was."""


class FileCache:
    """What was read of the files of one purpose; each is read again once it has changed.

    Args:
        recorded: what another cache knew of media files; None takes note of those that are opened. What is recorded
            must not change any more: whoever opens such a file gets the bytes of its digest, or an error.
    """

    def __init__(self, recorded: bytes | None = None) -> None:
        self._files: dict[Path, CachedFile] = {}
        self.tables: set[Path] = set()
        """Paths of all that were opened."""
        self._media = _decode(recorded)
        self._records = recorded is None
        self._at_work = threading.Lock()

    def file(self, path: Path) -> CachedFile:
        """The table of that path; where it has changed since, nothing of it is kept."""
        path = path.absolute()
        with self._at_work:
            self.tables.add(path)
            file = self._files.pop(path, None)
            if file is None or file.stamp != stamp_of(path.stat()):
                file = CachedFile(path)
            self._files[path] = file  # at the end: it was opened last
            if len(self._files) > MOST_FILES:
                self._files.pop(next(iter(self._files)))
        return file

    def open_media(self, path: str) -> IO[bytes]:
        """Open a media file; takes note of its digest.

        Raises:
            DatasetInvalid: it has changed, and must not.
        """
        if not self._records and path not in self._media:
            return open(path, "rb")  # noqa: PTH123  (the caller closes it)
        import hashlib  # opens the library of OpenSSL, which no list of models needs

        with open(path, "rb") as file:  # noqa: PTH123  (pathlib costs as much as reading a small image)
            stamp = stamp_of(os.fstat(file.fileno()))
            if stamp.size <= cached_file.KEPT_BYTES:
                content = file.read()
                self._note(path, stamp, hashlib.sha256(content).digest())
                return io.BytesIO(content)
            self._note(path, stamp, hashlib.file_digest(file, "sha256").digest())
        return open(path, "rb")  # noqa: PTH123  (the caller closes it)

    def sha256_of_media(self, path: str) -> str:
        """The digest of a media file, in hexadecimal; it is read only where it has not been, or has changed."""
        import hashlib

        if known := self._known(path):
            return known.sha256.hex()
        with open(path, "rb") as file:  # noqa: PTH123
            stamp = stamp_of(os.fstat(file.fileno()))
            sha256 = hashlib.file_digest(file, "sha256").digest()
        self._note(path, stamp, sha256)
        return sha256.hex()

    def fact(self, path: str, name: str, kind: type[Value], find: Callable[[str], Any]) -> Any:
        """See `media_fact`."""
        if (known := self._known(path)) and (fact := (known.facts or {}).get(name)):
            with contextlib.suppress(msgspec.DecodeError):  # another version of zoo found it out
                return msgspec.msgpack.decode(fact, type=kind)
        value = find(path)
        if isinstance(value, kind) and (known := self._known(path)):
            facts = (known.facts or {}) | {name: msgspec.msgpack.encode(value)}
            self._media[path] = known._replace(facts=facts)
        return value

    def encode(self) -> bytes:
        """What is known of media files, for another process; empty where that is nothing."""
        media = {path: known for path, known in self._media.items() if is_encodable(path)}
        return msgspec.msgpack.encode(media) if media else b""

    @property
    def media(self) -> tuple[str, ...]:
        """Paths of the media files that something is known of."""
        return tuple(self._media)

    def _known(self, path: str) -> _Media | None:
        """What is known of a media file as it is now."""
        known = self._media.get(path)
        try:
            return known if known is not None and known.stamp == stamp_of(os.stat(path)) else None  # noqa: PTH116
        except OSError:  # whoever opens it will say it
            return None

    def _note(self, path: str, stamp: Stamp, sha256: bytes) -> None:
        before = self._media.get(path)
        if before is not None and before.sha256 != sha256 and not self._records:
            raise DatasetInvalid(f"{path} has changed since the run was asked for", CHANGED_ADVICE)
        facts = before.facts if before is not None and before.sha256 == sha256 else None
        if before is not None or len(self._media) < MOST_MEDIA:
            self._media[path] = _Media(stamp, sha256, facts)

    def release(self) -> None:
        """Keep no bytes any more."""
        self._files.clear()

    def clear(self) -> None:
        """Keep nothing."""
        self.release()
        self._media.clear()


def _decode(recorded: bytes | None) -> dict[str, _Media]:
    return msgspec.msgpack.decode(recorded, type=dict[str, _Media]) if recorded else {}


class _Reading:
    """The outermost block of `read_once` that something is read in."""

    def __init__(self, cache: FileCache) -> None:
        self.cache = cache
        self._values: dict[Hashable, Any] = {}
        self._size = 0

    def once(self, key: Hashable, make: Callable[[], Any], size: Callable[[Any], int]) -> Any:
        """See the function."""
        if key in self._values:
            return self._values[key]
        value = make()
        if self._size + size(value) <= MOST_VALUES:
            self._size += size(value)
            self._values[key] = value
        return value

    def release(self) -> None:
        """See the function."""
        self.cache.release()
        self._values.clear()
        self._size = 0


_reading: ContextVar[_Reading | None] = ContextVar("reading", default=None)


@contextmanager
def read_once(cache: FileCache | None = None) -> Iterator[FileCache]:
    """Read files from disk once that are opened within the block, in this thread and those of `zoo.prefetch`.

    Args:
        cache: what was read before; without it that of a surrounding block, or a new one.
    """
    outer = _reading.get()
    if outer is not None and cache in (None, outer.cache):
        yield outer.cache
        return
    reading = _Reading(cache or FileCache())
    token = _reading.set(reading)
    try:
        yield reading.cache
    finally:
        _reading.reset(token)


def once(key: Hashable, make: Callable[[], Value], size: Callable[[Value], int] = lambda value: 1) -> Value:
    """Find something out once within the outermost block of `read_once`, without a look whether it still holds.

    Args:
        key: what it is.
        make: finds it out.
        size: how much of `MOST_VALUES` it takes.
    """
    reading = _reading.get()
    return make() if reading is None else cast("Value", reading.once(key, make, size))


def release() -> None:
    """Free the memory of what was read so far within the block; what is known of media files is kept."""
    if reading := _reading.get():
        reading.release()


def clear() -> None:
    """Keep nothing of what was read so far within the block."""
    if reading := _reading.get():
        reading.release()
        reading.cache.clear()


def encoded_media() -> bytes:
    """What is known of the media files that were read within the block; empty where there are none."""
    reading = _reading.get()
    return reading.cache.encode() if reading else b""


def open_file(path: Path) -> io.BufferedReader:
    """Open a table for reading bytes.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    reading = _reading.get()
    return reading.cache.file(path).open() if reading else path.open("rb")


def read_text(path: Path) -> str:
    """All of a text beside data, which is UTF-8.

    Raises:
        OSError: there is no such file, or it cannot be read.
        UnicodeDecodeError: it is none.
    """
    with open_file(path) as file:
        return file.read().decode("utf-8-sig")


def file_sha256(path: Path) -> str:
    """The sha256 of the bytes of a table, in hexadecimal.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    with read_once() as cache:
        return cache.file(path).sha256


def open_media(path: str) -> IO[bytes]:
    """Open a media file; its digest costs no further reading within `read_once`.

    Raises:
        DatasetInvalid: a run is to learn from the file as it was, and it has changed.
        OSError: there is no such file, or it cannot be read.
    """
    reading = _reading.get()
    return reading.cache.open_media(path) if reading else open(path, "rb")  # noqa: PTH123  (as above)


def media_sha256(path: str) -> str:
    """The sha256 of a media file, in hexadecimal.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    with read_once() as cache:
        return cache.sha256_of_media(path)


def media_fact(path: str, name: str, kind: type[Value], find: Callable[[str], Any]) -> Any:
    """What a function finds out about a media file; within `read_once` anew only where the file has changed.

    A run's worker knows what was found out in front.

    Args:
        path: of the file.
        name: of what is found out.
        kind: of what is kept, a named tuple or a struct of plain values; other results are found out anew each time.
        find: opens the file with `open_media`, and looks at nothing else.
    """
    reading = _reading.get()
    return reading.cache.fact(path, name, kind, find) if reading else find(path)
