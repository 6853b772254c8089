"""Recordings are read as they were made, whatever their format, and what is wrong with one is said."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from zoo.answers import Rejected
from zoo.data import inspect
from zoo.data.inspection_text import report
from zoo.kinds import RECORDING, Unusable
from zoo.kinds.facts import ModelLimits
from zoo.kinds.published_letters import published_letters
from zoo.kinds.recording_decoding import Heard, hear, read_recording, recording_blocks, resampled
from zoo.tasks import get_task

RATE = 16_000
SPEECH = "automatic-speech-recognition"


def tone(seconds: float = 0.5, rate: int = RATE, pitch: float = 440.0) -> np.ndarray[Any, Any]:
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def written(path: Path, samples: np.ndarray[Any, Any], rate: int = RATE, **how: str) -> str:
    soundfile.write(path, samples, rate, **how)
    return str(path)


@pytest.mark.parametrize(
    ("name", "subtype", "error"),
    [
        ("a.wav", "PCM_U8", 1 / 100),
        ("a.wav", "PCM_16", 1 / 30_000),
        ("a.wav", "PCM_24", 1e-6),
        ("a.wav", "FLOAT", 0),
        ("a.flac", "PCM_24", 1e-6),
        ("a.aiff", "PCM_16", 1 / 30_000),
        ("a.ogg", "VORBIS", 0.1),
        ("a.mp3", "MPEG_LAYER_III", 0.1),
    ],
)
def test_every_format_gives_the_samples(tmp_path: Path, name: str, subtype: str, error: float) -> None:
    path = written(tmp_path / name, tone(), subtype=subtype)

    samples = read_recording(path, RATE)

    assert isinstance(samples, np.ndarray)
    assert samples.dtype == np.float32
    assert np.abs(samples[1000:7000] - tone()[1000:7000]).max() <= error


def test_a_wrong_extension_does_not_matter(tmp_path: Path) -> None:
    flac = written(tmp_path / "a.flac", tone())
    wrong = Path(flac).rename(tmp_path / "a.wav")

    heard = hear(str(wrong))

    assert isinstance(heard, Heard)
    assert heard.format == "FLAC 16 bit"


def test_channels_are_mixed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", np.stack([tone(), -tone() / 2], 1), subtype="FLOAT")

    np.testing.assert_allclose(read_recording(path, RATE), tone() / 4, atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
def test_another_rate_is_converted_alike_in_blocks_and_at_once(tmp_path: Path, rate: int) -> None:
    seconds = 65
    noise = np.random.default_rng(0).normal(0, 0.1, seconds * rate).astype(np.float32)
    path = written(tmp_path / "a.wav", noise, rate, subtype="FLOAT")

    blocks = list(recording_blocks(path, RATE))

    assert len(blocks) == 3
    np.testing.assert_allclose(np.concatenate(blocks), resampled(noise, rate, RATE), atol=1e-5)


def test_a_tone_keeps_its_pitch_at_another_rate() -> None:
    converted = resampled(tone(1, 44_100), 44_100, RATE)

    assert np.abs(converted[500:-500] - tone(1)[500:-500]).max() < 5e-3


@pytest.mark.parametrize(
    "source",
    [
        (tone(), RATE),
        {"array": tone(), "sampling_rate": RATE},
        ((tone() * 2**15).astype(np.int16), RATE),
        (np.stack([tone(), tone()]).astype(np.float64), RATE),
    ],
)
def test_arrays_are_recordings(source: Any) -> None:
    np.testing.assert_allclose(read_recording(source, RATE), tone(), atol=1e-4)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (7, "int, not the path of a recording or samples with their rate"),
        ((tone(), 0), "the rate is 0"),
        ((tone(), True), "the rate is True"),
        ((np.zeros((3, 4, 5)), RATE), "shape (3, 4, 5)"),
        ((np.zeros(0), RATE), "shape (0,)"),
        ((np.arange(10), RATE), "int64"),
        ((np.array([0.0, np.nan]), RATE), "no finite numbers"),
    ],
)
def test_what_is_no_recording_is_rejected(source: Any, reason: str) -> None:
    rejected = read_recording(source, RATE)

    assert isinstance(rejected, Rejected)
    assert reason in rejected.reason


def test_damaged_files_say_what_they_are(tmp_path: Path) -> None:
    cases = {
        "empty.wav": (b"", "it is empty (0 bytes)"),
        "text.wav": (b"hello, I am no sound", "begins with b'hello"),
        "cut.flac": (Path(written(tmp_path / "whole.flac", tone())).read_bytes()[:50], "damaged"),
        "zip.mp3": (b"PK\x03\x04" + bytes(100), "no recording"),
    }
    for name, (content, reason) in cases.items():
        (tmp_path / name).write_bytes(content)
        for rejected in (hear(str(tmp_path / name)), read_recording(str(tmp_path / name), RATE)):
            assert isinstance(rejected, Rejected), name
            assert reason in rejected.reason, name
    folder, nothing = hear(str(tmp_path)), hear(str(tmp_path / "nowhere.wav"))
    assert isinstance(folder, Rejected)
    assert isinstance(nothing, Rejected)
    assert folder.reason == "it is a folder, not a file"
    assert nothing.reason == "No such file or directory"


def test_a_recording_without_samples_is_rejected(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", tone(0))

    assert hear(path) == read_recording(path, RATE) == Rejected("it holds no samples")


@pytest.mark.slow
def test_an_hour_takes_no_more_memory_than_a_minute(tmp_path: Path) -> None:
    for name, minutes in (("minute", 1), ("hour", 60)):
        with soundfile.SoundFile(tmp_path / f"{name}.flac", "w", 8_000, 1) as file:
            for _ in range(minutes):
                file.write(np.zeros(60 * 8_000, np.int16))

    def read(name: str) -> tuple[Heard | Rejected, float]:
        path = tmp_path / f"{name}.flac"
        return hear(str(path)), sum(len(block) for block in recording_blocks(path, RATE)) / RATE

    read("minute")  # what it imports is no memory of a recording
    tracemalloc.start()
    try:
        heard, seconds = read("hour")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert isinstance(heard, Heard)
    assert heard.seconds == seconds == 3_600
    assert heard.silent
    assert peak < 40e6


def test_an_inspection_tells_lengths_levels_and_what_is_left_out(tmp_path: Path) -> None:
    for name, samples in (
        ("dog/1.wav", tone(2)),
        ("dog/2.wav", tone(1)),
        ("cat/loud.wav", np.clip(9 * tone(1, pitch=300), -1, 1)),
        ("cat/silent.flac", np.zeros(RATE, np.float32)),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        written(tmp_path / name, samples)
    (tmp_path / "cat" / "broken.wav").write_bytes(b"nothing")
    (tmp_path / "cat" / "notes.txt").write_text("of no use")

    inspection = inspect(tmp_path, get_task("audio-classification"))

    recordings = inspection.train.recordings
    assert recordings is not None
    assert recordings.seconds == 5
    assert (recordings.shortest_s, recordings.median_s, recordings.longest_s) == (1, 1, 2)
    assert recordings.formats == {"WAV 16 bit": 3, "FLAC 16 bit": 1}
    assert (recordings.silent.files, recordings.silent.first) == (1, "cat/silent.flac")
    assert (recordings.clipped.files, recordings.clipped.first) == (1, "cat/loud.wav")
    assert recordings.other_files == {".txt": 1}
    assert inspection.train.unit == "recording"
    assert inspection.train.rejected_rows == 1
    messages = "\n".join(finding.message for finding in inspection.findings)
    assert "1 recording holds silence alone; the first is cat/silent.flac" in messages
    assert "1 recording is clipped" in messages


def test_manifests_of_nemo_are_read_but_for_parts_of_recordings(tmp_path: Path) -> None:
    written(tmp_path / "a.wav", tone(2))
    row = {"audio_filepath": "a.wav", "duration": 2.0, "text": "hello"}
    for name, rows in (("whole.json", [row, row]), ("parts.json", [row | {"offset": 0.5}, row | {"offset": 1.0}])):
        (tmp_path / name).write_text("".join(f"{json.dumps(one)}\n" for one in rows))

    whole, parts = (inspect(tmp_path / f"{name}.json", get_task(SPEECH)) for name in ("whole", "parts"))

    assert [one.train.mapping for one in (whole, parts)] == [{"input": "audio_filepath", "label": "text"}] * 2
    assert (whole.train.rows, whole.train.rejected_rows) == (2, 0)
    assert "offset" not in whole.train.reading_note
    assert "column offset is not read: recordings are heard whole" in parts.train.reading_note


def test_transcripts_that_cannot_be_said_in_the_time_are_told(tmp_path: Path) -> None:
    written(tmp_path / "short.wav", tone(0.5))
    written(tmp_path / "long.wav", tone(20))
    (tmp_path / "table.csv").write_text(
        "path,sentence\nshort.wav,Nobody can say as much as this in half of a second!\nlong.wav,Well\n"
    )

    inspection = inspect(tmp_path / "table.csv", get_task("automatic-speech-recognition"))

    transcripts = inspection.train.transcripts
    assert transcripts is not None
    assert (transcripts.fast, transcripts.first_fast.row) == (1, 1)
    assert (transcripts.slow, transcripts.first_slow.row) == (1, 2)
    assert transcripts.words == 13
    assert "!" not in transcripts.characters


def test_letters_of_evaluation_data_that_nobody_learns_are_told(tmp_path: Path) -> None:
    written(tmp_path / "a.wav", tone(2))
    (tmp_path / "train.csv").write_text("audio,text\na.wav,Hello there\n")
    (tmp_path / "eval.csv").write_text("audio,text\na.wav,Señor\n")

    inspection = inspect(
        tmp_path / "train.csv", get_task("automatic-speech-recognition"), eval_path=tmp_path / "eval.csv"
    )

    assert any("nothing learns to write them: s ñ" in finding.message for finding in inspection.findings)


def test_letters_that_the_model_lacks_are_told(tmp_path: Path) -> None:
    written(tmp_path / "a.wav", tone(2))
    (tmp_path / "train.csv").write_text("audio,text\na.wav,Señor Éluard\n", encoding="utf-8")
    task = get_task("automatic-speech-recognition")

    known, unknown = (
        inspect(tmp_path / "train.csv", task, limits=ModelLimits(sampling_rate=RATE, letters=frozenset(letters)))
        for letters in ("abcdefghijklmnopqrstuvwxyz'", "")
    )

    assert [one.train.transcripts.unwritten for one in (known, unknown) if one.train.transcripts] == [("é", "ñ"), ()]
    (message,) = (finding.message for finding in known.findings if "letter" in finding.message)
    assert "train.csv has characters that the model has no letter for: é ñ; " in message


@pytest.mark.parametrize(
    ("config", "vocabulary", "letters"),
    [
        ({"problem_type": "speech_recognition", "labels": ["<blank>", " ", "a", "é"]}, None, " aé"),
        ({"architectures": ["Wav2Vec2ForCTC"]}, {"<pad>": 0, "|": 1, "A": 2, "B": 3, "<s>": 4}, "|ab"),
        ({"architectures": ["Wav2Vec2ForCTC"]}, None, ""),
        ({"architectures": ["WhisperForConditionalGeneration"]}, {"a": 0}, ""),
        ({"problem_type": "speech_recognition", "labels": 7, "architectures": None}, None, ""),
        ([], None, ""),
    ],
)
def test_the_letters_of_a_network_stand_beside_its_weights(
    tmp_path: Path, config: Any, vocabulary: Any, letters: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    if vocabulary is not None:
        (tmp_path / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")

    assert published_letters(tmp_path) == frozenset(letters)
    assert published_letters(tmp_path / "nowhere") == frozenset()


def test_speakers_of_both_parts_are_told(tmp_path: Path) -> None:
    for number, name in enumerate("abcde"):
        written(tmp_path / f"{name}.wav", tone(1, pitch=200 + 50 * number))
    (tmp_path / "train.csv").write_text("audio,text,Speaker_ID\na.wav,hello,Ann\nb.wav,hello,7\nc.wav,hello,\n")
    (tmp_path / "eval.csv").write_text("audio,text,speaker\nd.wav,hello,Ann\ne.wav,hello,Bea\n")
    task = get_task("automatic-speech-recognition")

    inspection = inspect(tmp_path / "train.csv", task, eval_path=tmp_path / "eval.csv")

    assert {"Ann": 1, "7": 1} == inspection.train.groups
    assert "  speakers 2 by column 'Speaker_ID', with 1 recording at most" in report(inspection)
    (message,) = (finding.message for finding in inspection.findings if "speaker" in finding.message)
    assert message.startswith(
        "1 of the 2 speakers of the evaluation data is in the training data, too, with 1 row here (Ann): "
    )


def test_speakers_that_are_to_be_told_apart_are_no_speakers_in_both_parts(tmp_path: Path) -> None:
    for name in "ab":
        written(tmp_path / f"{name}.wav", tone(1, pitch=200 + ord(name)))
    (tmp_path / "train.csv").write_text("audio,speaker\na.wav,Ann\n")
    (tmp_path / "eval.csv").write_text("audio,speaker\nb.wav,Ann\n")

    inspection = inspect(
        tmp_path / "train.csv",
        get_task("audio-classification"),
        eval_path=tmp_path / "eval.csv",
        columns={"label": "speaker"},
    )

    assert ({}, "speaker") == (inspection.train.groups, inspection.train.mapping["label"])


@pytest.mark.parametrize(
    ("header", "row", "task"),
    [
        ("audio,text", "a.wav,hello", "automatic-speech-recognition"),
        ("path,sentence", "a.wav,hello", "automatic-speech-recognition"),
        ("audio_filepath,duration,text", "a.wav,1.0,hello", "automatic-speech-recognition"),
        ("file_name,label", "a.wav,dog", "audio-classification"),
        ("file_name,label", "a.png,dog", "image-classification"),
        ("text,label", "hello,dog", "text-classification"),
    ],
)
def test_the_names_of_files_say_what_a_table_is_for(tmp_path: Path, header: str, row: str, task: str) -> None:
    from zoo.data.guessing import likely_task

    written(tmp_path / "a.wav", tone())
    (tmp_path / "table.csv").write_text(f"{header}\n{row}\n{row}\n")

    assert likely_task(tmp_path / "table.csv").name == task


def test_samples_that_python_holds_become_files(tmp_path: Path) -> None:
    stereo = (np.stack([tone(), tone()]) * 2**15).astype(np.int16)
    path = RECORDING.write_held((stereo, RATE), tmp_path / "data-1.5")

    assert path == tmp_path / "data-1.5.wav"
    np.testing.assert_array_equal(read_recording(path, RATE), read_recording((stereo, RATE), RATE))
    assert RECORDING.write_held("a.wav", tmp_path / "b") is None
    with pytest.raises(Unusable, match="the rate is 'fast'"):
        RECORDING.write_held({"array": tone(), "sampling_rate": "fast"}, tmp_path / "b")
    assert [*tmp_path.iterdir()] == [path]
