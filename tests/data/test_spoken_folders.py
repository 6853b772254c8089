"""Folders of recordings with their transcripts beside them."""

from __future__ import annotations

import wave
from pathlib import Path

from zoo.data import inspect, load
from zoo.data.guessing import likely_task
from zoo.data.layout import parts_of
from zoo.tasks import get_task

TASK = get_task("automatic-speech-recognition")


def record(path: Path, content: bytes = b"\x01\x00\x02\x00" * 4000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(content)


def said(folder: Path) -> dict[str, str]:
    return {Path(example.input).name: example.target for example in load(folder, TASK).examples}


def test_texts_stand_beside_recordings(tmp_path: Path) -> None:
    for name, text in (("b", "Second one.\n"), ("a", "\ufeffFirst\n one "), ("deep/c", "Third")):
        record(tmp_path / f"{name}.wav")
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")

    assert said(tmp_path) == {"a.wav": "First one", "b.wav": "Second one.", "c.wav": "Third"}
    assert likely_task(tmp_path).name == TASK.name


def test_folders_of_librispeech_list_what_is_said(tmp_path: Path) -> None:
    for chapter in ("84/121", "84/122"):
        folder, prefix = tmp_path / chapter, chapter.replace("/", "-")
        for number in (1, 0):
            record(folder / f"{prefix}-000{number}.wav")
        lines = (f"{prefix}-000{number} WORDS OF {prefix} {number}\n" for number in (0, 1))
        (folder / f"{prefix}.trans.txt").write_text("".join(lines))

    assert said(tmp_path) == {
        f"84-{chapter}-000{number}.wav": f"WORDS OF 84-{chapter} {number}"
        for chapter in (121, 122)
        for number in (0, 1)
    }


def test_a_recording_without_transcript_is_named(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        record(tmp_path / f"{name}.wav")
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe no text")

    inspection = inspect(tmp_path, TASK)

    assert (inspection.train.rows, inspection.train.rejected_rows) == (3, 2)
    reasons = " ".join(row.located_reason for row in inspection.train.rejected)
    assert "b.wav" in reasons
    assert "not UTF-8" in reasons
    assert "c.wav" in reasons


def test_parts_are_folders(tmp_path: Path) -> None:
    for part in ("train-clean", "dev-clean"):
        record(tmp_path / part / "x.wav")
        (tmp_path / part / "x.txt").write_text(part)

    assert said(tmp_path) == said(tmp_path / "train-clean") == {"x.wav": "train-clean"}
    assert parts_of(tmp_path).eval == tmp_path / "dev-clean"


def test_class_folders_stay_class_folders(tmp_path: Path) -> None:
    for name in ("dog/1.wav", "dog/2.wav", "cat/1.wav"):
        record(tmp_path / name)
    (tmp_path / "readme.txt").write_text("what this is")

    assert likely_task(tmp_path).name == "audio-classification"
    assert inspect(tmp_path, get_task("audio-classification")).usable
