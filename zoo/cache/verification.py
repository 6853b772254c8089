"""Whether files hold what they must: hashed anew, whatever was remembered, or as far as shows without reading them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from zoo import git_lfs
from zoo.cache.contents import CachedFile
from zoo.fetch.verify import computed_digest, known_digest, recalled_digest, remember


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How one file compares with what it must hold."""

    file: CachedFile
    problem: str = ""
    """What is wrong with it; empty where nothing is."""
    compared: bool = True
    """False where nobody says what it must hold: neither the card nor an earlier digest."""


def verify(file: CachedFile) -> Verdict:
    """Compare a whole file with its size and digest; an unpinned one with the digest it had when it arrived."""
    path = Path(file.path)
    try:
        if problem := _problem_of_size(path, file):
            return Verdict(file=file, problem=problem)
        expected = file.sha256 or recalled_digest(path)
        digest = computed_digest(path)
    except OSError as error:
        return Verdict(file=file, problem=f"cannot be read: {error.strerror or error}")
    if file.sha256 or digest == expected:
        remember(path, digest)  # what was remembered of a damaged file must not vouch for it any more
    if not digest.startswith(expected):
        return Verdict(file=file, problem=f"has sha256 {digest}, not {expected}")
    return Verdict(file=file, compared=bool(expected))


def glance(file: CachedFile) -> Verdict:
    """Compare a whole file with its size, and with its digest where it was hashed before and is as it was then."""
    path = Path(file.path)
    try:
        if problem := _problem_of_size(path, file):
            return Verdict(file=file, problem=problem)
        digest = known_digest(path)
    except OSError as error:
        return Verdict(file=file, problem=f"cannot be read: {error.strerror or error}")
    if digest and not digest.startswith(file.sha256):
        return Verdict(file=file, problem=f"has sha256 {digest}, not {file.sha256}")
    return Verdict(file=file, compared=bool(digest))


def _problem_of_size(path: Path, file: CachedFile) -> str:
    """What is wrong with a file that shows without hashing it; empty where nothing is."""
    if git_lfs.is_pointer(path):
        return f"is {git_lfs.WHAT}"
    size_bytes = path.stat().st_size
    if file.whole_bytes is not None and size_bytes != file.whole_bytes:
        return f"has {size_bytes:,} bytes, not {file.whole_bytes:,}"
    return ""
