"""What records: `python -m zoo.microphone_worker FILE SECONDS`, until its stdin ends; see `zoo.microphone`."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import msgspec

from zoo.errors import DeviceUnavailable, Unsupported, ZooError
from zoo.microphone import Failed, Level, Message, Recorded

RATES = (48_000, 44_100, 16_000)
"""In Hz, tried in this order where a microphone refuses its own."""
BLOCKS_PER_S = 10
STALL_S = 2.0
"""Seconds without a sample, after which the microphone is gone."""
SILENCE = 1e-4
"""Greatest level of a microphone that is off."""
FULL_SCALE = 32_768
LIST = "python -m sounddevice lists what there is"


def main() -> None:
    """Record, and write what happens to stdout; whatever drivers print goes to stderr."""
    path, longest_s = sys.argv[1:]
    is_stopped = threading.Event()
    threading.Thread(target=_wait_for_end, args=(is_stopped,), daemon=True).start()
    with os.fdopen(os.dup(1), "wb", buffering=0) as messages:
        os.dup2(2, 1)
        try:
            for message in record(Path(path), float(longest_s), is_stopped.is_set):
                messages.write(msgspec.json.encode(message) + b"\n")
        except ZooError as error:
            messages.write(msgspec.json.encode(Failed(error.message, error.hint)) + b"\n")
        except (OSError, RuntimeError) as error:  # those of soundfile are the latter
            failed = Failed(f"the recording cannot be written: {error}", "is there room for it on the disk?")
            messages.write(msgspec.json.encode(failed) + b"\n")


def _wait_for_end(is_stopped: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    is_stopped.set()


def record(path: Path, longest_s: float, is_stopped: Callable[[], bool]) -> Iterator[Message]:
    """Write what a microphone hears into a WAV file of 16 bits, at a rate that the microphone knows.

    Raises:
        Unsupported: what records is not installed.
        DeviceUnavailable: there is no microphone, or none that can be opened.
    """
    import soundfile

    blocks: SimpleQueue[tuple[Any, bool]] = SimpleQueue()
    stream = _opened_stream(lambda samples, frames, time, status: blocks.put((samples.copy(), bool(status))))
    rate, frames, peak, is_complete = round(stream.samplerate), 0, 0.0, True
    most_frames = max(1, round(longest_s * rate))
    with soundfile.SoundFile(path, "w", rate, stream.channels, "PCM_16", format="WAV") as file:
        for block, is_incomplete in _blocks(stream, blocks, is_stopped):
            samples = block[: most_frames - frames]
            file.write(samples)
            level = float(abs(samples.astype("int32")).max(initial=0)) / FULL_SCALE
            frames, peak = frames + len(samples), max(peak, level)
            is_complete = is_complete and not is_incomplete
            yield Level(frames / rate, level)
            if frames == most_frames:
                break
    is_lost = frames < most_frames and not is_stopped()
    stream.close()
    remarks = (
        (is_lost, f"the microphone went away after {frames / rate:.1f} s"),
        (peak <= SILENCE, "the microphone gave nothing but silence: is it muted, or may this terminal not use it?"),
        (not is_complete, "the machine was too busy to record all that was said"),
    )
    yield Recorded(frames / rate, next((text for holds, text in remarks if holds), ""))


def _blocks(stream: Any, blocks: SimpleQueue[tuple[Any, bool]], is_stopped: Callable[[], bool]) -> Iterator[Any]:
    """What comes from the microphone until it is stopped, what was said at last included, or until it goes away."""
    heard_at = time.monotonic()
    while not is_stopped():
        try:
            yield blocks.get(timeout=1 / BLOCKS_PER_S)
            heard_at = time.monotonic()
        except Empty:
            if not stream.active or time.monotonic() - heard_at > STALL_S:
                return
    stream.stop()
    while not blocks.empty():
        yield blocks.get()


def _opened_stream(on_samples: Callable[..., None]) -> Any:
    """The usual microphone, which records from now on: at its own rate and in one channel, unless it refuses."""
    sounddevice = _sounddevice()
    try:
        device = sounddevice.query_devices(kind="input")
    except (sounddevice.PortAudioError, ValueError) as error:
        raise DeviceUnavailable("there is no microphone", f"plug one in, or switch it on; {LIST}") from error
    rates = dict.fromkeys((round(device["default_samplerate"]), *RATES))
    refusals = []
    for rate, channels in product(rates, dict.fromkeys((1, min(2, device["max_input_channels"])))):
        stream = None
        try:
            stream = sounddevice.InputStream(
                samplerate=rate,
                blocksize=rate // BLOCKS_PER_S,
                channels=channels,
                dtype="int16",
                callback=on_samples,
            )
            stream.start()
        except sounddevice.PortAudioError as error:
            refusals.append(f"{error}")
            if stream is not None:
                stream.close()
        else:
            return stream
    raise DeviceUnavailable(f"the microphone {device['name']} cannot be opened: {refusals[0]}", LIST)


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise Unsupported("a microphone needs sounddevice", "pip install 'zoo-models[microphone]'") from error
    except OSError as error:  # the wheel for Linux brings no PortAudio
        hint = "Debian and Ubuntu: apt install libportaudio2; Fedora: dnf install portaudio"
        raise Unsupported(f"sounddevice does not find PortAudio, which records: {error}", hint) from error
    return sounddevice


if __name__ == "__main__":
    main()
