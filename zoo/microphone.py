"""Recording from a microphone into a file, in a process of its own: drivers of sound print, hang, and take a process
down with them.
"""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import msgspec

from zoo.errors import DatasetInvalid, DeviceUnavailable, Unsupported

LONGEST_S = 3_600.0
"""Seconds, which a microphone that was left on ends after."""
EXIT_TIMEOUT_S = 10.0


class Level(msgspec.Struct, frozen=True, tag="level"):
    """A tenth of a second was recorded."""

    seconds: float
    """Recorded so far."""
    peak: float
    """Greatest level of the newest, 0 to 1."""

    @property
    def on_meter(self) -> float:
        """The peak in decibels, as 0 to 1: nothing is 60 dB below full scale, or less."""
        return max(0.0, 1 + math.log10(self.peak) / 3) if self.peak else 0.0


class Recorded(msgspec.Struct, frozen=True, tag="recorded"):
    """The file is written."""

    seconds: float
    remark: str = ""
    """What a person should know of it; empty where that is nothing."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """There is no recording."""

    message: str
    hint: str = ""


Message = Level | Recorded | Failed
"""What the process that records writes, a line of JSON each."""


def check_microphone() -> None:
    """Insist on the package that records; whether there is a microphone shows when it is opened.

    Raises:
        Unsupported: it is not installed.
    """
    try:
        is_installed = find_spec("sounddevice") is not None
    except ValueError:  # something else stands in its place
        is_installed = False
    if not is_installed:
        raise Unsupported("a microphone needs sounddevice", "pip install 'zoo-models[microphone]'")


class Recording:
    """From the usual microphone of this machine into a WAV file, until `stop`; begins at once.

    Args:
        path: of the file.
        longest_s: seconds after which it ends by itself.

    Raises:
        Unsupported: sounddevice is not installed.
    """

    def __init__(self, path: Path, longest_s: float = LONGEST_S) -> None:
        check_microphone()
        self._last: Message | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "zoo.microphone_worker", str(path), str(longest_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Ctrl-C reaches this process alone, which ends the recording.
            start_new_session=os.name != "nt",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def levels(self) -> Iterator[Level]:
        """How loud it is, each time a tenth of a second is recorded, until the recording ends."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._last = msgspec.json.decode(line, type=Message)
            if isinstance(self._last, Level):
                yield self._last

    def stop(self) -> None:
        """Ask it to end; what was said until now is kept."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def finish(self) -> Recorded:
        """End it.

        Raises:
            DeviceUnavailable: nothing can be recorded from; saying why.
            DatasetInvalid: nothing was recorded.
        """
        self.stop()
        try:
            self._process.wait(EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        for _ in self.levels():
            pass
        code = self._process.wait()
        if isinstance(self._last, Failed):
            raise DeviceUnavailable(self._last.message, self._last.hint)
        if not isinstance(self._last, Recorded):
            raise DeviceUnavailable(
                f"the process that records ended with code {code}", "python -m sounddevice shows what is wrong"
            )
        if not self._last.seconds:
            raise DatasetInvalid("nothing was recorded", "speak before you end it")
        return self._last

    def close(self) -> None:
        """End the process whatever it does; what was recorded may be lost."""
        self.stop()
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
