"""Write the recordings of `zoo quickstart speech`: digits spoken by eSpeak NG in ten voices, as small Ogg Opus files.

    apt-get install espeak-ng
    uv run plugins/make_spoken_digits.py

Each voice says every digit alone and two pairs of digits after it and before it, at two speeds. Two voices, of accents
that no other has, are held out.
"""

from __future__ import annotations

import csv
import io
import random
import subprocess
from pathlib import Path

import numpy as np
import soundfile

from zoo.kinds.recording_decoding import read_recording

TARGET = Path(__file__).parent.parent / "zoo" / "quickstart" / "spoken_digits"
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TRAIN = (
    "en-us",
    "en-us+f1",
    "en-us+f3",
    "en-us+m3",
    "en-gb",
    "en-gb-x-rp+f4",
    "en-gb-x-gbclan+m7",
    "en-029+f2",
)
TEST = ("en-gb-scotland+f5", "en-us-nyc+m1")
"""Voices: an accent, and a variant of its speaker."""
SPEEDS = (130, 190)
"""In words a minute."""
RATE = 16_000
COMPRESSION = 0.97
"""Of Opus, 1 for the smallest files: some 20 kbit a second."""
BEFORE_S, AFTER_S = 0.05, 0.1
"""Silence that is kept."""
SILENCE = 0.01
"""Greatest level of silence."""


def spoken(text: str, voice: str, speed: int) -> np.ndarray:
    """A recording of a text at `RATE`."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", text]
    wave = subprocess.run(command, capture_output=True, check=True).stdout
    samples = read_recording(soundfile.read(io.BytesIO(wave), dtype="float32"), RATE)
    assert isinstance(samples, np.ndarray)
    loud = np.flatnonzero(np.abs(samples) > SILENCE)
    return samples[max(loud[0] - round(BEFORE_S * RATE), 0) : loud[-1] + round(AFTER_S * RATE)]


def texts(draw: random.Random) -> list[str]:
    """Every digit alone, and ten pairs in which each is first once and second once."""
    first, second = (draw.sample(DIGITS, len(DIGITS)) for _ in range(2))
    return [*DIGITS, *(f"{one} {other}" for one, other in zip(first, second, strict=True))]


def write(part: str, voices: tuple[str, ...], draw: random.Random) -> None:
    """Write the recordings of a part, and the table that names them."""
    folder = TARGET / part
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for voice in voices:
        for speed in SPEEDS:
            for text in texts(draw):
                name = f"{part}/{voice.replace('+', '-')}_{speed}_{text.replace(' ', '-')}.ogg"
                with soundfile.SoundFile(
                    TARGET / name, "w", RATE, 1, format="OGG", subtype="OPUS", compression_level=COMPRESSION
                ) as file:
                    file.write(spoken(text, voice, speed))
                rows.append((name, text, voice))
    with (TARGET / f"{part}.csv").open("w", encoding="utf-8", newline="") as table:
        csv.writer(table, lineterminator="\n").writerows([("file_name", "transcription", "speaker"), *rows])


if __name__ == "__main__":
    pairs = random.Random(0)  # noqa: S311
    write("train", TRAIN, pairs)
    write("test", TEST, pairs)
