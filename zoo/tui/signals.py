"""Signals that end the UI: it leaves the terminal as it found it."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from textual.app import App


def exit_on_signals(app: App[Any]) -> None:
    """Exit as after `q`, with the exit code of a shell, on SIGTERM, SIGINT and SIGHUP.

    A signal that is ignored, SIGHUP under nohup for instance, stays ignored. Windows has none of them.
    """
    if sys.platform == "win32":
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, app.exit, None, 128 + number)
