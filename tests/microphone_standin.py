"""A stand-in for sounddevice: a microphone that hears a tone, in a module that is found before the real one."""

from __future__ import annotations

from pathlib import Path

_MODULE = """
import os, threading, time
import numpy as np

class PortAudioError(Exception): pass

DEVICE = {{"name": "desk microphone", "max_input_channels": {channels}, "default_samplerate": {rate}}}

def query_devices(device=None, kind=None):
    assert kind == "input"
    if {absent}:
        raise PortAudioError("Error querying device -1")
    return DEVICE

class InputStream:
    active = False

    def __init__(self, *, samplerate, blocksize, channels, dtype, callback):
        os.write(1, b"ALSA lib conf.c: what drivers say\\n")
        if samplerate in {refused_rates} or channels in {refused_channels}:
            raise PortAudioError(f"Error opening InputStream: {{samplerate}} Hz in {{channels}}", -9997)
        self.samplerate, self.channels, self._callback = float(samplerate), channels, callback
        tone = {level} * np.sin(2 * np.pi * 440 * np.arange(blocksize) / samplerate) * 32767
        self._block = np.tile(tone.astype(dtype)[:, None], (1, channels))[: {frames}]
        self._ends, self._thread = threading.Event(), threading.Thread(target=self._run, daemon=True)

    def start(self):
        {at_start}
        self.active = True
        self._thread.start()

    def _run(self):
        for number in range(10_000):
            if self._ends.wait(0.01) or number == {blocks}:
                break
            self._callback(self._block, len(self._block), None, number == {overflow_at})
        self.active = {goes_silently}

    def stop(self, ignore_errors=True):
        {at_stop}
        self._ends.set()
        self._thread.join()
        self._callback(self._block, len(self._block), None, False)

    def close(self, ignore_errors=True):
        self._ends.set()
"""


def install_microphone(
    folder: Path,
    *,
    rate: float = 44_100.0,
    channels: int = 1,
    absent: bool = False,
    refused_rates: tuple[int, ...] = (),
    refused_channels: tuple[int, ...] = (),
    level: float = 0.5,
    frames: int = 100_000,
    blocks: int = 10_000,
    goes_silently: bool = False,
    overflow_at: int = -1,
    at_start: str = "",
    at_stop: str = "",
) -> None:
    """Write the module into a folder that this process and its children import from.

    Args:
        folder: first on the import path.
        rate: of the microphone, in Hz.
        channels: most that it has.
        absent: whether there is no microphone.
        refused_rates: that it cannot be opened at.
        refused_channels: likewise, numbers of channels.
        level: of the tone.
        frames: most that a tenth of a second has.
        blocks: tenths of a second after which it goes away.
        goes_silently: whether that shows by nothing but silence.
        overflow_at: number of the block before which some was lost.
        at_start: a statement that starting the stream begins with.
        at_stop: likewise, stopping it.
    """
    settings = {name: value for name, value in locals().items() if name not in ("folder", "at_start", "at_stop")}
    texts = {name: repr(value) for name, value in settings.items()}
    (folder / "sounddevice.py").write_text(
        _MODULE.format(**texts, at_start=at_start or "...", at_stop=at_stop or "...")
    )
