"""Processes that obey the signals a test sends them, however pytest itself was started."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from typing import Any

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def popen(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """Start a process in which signals have their default disposition.

    A shell starts what ends in `&` with SIGINT ignored, nohup does so with SIGHUP, and children inherit it.

    Args:
        command: the program and its arguments.
        options: of subprocess.Popen.
    """
    ignored = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        return subprocess.Popen(command, **options)
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
