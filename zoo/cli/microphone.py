"""`zoo predict MODEL --microphone`: what is said now, recorded until a person ends it."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from zoo.abilities import fitting_models
from zoo.card import Card
from zoo.cli import diagnostics
from zoo.errors import Unsupported
from zoo.kinds import INPUT_KINDS, InputKind
from zoo.microphone import LONGEST_S, Recording, check_microphone
from zoo.options import Option
from zoo.units import bar

MICROPHONE = "microphone"
"""What the input is called beside its answer."""
SECONDS = Option(
    name="seconds", kind="float", default=None, help="With --microphone: record so long.", gt=0, le=LONGEST_S
)


def microphone_input(card: Card, kind: InputKind, seconds: float | None) -> Iterator[str]:
    """The path of the one recording, which is made when it is asked for, and there until the next one is.

    Args:
        card: of the model.
        kind: what it takes.
        seconds: after which the recording ends; None where a person ends it.

    Raises:
        Unsupported: the model takes no recordings, or sounddevice is not installed.
        DeviceUnavailable: nothing can be recorded from.
        DatasetInvalid: nothing was recorded.
    """
    if not kind.from_microphone:
        recorded = next(kind for kind in INPUT_KINDS if kind.from_microphone)
        raise Unsupported(f"{card.name} takes {kind}s, not {recorded}s", fitting_models(recorded.name, "predict"))
    check_microphone()
    return _recording(seconds or LONGEST_S)


def _recording(longest_s: float) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="zoo-microphone-") as folder:
        path = Path(folder) / f"{MICROPHONE}.wav"
        with Recording(path, longest_s) as recording:
            with contextlib.suppress(KeyboardInterrupt):
                _show_levels(recording)
            recorded = recording.finish()
        diagnostics.note(f"{recorded.seconds:.1f} s recorded")
        if recorded.remark:
            diagnostics.warn(recorded.remark)
        yield str(path)


def _show_levels(recording: Recording) -> None:
    """Until the recording ends, or Enter is pressed."""
    is_interactive = sys.stdin.isatty()
    end = "Enter ends it" if is_interactive else "Ctrl-C ends it"
    for number, level in enumerate(recording.levels()):
        if number == 0:
            diagnostics.note(f"recording; {end}")
            if is_interactive:
                threading.Thread(target=_stop_on_enter, args=(recording,), daemon=True).start()
        diagnostics.status(f"{level.seconds:6.1f} s  {bar(level.on_meter)}")


def _stop_on_enter(recording: Recording) -> None:
    # Not by sys.stdin, whose lock a thread that still waits would hold when Python ends.
    with contextlib.suppress(OSError):
        os.read(0, 4096)
    recording.stop()
