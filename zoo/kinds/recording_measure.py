"""What an inspection measures of recordings."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from zoo.answers import Rejected
from zoo.kinds.facts import MarkedFiles, ModelLimits, RecordingFacts
from zoo.kinds.files import sha256_of
from zoo.kinds.measure import Measurement
from zoo.kinds.media_files import RECORDINGS, other_files
from zoo.kinds.recording_decoding import Heard, hear

if TYPE_CHECKING:
    from zoo.data.report import Part


class RecordingMeasure:
    """Lengths, rates, channels and levels of recordings, each of them decoded to its last sample."""

    threads = True

    def __init__(self, base: Path, limits: ModelLimits) -> None:
        self._base, self._rate = base, limits.sampling_rate
        self._seconds: list[float] = []
        self._rates: Counter[int] = Counter()
        self._channels: Counter[int] = Counter()
        self._formats: Counter[str] = Counter()
        self._silent: list[str] = []
        self._clipped: list[str] = []

    def cell(self, row: int, value: str) -> None:
        """The name of a file says nothing about it."""

    def look(self, value: str) -> Measurement | Rejected:
        """Recordings are the same where their files are, byte by byte."""
        name = str(Path(value).relative_to(self._base)) if Path(value).is_relative_to(self._base) else value
        heard = hear(value)
        if isinstance(heard, Rejected):
            return Rejected(f"{name}: {heard.reason}")
        return Measurement(bytes.fromhex(sha256_of(value)), name, (name, heard))

    def add(self, details: tuple[str, Heard]) -> None:
        """Count it."""
        name, heard = details
        self._seconds.append(heard.seconds)
        self._rates[heard.rate] += 1
        self._channels[heard.channels] += 1
        self._formats[heard.format] += 1
        if heard.silent:
            self._silent.append(name)
        elif heard.clipped:
            self._clipped.append(name)

    def complete(self, part: Part) -> Part:
        """With what was counted."""
        if not self._seconds:
            return part
        ordered = sorted(self._seconds)
        facts = RecordingFacts(
            seconds=sum(ordered),
            shortest_s=ordered[0],
            median_s=ordered[(len(ordered) - 1) // 2],
            longest_s=ordered[-1],
            rates={str(rate): count for rate, count in self._rates.most_common()},
            channels={str(number): count for number, count in self._channels.most_common()},
            formats=dict(self._formats.most_common()),
            sampling_rate=self._rate or None,
            silent=_marked(self._silent),
            clipped=_marked(self._clipped),
            other_files=other_files(Path(part.path), RECORDINGS) if Path(part.path).is_dir() else {},
        )
        return msgspec.structs.replace(part, recordings=facts)


def _marked(names: list[str]) -> MarkedFiles:
    return MarkedFiles(len(names), names[0] if names else "")
