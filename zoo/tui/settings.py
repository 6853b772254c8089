"""What the person has chosen for the UI, kept between sessions."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from zoo import atomic
from zoo.paths import home

DEFAULT_THEME = "textual-dark"


class Settings(msgspec.Struct, frozen=True):
    """Choices."""

    theme: str = DEFAULT_THEME


def load() -> Settings:
    """What was chosen; the defaults where nothing was, or where the file cannot be read."""
    try:
        return msgspec.json.decode(_path().read_bytes(), type=Settings)
    except (OSError, UnicodeError, msgspec.DecodeError):
        return Settings()


def save(settings: Settings) -> None:
    """Keep it; where nothing can be written the choice holds until the application is closed."""
    with contextlib.suppress(OSError):
        atomic.write_bytes(_path(), msgspec.json.encode(settings))


def _path() -> Path:
    return home() / "tui.json"
