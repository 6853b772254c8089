"""Recordings for the tests that plugins pass: tones, each label with a pitch and a timbre of its own."""

from __future__ import annotations

import random
import wave
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.kinds.samples import LABELS, ROWS_PER_LABEL, SamplePart, SampleSet, draws

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 8_000
"""Samples a second."""
SECONDS = (0.35, 0.6)
"""Shortest and longest tone."""
PAUSE_S = 0.1
"""Before, between and after tones."""
NOISE = 0.01
"""Standard deviation of what is heard beside the tones, of a level of at most 1."""
_PITCHES = dict(zip(LABELS, (220.0, 520.0, 1250.0), strict=True))
"""In Hz."""
_OVERTONES = dict(zip(LABELS, (1, 3, 2), strict=True))
"""How many sines a tone has."""
_MIXED = 9


class _Played(NamedTuple):
    path: Path
    parts: tuple[SamplePart, ...]


class RecordingSamples(SampleSet):
    """Recordings of one tone in class folders; beside them some of several tones, and one of none.

    Args:
        folder: where they are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._played: list[_Played] = []

    def rows(self) -> list[tuple[Any, str]]:
        """Paths from the folder of the samples on."""
        return [(self.cell(path), path.parent.name) for path in sorted(self.labelled().rglob("*.wav"))]

    def parts(self) -> list[tuple[Any, tuple[SamplePart, ...]]]:
        """The same with begin and end of each tone in seconds, and those of several tones and of none."""
        return [(self.cell(played.path), played.parts) for played in self._recordings()]

    def labelled(self) -> Path:
        """A folder with a folder for each label."""
        self._recordings()
        return self._folder / "recordings"

    def unlabelled(self) -> Path:
        """The same; its labels are not asked for."""
        return self.labelled()

    def inputs(self, mark: str) -> list[Any]:
        """Paths."""
        return [str(played.path) for played in self._recordings()[::4]]

    def unusable(self) -> list[Any]:
        """A file that is not there, one that is no recording, and what is no path."""
        broken = self._folder / "broken\x1b[2J.wav"
        broken.write_bytes(b"\x1b]0;owned\x07 is no recording")
        return [str(self._folder / "nowhere\x1b[2J.wav"), str(broken), 7]

    def cell(self, value: Any) -> Any:
        """The path from the folder of the samples on."""
        return Path(value).relative_to(self._folder).as_posix()

    def _recordings(self) -> list[_Played]:
        """All of them; played when they are first asked for."""
        if self._played:
            return self._played
        draw = draws()
        for label in LABELS:
            for number in range(ROWS_PER_LABEL):
                self._play(draw, f"recordings/{label}/{number:02}.wav", [label])
        for number in range(_MIXED):
            self._play(draw, f"mixed/{number}.wav", draw.choices(LABELS, k=2 + number % 2))
        self._play(draw, "mixed/nothing.wav", [])
        return self._played

    def _play(self, draw: random.Random, name: str, labels: Sequence[str]) -> None:
        lengths = [draw.uniform(*SECONDS) for _ in labels]
        ends = list(accumulate(PAUSE_S + length for length in lengths))
        parts = [
            SamplePart(label, (end - length, end)) for label, length, end in zip(labels, lengths, ends, strict=True)
        ]
        path, seed = self._folder / name, draw.randrange(2**32)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, _sound(parts, max([0.0, *ends]) + PAUSE_S, seed))
        self._played.append(_Played(path, tuple(parts)))


def _sound(parts: Sequence[SamplePart], seconds: float, seed: int) -> NDArray[np.float32]:
    import numpy as np

    times = np.arange(int(seconds * RATE)) / RATE
    sound = np.random.default_rng(seed).normal(0, NOISE, len(times))
    for label, (begin, end) in parts:
        hull = np.clip(np.minimum(times - begin, end - times) * 50, 0, 1)
        for overtone in range(1, _OVERTONES[label] + 1):
            sound += 0.3 / overtone * hull * np.sin(2 * np.pi * _PITCHES[label] * overtone * times)
    return sound.astype(np.float32)


def _write(path: Path, sound: NDArray[np.float32]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound.clip(-1, 1) * (2**15 - 1)).astype("<i2").tobytes())
