"""Files of sound and arrays to one channel at the rate of a model; what is wrong with one becomes a reason.

Files are read by libsndfile: WAV, FLAC, Ogg (Vorbis and Opus), MP3, AIFF and their kin, of 8 to 32 bits. No ffmpeg is
needed. Channels are mixed to one by their mean; another rate is converted by a polyphase filter (Kaiser window, as
`scipy.signal.resample_poly` has it), in blocks, so that an hour takes no more memory than a minute.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from zoo.answers import Rejected
from zoo.errors import Unsupported, ZooError
from zoo.file_cache import media_fact, open_media
from zoo.kinds.kind import Unusable
from zoo.signatures import GIT_LFS, HEAD_BYTES, signature_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

FULL_SCALE = 0.999
"""Level, of at most 1, from which on a sample counts as cut off."""
SILENCE = 1e-4
"""Root mean square below which a recording is silent: 80 dB below full scale."""
CLIPPED_SHARE = 1e-3
"""Of the samples at full scale, from which on a recording is clipped."""
BLOCK_S = 30
"""Seconds read at once."""
FEWEST_HZ, MOST_HZ = 1_000, 768_000
"""Rates of samples that are taken for such."""
NO_SAMPLES, NOT_FINITE = "it holds no samples", "it holds samples that are no finite numbers"
"""Reasons why a file that can be decoded is no recording."""
_WINGS = 10
"""Half the length of the filter, in samples of the lower rate; that of scipy."""


class Heard(NamedTuple):
    """What a recording is like, decoded to its last sample."""

    rate: int
    """Samples a second and channel."""
    channels: int
    frames: int
    """Samples of a channel."""
    format: str
    """Container and encoding: `WAV 16 bit`."""
    peak: float
    """Greatest level, of at most 1."""
    rms: float
    """Root mean square, likewise."""
    full: int
    """Samples of all channels at full scale."""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.frames / self.rate

    @property
    def silent(self) -> bool:
        """Whether nothing is to be heard."""
        return self.rms < SILENCE

    @property
    def clipped(self) -> bool:
        """Whether so many samples are at full scale that louder ones were cut off."""
        return self.full > CLIPPED_SHARE * self.frames * self.channels


def hear(path: str) -> Heard | Rejected:
    """Decode all of a file, and say what it is like; in constant memory."""
    return cast("Heard | Rejected", media_fact(path, "heard", Heard, lambda path: _guarded(_hear, Path(path))))


def read_recording(source: Any, rate: int) -> Samples | Rejected:
    """All of a recording, as one channel.

    Args:
        source: path of a file; samples and their rate as `(array, rate)`, or as a dict with `array` and
            `sampling_rate`; the array is of shape (frames,) or (channels, frames), of floats within -1 and 1 or of
            int16.
        rate: samples a second to convert it to.

    Returns:
        float32 of shape (frames,), or the reason why there is none.

    Raises:
        DatasetInvalid: in a run whose data name the file, which has changed since the run was asked for.
    """
    if isinstance(source, str | os.PathLike):
        import numpy as np

        try:
            return np.concatenate(list(recording_blocks(source, rate)))
        except Unusable as error:
            return Rejected(str(error))
    if isinstance(source, dict) and "array" in source and "sampling_rate" in source:
        source = (source["array"], source["sampling_rate"])
    if isinstance(source, tuple) and len(source) == 2:
        return _from_array(*source, rate)
    return Rejected(
        f"the input is {type(source).__name__}, not the path of a recording or samples with their rate, (array, 16000)"
    )


def recording_blocks(
    path: str | os.PathLike[str], rate: int, tell_rate: Callable[[int], None] = lambda _: None
) -> Iterator[Samples]:
    """The same of a file, in blocks of some `BLOCK_S` seconds; none longer is in memory.

    Args:
        path: of the file.
        rate: as above.
        tell_rate: told the samples a second that the file has.

    Raises:
        Unusable: saying why it cannot be read any further.
        DatasetInvalid: as above.
    """
    import numpy as np

    blocks, empty = _blocks(Path(path), rate, tell_rate), True
    while (block := _guarded(lambda _: next(blocks, None), Path(path))) is not None:
        if isinstance(block, Rejected):
            raise Unusable(block.reason)
        if not np.isfinite(block).all():
            raise Unusable(NOT_FINITE)
        empty = empty and not len(block)
        yield block
    if empty:
        raise Unusable(NO_SAMPLES)


def write_recording(samples: tuple[Any, Any], path: Path) -> None:
    """Write samples with their rate as a WAV file of one channel, as exactly as they are.

    Raises:
        Unusable: saying why they are no recording.
        Unsupported: soundfile is not installed.
    """
    try:
        import soundfile
    except ImportError as error:
        raise Unsupported(
            "samples are written down as a WAV file, which needs soundfile", "pip install 'zoo-models[audio]'"
        ) from error
    mixed = read_recording(samples, samples[1])
    if isinstance(mixed, Rejected):
        raise Unusable(mixed.reason)
    content = BytesIO()
    soundfile.write(content, mixed, samples[1], subtype="FLOAT", format="WAV")
    path.write_bytes(content.getvalue())


def resampled(samples: Samples, rate: int, to: int) -> Samples:
    """Samples at another rate.

    Args:
        samples: shape (frames,).
        rate: of the samples, in Hz.
        to: wanted, likewise.

    Returns:
        ceil(frames * to / rate) samples.
    """
    if rate == to:
        return samples
    from scipy.signal import resample_poly  # type: ignore[attr-defined]  # it has no types

    divisor = math.gcd(rate, to)
    return cast("Samples", resample_poly(samples, to // divisor, rate // divisor).astype("float32"))


def _guarded(decode: Any, path: Path) -> Any:
    """Readers raise what they like on damaged files; all of it means that the recording cannot be used."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return Rejected("it is a folder, not a file" if stat.S_ISDIR(status.st_mode) else "it is no ordinary file")
        if not status.st_size:
            return Rejected("it is empty (0 bytes)")
        return decode(path)
    except ZooError:
        raise
    except MemoryError:
        return Rejected("there is not enough memory to decode it")
    except OSError as error:
        return Rejected(error.strerror or f"it cannot be decoded: {_message_of(error)}")
    except Exception as error:
        return Rejected(_undecodable(path, error))


