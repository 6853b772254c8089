"""What was measured of recordings, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zoo.kinds.facts import Finding, RecordingFacts
from zoo.kinds.media_report import counts, left_out
from zoo.plurals import counted

if TYPE_CHECKING:
    from zoo.data.report import Part

_HOUR, _MINUTE = 3_600, 60


def facts(part: Part) -> Iterator[tuple[str, str]]:
    """Their lengths and formats."""
    recordings = part.recordings
    if recordings:
        yield "sound", _lengths(recordings)
        rates = ", ".join(f"{count:,} of {int(rate):,} Hz" for rate, count in recordings.rates.items())
        if part.groups:
            most = counted(max(part.groups.values()), "recording")
            yield "speakers", f"{len(part.groups):,} by column {part.group_column!r}, with {most} at most"
        yield "formats", f"{counts(recordings.formats)}; {rates}; {_channels(recordings.channels)}"


def findings(part: Part) -> Iterator[Finding]:
    """Those that are silent or clipped, rates that are converted, and files that are left out."""
    recordings = part.recordings
    if recordings is None:
        return
    if recordings.silent.files:
        silent = counted(recordings.silent.files, "recording", "hold")
        yield Finding("warning", f"{part.path}: {silent} silence alone; the first is {recordings.silent.first}")
    if recordings.clipped.files:
        clipped = counted(recordings.clipped.files, "recording", "are")
        yield Finding(
            "warning",
            f"{part.path}: {clipped} clipped: loud parts were cut off; the first is {recordings.clipped.first}",
        )
    if recordings.sampling_rate and (others := _other_rates(recordings)):
        yield Finding(
            "info",
            f"{part.path}: {counted(others, 'recording', 'are')} converted to the {recordings.sampling_rate:,} samples "
            "a second that the model hears",
        )
    if recordings.other_files:
        yield left_out(part.path, "recordings", recordings.other_files)


def duration(seconds: float) -> str:
    """In words: `1 h 02 min`, `3 min 20 s`, `4.25 s`."""
    if seconds >= _HOUR:
        return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE):02} min"
    if seconds >= _MINUTE:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE):02} s"
    return f"{seconds:.3g} s"


def _lengths(recordings: RecordingFacts) -> str:
    shortest, median, longest = map(duration, (recordings.shortest_s, recordings.median_s, recordings.longest_s))
    return f"{duration(recordings.seconds)} in all; shortest {shortest}, half up to {median}, longest {longest}"


def _channels(channels: dict[str, int]) -> str:
    names = {"1": "one channel", "2": "two channels"}
    if len(channels) == 1:
        (number,) = channels
        return names.get(number, f"{number} channels")
    return ", ".join(f"{count:,} of {names.get(number, f'{number} channels')}" for number, count in channels.items())


def _other_rates(recordings: RecordingFacts) -> int:
    return sum(count for rate, count in recordings.rates.items() if rate != str(recordings.sampling_rate))
