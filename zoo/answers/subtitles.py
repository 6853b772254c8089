"""Files of transcripts as players, editors and programs read them: SubRip, WebVTT, JSON, and the text alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from zoo.answers.answer import RecordCount
from zoo.answers.file_columns import refuse_columns
from zoo.answers.transcript import Segment, Transcript, clock
from zoo.encoding import encode_json, escaped
from zoo.errors import OptionInvalid

if TYPE_CHECKING:
    from zoo.runs.answer_files import AnswerColumns, AnswerRecord


class _OneTranscript(ABC):
    """One recording a file, since its times begin at 0."""

    name: str

    def __init__(self, columns: AnswerColumns) -> None:
        refuse_columns(columns, self.name)
        self._written = False

    def header(self) -> bytes:
        """None."""
        return b""

    def encode(self, record: AnswerRecord) -> bytes:
        """The transcript of a recording.

        Raises:
            OptionInvalid: there is one already, or none can be written.
        """
        if self._written:
            raise OptionInvalid(
                f"a file of the format {self.name} has the times of one recording",
                "ask for one recording at a time, or write .jsonl",
            )
        self._written = True
        answer = record.answer
        if not isinstance(answer, Transcript):
            raise OptionInvalid(f"there is no transcript to write: {answer.cells().rejected}", "name another recording")
        return self.content(answer)

    @abstractmethod
    def content(self, transcript: Transcript) -> bytes:
        """Of the file, behind its header."""

    def count(self, file: BinaryIO) -> RecordCount:
        """All or nothing: a file that was begun is begun again."""
        return RecordCount()


class Json(_OneTranscript):
    """One document: the text, its segments with their times in seconds, and the language."""

    name = "json"

    def content(self, transcript: Transcript) -> bytes:
        """What the command line of Whisper's authors writes, as far as it is known here."""
        document = {"text": transcript.text, "segments": transcript.segments, "language": transcript.language or None}
        return msgspec.json.format(encode_json(document), indent=2) + b"\n"


class _Subtitles(_OneTranscript):
    """Cues: what is said from when to when."""

    def content(self, transcript: Transcript) -> bytes:
        """The cues.

        Raises:
            OptionInvalid: the model says no times.
        """
        if transcript.text.strip() and not transcript.segments:
            raise OptionInvalid(
                f"the model does not say when something is said, and {self.name} is made of times",
                "write .txt or .jsonl",
            )
        return escaped("".join(self.cues(transcript.segments))).encode()

    @abstractmethod
    def cues(self, segments: tuple[Segment, ...]) -> Iterator[str]:
        """The lines of each segment."""


class SubRip(_Subtitles):
    """Numbered cues, a comma before the milliseconds."""

    name = "srt"

    def cues(self, segments: tuple[Segment, ...]) -> Iterator[str]:
        """The lines of each segment."""
        for number, one in enumerate(segments, start=1):
            times = f"{clock(one.start, decimal=',')} --> {clock(one.end, decimal=',')}"
            yield f"{number}\n{times}\n{one.text.strip()}\n\n"


class WebVtt(_Subtitles):
    """As browsers read them (W3C WebVTT)."""

    name = "vtt"

    def header(self) -> bytes:
        """What makes it one."""
        return b"WEBVTT\n\n"

    def cues(self, segments: tuple[Segment, ...]) -> Iterator[str]:
        """The lines of each segment; `-->` must not be in a text."""
        for one in segments:
            times = f"{clock(one.start, decimal='.')} --> {clock(one.end, decimal='.')}"
            yield f"{times}\n{one.text.strip().replace('-->', '->').replace('<', '&lt;')}\n\n"


class PlainText:
    """A line a recording; an empty one where there is no answer."""

    def __init__(self, columns: AnswerColumns) -> None:
        refuse_columns(columns, "text")

    def header(self) -> bytes:
        """None."""
        return b""

    def encode(self, record: AnswerRecord) -> bytes:
        """The text, white space made one blank."""
        answer = record.answer
        text = " ".join(answer.text.split()) if isinstance(answer, Transcript) else ""
        return escaped(text + "\n").encode()

    def count(self, file: BinaryIO) -> RecordCount:
        """Each whole line is a record."""
        rows = end = 0
        for line in file:
            if line.endswith(b"\n"):
                rows, end = rows + 1, end + len(line)
        return RecordCount(rows, 0, end)