def _opened(file: IO[bytes]) -> Any:
    import soundfile

    sound = soundfile.SoundFile(cast("BinaryIO", file))
    if not FEWEST_HZ <= sound.samplerate <= MOST_HZ:
        raise ValueError(f"it states {sound.samplerate:,} samples a second")
    return sound


def _hear(path: Path) -> Heard | Rejected:
    import numpy as np

    frames = full = 0
    peak = power = 0.0
    with open_media(str(path)) as file, _opened(file) as sound:
        for block in sound.blocks(BLOCK_S * sound.samplerate, dtype="float32", always_2d=True):
            if not np.isfinite(block).all():
                return Rejected(NOT_FINITE)
            levels = np.abs(block)
            frames += len(block)
            full += int((levels >= FULL_SCALE).sum())
            peak = max(peak, float(levels.max(initial=0)))
            power += float(np.square(block, dtype=np.float64).sum())
        if not frames:
            return Rejected(NO_SAMPLES)
        encoding = f"{sound.format} {_ENCODINGS.get(sound.subtype, sound.subtype.lower())}"
        rms = math.sqrt(power / (frames * sound.channels))
        return Heard(sound.samplerate, sound.channels, frames, encoding, peak, rms, full)


def _blocks(path: Path, rate: int, tell_rate: Callable[[int], None]) -> Iterator[Samples]:
    """Mixed and converted, block by block; a converted block overlaps its neighbours by the wings of the filter."""
    with open_media(str(path)) as file, _opened(file) as sound:
        tell_rate(int(sound.samplerate))
        blocks = (block.mean(1) for block in sound.blocks(BLOCK_S * sound.samplerate, dtype="float32", always_2d=True))
        yield from blocks if sound.samplerate == rate else _converted(blocks, sound.samplerate, rate)


def _converted(blocks: Iterator[Samples], rate: int, to: int) -> Iterator[Samples]:
    import numpy as np

    divisor = math.gcd(rate, to)
    up, down = to // divisor, rate // divisor
    wing = down * math.ceil(_WINGS * max(up, down) / up / down)  # whole steps of the converted rate
    before, current = np.zeros(0, np.float32), next(blocks, None)
    while current is not None:
        following = next(blocks, None)
        after = current[:0] if following is None else following[:wing]
        left = len(before) * up // down
        converted = resampled(np.concatenate([before, current, after]), rate, to)
        yield converted[left : left + math.ceil(len(current) * up / down)]
        before, current = current[-wing:], following


def _from_array(array: Any, stated: Any, rate: int) -> Samples | Rejected:
    import numpy as np

    samples = np.asarray(array)
    if isinstance(stated, bool) or not isinstance(stated, int) or not FEWEST_HZ <= stated <= MOST_HZ:
        return Rejected(f"the rate is {stated!r}; it must be a whole number of samples a second, such as 16000")
    if samples.ndim not in (1, 2) or not samples.size or (samples.ndim == 2 and samples.shape[0] > samples.shape[1]):
        return Rejected(f"the samples have shape {samples.shape}; it must be (frames,) or (channels, frames)")
    if samples.dtype == np.int16:
        samples = samples / np.float32(2**15)
    elif samples.dtype.kind != "f":
        return Rejected(f"the samples are of {samples.dtype}; they must be floats within -1 and 1, or int16")
    samples = samples.astype(np.float32)
    if not np.isfinite(samples).all():
        return Rejected("there are samples that are no finite numbers")
    return resampled(samples.mean(0) if samples.ndim == 2 else samples, stated, rate)


def _undecodable(path: Path, error: Exception) -> str:
    """Why libsndfile cannot read a file, and how that begins, for a person to recognise what it is instead."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if signature_of(head) is GIT_LFS:
        return f"it is {GIT_LFS.kind}; {GIT_LFS.advice}"
    return (
        f"it is no recording that can be read here, or is damaged ({_message_of(error)}; the file begins with "
        f"{head[:8]!r})"
    )


def _message_of(error: BaseException) -> str:
    text = getattr(error, "error_string", "") or str(error)
    return " ".join(text.split()).rstrip(".")[:200] or type(error).__name__


_ENCODINGS = {
    "PCM_S8": "8 bit",
    "PCM_U8": "8 bit",
    "PCM_16": "16 bit",
    "PCM_24": "24 bit",
    "PCM_32": "32 bit",
    "FLOAT": "float",
    "DOUBLE": "double",
    "MPEG_LAYER_III": "layer III",
}
"""Of libsndfile's names of encodings, in words."""
