"""The settings there are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from zoo.errors import OptionInvalid

PRECISIONS = ("fp32", "bf16", "fp16", "int8")
"""Those that a model may compute in."""
USUAL_PRECISIONS = ("auto", *(one for one in PRECISIONS if one != "int8"))
"""Those that may hold for all jobs; int8 is for predictions of some models, whose commands ask for it."""
DEVICE_NAME = re.compile(r"cpu|mps|(?:cuda|xpu)(?::(?:0|[1-9][0-9]*))?")
"""As torch names devices, with or without a number."""
MAX_WARM_MINUTES = 24 * 60
DEFAULT_THEME = "textual-dark"
GRAPHICS = ("auto", "kitty", "blocks")
TRACKERS = ("none", "mlflow", "tensorboard", "wandb")


class Setting(NamedTuple):
    """Something that a person may decide once."""

    name: str
    default: str
    """Empty where zoo decides by itself."""
    help: str
    takes: str
    """What may be said, in words."""
    fits: Callable[[str], bool]
    """Whether a text is such a thing."""
    choices: tuple[str, ...] = ()
    """What is offered to those who type it."""
    is_folder: bool = False
    plugin: str = ""
    """That makes something of it; empty where zoo does."""

    @property
    def variable(self) -> str:
        """Of the environment, which goes before the file."""
        return f"ZOO_{self.name.upper()}"

    def fault(self, text: str) -> str:
        """What it takes, where a text is no such thing; else empty."""
        return "" if self.fits(text) else self.takes

    @property
    def in_environment(self) -> str:
        """What its variable says; empty where that says nothing.

        Raises:
            OptionInvalid: what it says means nothing.
        """
        text = os.environ.get(self.variable, "")
        if text and (reason := self.fault(text)):
            raise OptionInvalid(f"{self.variable} is {text!r}, but takes {reason}", f"unset {self.variable}")
        return text


def _is_device(text: str) -> bool:
    return text == "auto" or DEVICE_NAME.fullmatch(text) is not None


def _is_minutes(text: str) -> bool:
    try:
        return 0 <= float(text) <= MAX_WARM_MINUTES
    except ValueError:
        return False


def _is_path(text: str) -> bool:
    try:
        Path(text).expanduser()
    except RuntimeError:  # there is nobody of the name behind ~
        return False
    return bool(text)


_ALL = (
    Setting(
        "device",
        "auto",
        "where jobs of the command line and of the terminal UI compute",
        "auto, cpu, cuda, cuda:N, mps, xpu or xpu:N",
        _is_device,
    ),
    Setting(
        "precision",
        "auto",
        "what they compute in",
        ", ".join(USUAL_PRECISIONS),
        USUAL_PRECISIONS.__contains__,
        USUAL_PRECISIONS,
    ),
    Setting(
        "home",
        "",
        "the folder of runs and caches, in Python, too; the platform's where nothing is said",
        "the path of a folder",
        _is_path,
        is_folder=True,
    ),
    Setting("theme", DEFAULT_THEME, "the colours of the terminal UI", "the name of a theme", bool),
    Setting(
        "graphics",
        "auto",
        "how the terminal UI draws pictures",
        ", ".join(GRAPHICS),
        GRAPHICS.__contains__,
        GRAPHICS,
    ),
    Setting(
        "keep_warm",
        "",
        "minutes for which zoo predict keeps a model loaded",
        f"minutes, 0 to {MAX_WARM_MINUTES}",
        _is_minutes,
    ),
    Setting(
        "tracker",
        TRACKERS[0],
        "where the plugin zoo-track writes trainings to, beside the folder of each",
        ", ".join(TRACKERS),
        TRACKERS.__contains__,
        TRACKERS,
        plugin="track",
    ),
)
SETTINGS = {one.name: one for one in _ALL}
"""By their names."""
