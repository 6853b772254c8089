"""What kinds have in common whose cells name files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from zoo.encoding import is_encodable
from zoo.errors import DatasetInvalid
from zoo.file_cache import media_sha256
from zoo.kinds.kind import Unusable
from zoo.kinds.media_files import walk
from zoo.prefetch import prefetched

_THREADS = min(32, (os.cpu_count() or 1) + 4)
"""That read files: they wait for the disk, or for a file server."""
_AHEAD = 8
"""Files per thread."""


def find(text: str, base: Path) -> str:
    """The absolute path of the file that a cell names.

    Raises:
        Unusable: it leads to no file with anything in it.
    """
    name = text.strip()
    fault = _fault(name, base)
    if fault:
        raise Unusable(f"{name}: {fault}")
    return os.path.normpath(base / Path(name).expanduser())


def _fault(name: str, base: Path) -> str:
    """Why a name leads to no file with anything in it; empty where it does."""
    if "\0" in name:
        return "no file has a NUL character in its name"
    if not is_encodable(name):
        return "its name is not UTF-8; rename the file"
    if "://" in name:
        return "it is an address, not a file on this machine"
    try:
        status = (base / Path(name).expanduser()).stat()
    except OSError as error:
        return f"there is no such file below {base}" if error.errno == 2 else str(error.strerror)
    if not stat.S_ISREG(status.st_mode):
        return "it is no ordinary file"
    return "" if status.st_size else "it is empty (0 bytes)"


def digests(paths: Iterable[str]) -> list[str]:
    """The sha256 of each file."""
    # Hashing leaves Python, so threads do run side by side.
    return list(prefetched(sha256_of, paths, threads=_THREADS, ahead=_AHEAD * _THREADS))


def sha256_of(path: str) -> str:
    """Of a file's bytes; empty for one that cannot be read, which decoding will report."""
    try:
        return media_sha256(path)
    except OSError:
        return ""


def expand(words: Iterable[str], extensions: frozenset[str], without: str, advice: str) -> list[str]:
    """The files that words stand for, in order; a folder and a pattern give theirs by name.

    Args:
        words: as typed.
        extensions: of the files of a folder that are meant, in lower case.
        without: what a folder is that has none.
        advice: what to type instead.

    Raises:
        DatasetInvalid: a folder has no such files, or a pattern matches nothing.
    """
    return [name for word in words for name in _expand(word, extensions, without, advice)]


def _expand(word: str, extensions: frozenset[str], without: str, advice: str) -> list[str]:
    import glob

    path = Path(word).expanduser()
    if path.is_dir():
        names, missing = [str(path / name) for name in walk(path, extensions)], f"{word} is {without}"
    elif not path.exists() and glob.has_magic(word):
        names = sorted(name for name in glob.iglob(str(path), recursive=True) if Path(name).is_file())  # noqa: PTH207
        missing = f"no file matches {word}"
    else:
        names, missing = [str(path)], ""
    if not names:
        raise DatasetInvalid(missing, advice)
    return names
