"""Files of transcripts: those that players, editors and programs read."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import msgspec
import pytest

from zoo import OptionInvalid, Rejected, Segment, TimedText, Transcript
from zoo.answers.answer import RecordCount
from zoo.encoding import encode_json
from zoo.runs.answer_files import AnswerColumns, AnswerRecord, format_of, named_format
from zoo.sessions.messages import PartialReply
from zoo.tasks import get_task

FORMATS = get_task("automatic-speech-recognition").answer.file_formats
SAID = Transcript(
    text="Where is it? <Here> --> there.",
    segments=(Segment(0.5, 1.25, " Where is it?"), Segment(3599.9, 3601.0, "<Here> --> there.")),
    language="en",
)
SRT = """1
00:00:00,500 --> 00:00:01,250
Where is it?

2
00:59:59,900 --> 01:00:01,000
<Here> --> there.

"""
VTT = """WEBVTT

00:00:00.500 --> 00:00:01.250
Where is it?

00:59:59.900 --> 01:00:01.000
&lt;Here> -> there.

"""


def written(name: str, *answers: Transcript | Rejected) -> str:
    """What is in a file of that format."""
    writer = named_format(name, FORMATS)(AnswerColumns())
    records = (AnswerRecord(row, f"{row}.wav", answer) for row, answer in enumerate(answers, 1))
    return (writer.header() + b"".join(map(writer.encode, records))).decode()


@pytest.mark.parametrize(("name", "content"), [("srt", SRT), ("vtt", VTT), ("text", f"{SAID.text}\n")])
def test_a_transcript_is_written_as_players_read_it(name: str, content: str) -> None:
    assert written(name, SAID) == content


def test_programs_read_one_document_of_it() -> None:
    segments = [{"start": one.start, "end": one.end, "text": one.text} for one in SAID.segments]

    assert json.loads(written("json", SAID)) == {"text": SAID.text, "segments": segments, "language": "en"}
    assert json.loads(written("json", Transcript(text="é"))) == {"text": "é", "segments": [], "language": None}


@pytest.mark.parametrize("name", ["srt", "vtt", "json"])
def test_a_file_has_one_recording(name: str) -> None:
    with pytest.raises(OptionInvalid, match=f"the format {name} has the times of one recording"):
        written(name, SAID, SAID)
    with pytest.raises(OptionInvalid, match="there is no transcript to write: it is empty"):
        written(name, Rejected("it is empty"))
    with pytest.raises(OptionInvalid, match="--keep carries columns along"):
        named_format(name, FORMATS)(AnswerColumns(carried=("id",)))
    assert named_format(name, FORMATS)(AnswerColumns()).count(BytesIO(b"begun")) == RecordCount()


def test_subtitles_need_times() -> None:
    for name in ("srt", "vtt"):
        with pytest.raises(OptionInvalid, match="the model does not say when something is said"):
            written(name, Transcript(text="words"))
        assert written(name, Transcript(text="")) == ("WEBVTT\n\n" if name == "vtt" else "")


def test_the_time_of_a_piece_comes_from_another_process_with_it() -> None:
    for piece in (TimedText(" my parcel", 1.5), "a piece without"):
        reply = msgspec.json.decode(encode_json(PartialReply.of(piece)), type=PartialReply)
        assert (str(piece), getattr(piece, "start", None)) == (str(reply.piece), getattr(reply.piece, "start", None))


def test_endings_name_the_format() -> None:
    for name, ending in (("srt", ".srt"), ("vtt", ".vtt"), ("json", ".json"), ("text", ".txt")):
        assert format_of(Path(f"a{ending}"), own=FORMATS) is named_format(name, FORMATS)
