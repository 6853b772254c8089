"""Folders of recordings with their transcripts beside them as tables: one row a recording.

speech/7_ada.wav                 a recording
speech/7_ada.txt                 what is said in it: a file of the same name; or
speech/84/121/84-121-0001.flac   a recording of LibriSpeech, and
speech/84/121/84-121.trans.txt   what is said in those of its folder: a name and a text a line

Parts are folders of such (speech/train-clean-100, speech/dev-clean).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from zoo.data.lines import EncodingLog
from zoo.data.part_names import named_parts
from zoo.data.rows import Malformed, Row
from zoo.errors import DatasetInvalid
from zoo.file_cache import read_text
from zoo.kinds import RECORDING
from zoo.kinds.media_files import RECORDINGS, metadata_in, walk

INPUT_KIND = RECORDING
"""What its inputs are, whatever the task."""
TITLE = "recordings with transcripts"
FILE_COLUMN, TEXT_COLUMN = "file_name", "text"
_LISTS, _TEXT = "*.trans.txt", ".txt"
_SEEN = 20
"""Recordings of which one must have a transcript."""


def is_of(path: Path) -> bool:
    """Whether one of the first recordings below a folder has its transcript beside it."""
    if not path.is_dir() or metadata_in(path):
        return False
    for number, name in enumerate(walk(path, RECORDINGS)):
        recording = path / name
        if recording.with_suffix(_TEXT).is_file() or any(recording.parent.glob(_LISTS)):
            return True
        if number + 1 == _SEEN:
            return False
    return False


def parts(path: Path) -> dict[str, Path]:
    """The folders whose names say that they are parts."""
    return named_parts(path)


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """`file_name` and `text`."""
    return FILE_COLUMN, TEXT_COLUMN


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every recording by name; one without a transcript has no text."""
    folder, listed = path, dict[str, str]()
    for number, name in enumerate(walk(path, RECORDINGS), start=1):
        recording = path / name
        if number == 1 or recording.parent != folder:
            folder, listed = recording.parent, _listed(recording.parent)
        try:
            said = _said(recording, listed) if TEXT_COLUMN in columns else ""
        except UnicodeDecodeError as error:
            yield Malformed(number, f"its transcript is not UTF-8: byte {error.start} of the file", name=name)
            continue
        values = {FILE_COLUMN: name, TEXT_COLUMN: said}
        yield Row(number, {column: values[column] for column in columns})


def _said(recording: Path, listed: dict[str, str]) -> str:
    text = recording.with_suffix(_TEXT)
    if recording.stem in listed:
        return listed[recording.stem]
    return " ".join(read_text(text).split()) if text.is_file() else ""


def _listed(folder: Path) -> dict[str, str]:
    """The transcripts that a folder lists, by the names of the recordings.

    Raises:
        DatasetInvalid: a list is not UTF-8.
    """
    said = {}
    for path in sorted(folder.glob(_LISTS)):
        try:
            lines = read_text(path).splitlines()
        except UnicodeDecodeError as error:
            raise DatasetInvalid(
                f"{path} is not UTF-8: byte {error.start} cannot be decoded", "write it as UTF-8"
            ) from error
        for line in lines:
            name, _, text = line.strip().partition(" ")
            said[name] = text.strip()
    return said
