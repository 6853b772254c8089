"""Recordings: a cell names a file of sound."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.blocks import Sound
from zoo.kinds.file_kind import FileKind
from zoo.kinds.media_files import RECORDINGS

if TYPE_CHECKING:
    from zoo.data.report import Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.measure import Measure
    from zoo.kinds.samples import SampleSet


class RecordingKind(FileKind):
    """Speech or another sound in a file; from Python also samples with their rate."""

    name = "recording"
    columns = (
        "audio",
        "file_name",
        "audio_filepath",
        "audio_path",
        "audio_file",
        "wav",
        "wav_filename",
        "recording",
        "path",
        "file",
        "filename",
        "file_path",
    )
    group_columns = ("speaker", "speaker_id", "speaker_name", "spk", "spk_id", "client_id", "voice")
    group = "speaker"
    extensions = RECORDINGS
    comes_first = True
    is_always_drawn = True
    kernels = 1024  # a hundred for each of the lengths that batches are filled up to
    from_microphone = True
    singular = "a recording"
    cell = "the path of a recording"
    example = "some.wav"
    example_data = "recordings/"
    data_advice = "a table of recordings, or a folder of them"

    def is_one(self, value: Any) -> bool:
        """Samples with their rate, `(array, 16_000)`."""
        return isinstance(value, tuple) and sampled(value) is not None

    def write_held(self, value: Any, stem: Path) -> Path | None:
        """Samples with their rate, as a WAV file of one channel."""
        held = sampled(value)
        if held is None:
            return super().write_held(value, stem)
        from zoo.kinds.recording_decoding import write_recording

        path = stem.with_name(f"{stem.name}.wav")
        write_recording(held, path)
        return path

    def unread_note(self, column: str, columns: Sequence[str]) -> str:
        """A beginning within a longer recording, as manifests of NeMo may have it."""
        unread = next((name for name in columns if name.lower() == "offset" and name != column), "")
        return f"column {unread} is not read: recordings are heard whole, so cut them first" if unread else ""

    def drawing_of(self, value: Any, title: str = "") -> Sound | None:
        """Its waveform and its spectrogram."""
        return Sound(recording=str(value), title=title) if isinstance(value, str | os.PathLike) else None

    def measure(self, base: Path, limits: ModelLimits) -> Measure:
        """Lengths, rates, channels and levels."""
        from zoo.kinds.recording_measure import RecordingMeasure

        return RecordingMeasure(base, limits)

    def facts(self, part: Part) -> Iterator[tuple[str, str]]:
        """Their lengths and formats."""
        from zoo.kinds import recording_report

        return recording_report.facts(part)

    def findings(self, part: Part) -> Iterator[Finding]:
        """Those that are silent or clipped, rates that are converted, and files that are left out."""
        from zoo.kinds import recording_report

        return recording_report.findings(part)

    def samples(self, folder: Path, longest: int) -> SampleSet:
        """Tones of three labels."""
        from zoo.kinds.recording_samples import RecordingSamples

        return RecordingSamples(folder)


def sampled(value: Any) -> tuple[Any, Any] | None:
    """Samples and their rate, of a tuple, or of a dict with `array` and `sampling_rate`; None where it is neither."""
    if isinstance(value, Mapping) and "array" in value and "sampling_rate" in value:
        return value["array"], value["sampling_rate"]
    if isinstance(value, tuple) and len(value) == 2 and hasattr(value[0], "__array__"):
        return value[0], value[1]
    return None


RECORDING = RecordingKind()
