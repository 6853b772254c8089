"""Answers of models: asked once, and kept for whoever learns from the same rows again, or compares models on them.

A file of JSON lines for each model and set of rows. The first line says whose answers they are, the others are
answers in the order of the rows. The time of the file is that of its last use; those that were not used for long make
room for new ones.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, overload

import msgspec

from zoo import atomic
from zoo.answers import Prediction
from zoo.encoding import encode_json
from zoo.paths import cache_folder
from zoo.tasks.task import Task

SUFFIX = ".jsonl"
LIMIT_BYTES = 4_000_000_000
"""Most that all files hold together, unless the newest alone is larger."""


class AnswersHeading(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a file."""

    teacher: str
    """`plugin/name` of the card of the model, most often a teacher."""
    task: str


class AnswersFile(NamedTuple):
    """One file, as the cache shows it."""

    path: Path
    teacher: str


class KeptAnswers(Sequence[Prediction]):
    """The answers of one file; each is read when it is looked at, so that none of them stay in memory.

    Args:
        path: of the file.
        task: that the teacher answered.
    """

    def __init__(self, path: Path, task: Task) -> None:
        with path.open("rb") as file:
            self._lines = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._decoder: msgspec.json.Decoder[Prediction] = msgspec.json.Decoder(task.prediction)
        self._ends = list(_line_ends(self._lines))
        with contextlib.suppress(OSError):  # costs the time of the last use only
            os.utime(path)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> list[Prediction]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        start, end = self._ends[range(len(self))[index]], self._ends[range(len(self))[index] + 1]
        return self._decoder.decode(self._lines[start:end])


def _line_ends(lines: mmap.mmap) -> Iterator[int]:
    end = 0
    while end := lines.find(b"\n", end) + 1:
        yield end


def answers_folder() -> Path:
    """Where the files stand."""
    return cache_folder() / "teachers"


def path_of(digest: str) -> Path:
    """The file of answers, by the digest of all that they depend on."""
    return answers_folder() / f"{digest}{SUFFIX}"


def lock_of(path: Path) -> Path:
    """What a process locks while its teacher answers for a file."""
    return path.with_name(f"{path.name}.lock")


def keep(path: Path, heading: AnswersHeading, answers: Iterable[Prediction]) -> None:
    """Write a file, and let those that were not used for longest go where there are too many bytes."""
    atomic.write_bytes(path, b"".join(encode_json(one) + b"\n" for one in (heading, *answers)))
    files = sorted(_stats(), key=lambda one: one[1].st_mtime, reverse=True)
    room = LIMIT_BYTES - path.stat().st_size
    for other, stat in files:
        if other != path:
            room -= stat.st_size
            if room < 0:
                with contextlib.suppress(OSError):  # in use, on Windows
                    other.unlink(missing_ok=True)
                    lock_of(other).unlink(missing_ok=True)


def _stats() -> Iterator[tuple[Path, os.stat_result]]:
    for path in answers_folder().glob(f"*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            yield path, path.stat()


def answers_files() -> Iterator[AnswersFile]:
    """All files, with the name of the teacher of each; empty where a file does not say it."""
    for path in sorted(answers_folder().glob(f"*{SUFFIX}")):
        teacher = ""
        with contextlib.suppress(OSError, UnicodeError, msgspec.DecodeError), path.open("rb") as file:
            teacher = msgspec.json.decode(file.readline(), type=AnswersHeading).teacher
        yield AnswersFile(path, teacher)
