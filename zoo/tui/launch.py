"""Opening the terminal UI."""

from __future__ import annotations

import gc
import os
import sys

SWITCH_S = 0.001
"""Longest time a thread that looks around keeps the UI waiting for Python's lock."""


def open_app() -> int:
    """Run the UI until the person leaves it; returns the exit code."""
    no_color = os.environ.get("NO_COLOR")
    from zoo.tui.app import ZooApp

    app = ZooApp()
    if no_color is not None:  # Textual takes it away; the processes this one starts are to honour it, too
        os.environ["NO_COLOR"] = no_color
    sys.setswitchinterval(SWITCH_S)
    gc.freeze()  # modules stay until the end; collections that walk through them would be felt as hiccups
    app.run()
    return app.return_code or 0
