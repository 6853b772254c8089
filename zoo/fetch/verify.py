"""Digests of files, computed once: a verdict holds as long as the file's size and modification time stay."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from zoo import atomic, git_lfs
from zoo.card import WeightsFile
from zoo.encoding import encode_json
from zoo.errors import ChecksumMismatch, DownloadFailed
from zoo.paths import cache_folder

CHANGED = "put it back as it was; what was fetched, zoo cache verify --fix removes, and it is fetched again when needed"
"""What to do about another file than the one that is meant: of what a person made there may be no other copy."""


class _Verdict(msgspec.Struct, frozen=True):
    path: str
    size_bytes: int
    mtime_ns: int
    sha256: str


def verify(folder: Path, file: WeightsFile) -> Path:
    """Check that a file is there and is the one that is meant.

    Raises:
        DownloadFailed: it is not there.
        ChecksumMismatch: it is another one.
    """
    path = folder / file.name
    try:
        return _verified(path, file)
    except OSError as error:
        raise DownloadFailed(f"{path} cannot be read: {error.strerror or error}", "look at its permissions") from error


def _verified(path: Path, file: WeightsFile) -> Path:
    if not path.is_file():
        raise DownloadFailed(f"{path} is not there")
    if git_lfs.is_pointer(path):
        raise ChecksumMismatch(f"{path} is {git_lfs.WHAT}", git_lfs.ADVICE)
    size_bytes = path.stat().st_size
    if file.size_bytes is not None and size_bytes != file.size_bytes:
        raise ChecksumMismatch(f"{path} has {size_bytes:,} bytes, not {file.size_bytes:,}", CHANGED)
    if file.pin and not (sha256 := digest_of(path)).startswith(file.pin):
        raise ChecksumMismatch(f"{path} has sha256 {sha256}, not {file.shown_pin}", CHANGED)
    return path


def digest_of(path: Path) -> str:
    """Sha256 of a file, remembered."""
    if sha256 := known_digest(path):
        return sha256
    sha256 = computed_digest(path)
    remember(path, sha256)
    return sha256


def known_digest(path: Path) -> str:
    """Sha256 of a file that was hashed and is as it was then; empty for any other."""
    stat = path.stat()
    verdict = _recalled(path)
    unchanged = verdict and (verdict.size_bytes, verdict.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    return verdict.sha256 if verdict and unchanged else ""


def computed_digest(path: Path) -> str:
    """Sha256 of a file as it is on the disk now."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def recalled_digest(path: Path) -> str:
    """Sha256 that a file had when it was last hashed, whatever became of it since; empty where it never was."""
    verdict = _recalled(path)
    return verdict.sha256 if verdict else ""


def _recalled(path: Path) -> _Verdict | None:
    real = _real(path)
    try:
        verdict = msgspec.json.decode(_note_of(real).read_bytes(), type=_Verdict)
    except (OSError, UnicodeError, msgspec.DecodeError):  # never computed, or the note is damaged: compute it
        return None
    return verdict if verdict.path == real else None


def remember(path: Path, sha256: str) -> None:
    """Note the digest of a file that was hashed while it was written."""
    stat = path.stat()
    _remember(_Verdict(_real(path), stat.st_size, stat.st_mtime_ns, sha256))


def _remember(verdict: _Verdict) -> None:
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time only: it is computed again
        atomic.write_bytes(_note_of(verdict.path), encode_json(verdict))


def _real(path: Path) -> str:
    """The path behind links, as text that JSON can hold."""
    return os.fsencode(path.resolve()).decode(errors="backslashreplace")


def _note_of(real_path: str) -> Path:
    return cache_folder() / "digests" / f"{hashlib.sha256(real_path.encode()).hexdigest()[:32]}.json"
