"""Opening the terminal UI."""

from __future__ import annotations

import os
import sys

from zoo import settings
from zoo.garbage import collection_paused
from zoo.tui.graphics import ask_terminal, settle

SWITCH_S = 0.001
"""Longest time a thread that looks around keeps the UI waiting for Python's lock."""


def open_app() -> int:
    """Run the UI until the person leaves it; returns the exit code.

    Raises:
        OptionInvalid: a variable that it looks at has a value that means nothing.
        StoreInvalid: so has something in the file of settings.
    """
    for name in settings.SETTINGS:  # a screen that needs one later must not be what falls over it
        settings.value(name)
    no_color = os.environ.get("NO_COLOR")
    graphics = settle(os.environ, ask_terminal)
    if (
        graphics == "kitty"
    ):  # over SSH it does not say that it knows all colours, which is how placeholders are numbered
        os.environ.setdefault("COLORTERM", "truecolor")
    with collection_paused():  # collections that walk through all modules would be felt as hiccups later on, too
        from zoo.tui.app import ZooApp

        app = ZooApp(graphics)
    if no_color is not None:  # Textual takes it away; the processes this one starts are to honour it, too
        os.environ["NO_COLOR"] = no_color
    sys.setswitchinterval(SWITCH_S)
    app.run()
    return app.return_code or 0
