"""What holds where nobody says otherwise: device, precision, folder, theme and the like, and who says so.

A flag goes before the environment, that before the person's file (`config.toml`, see `zoo.settings.file`), and that
before what zoo does by itself. `zoo config --where` tells which of them it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from zoo.errors import OptionInvalid
from zoo.settings import file
from zoo.settings.table import SETTINGS, Setting
from zoo.suggestions import did_you_mean

__all__ = ["SETTINGS", "Origin", "Setting", "Value", "named", "plugin_settings", "resolve", "value"]


class Origin(NamedTuple):
    """Who says what a setting is."""

    variable: str = ""
    """Of the environment."""
    path: Path | None = None
    """The person's file."""
    line: int = 0
    """In it, from 1 on."""

    def __str__(self) -> str:
        """In words."""
        if self.variable:
            return f"{self.variable} in the environment"
        return f"{self.path}, line {self.line}" if self.path else "default"


class Value(NamedTuple):
    """What a setting is."""

    text: str
    origin: Origin
    others: tuple[tuple[str, Origin], ...] = ()
    """What those say who are not heard, since another one goes before them."""


def value(name: str) -> str:
    """What a setting is; empty where nobody has said so and zoo decides by itself.

    Args:
        name: of the setting.

    Raises:
        OptionInvalid: its variable has a value that means nothing.
        StoreInvalid: the file cannot be read, or something in it means nothing.
    """
    setting = SETTINGS[name]
    if text := setting.in_environment:
        return text
    entry = file.read().get(name)
    return entry.text if entry else setting.default


def resolve(name: str) -> Value:
    """What a setting is, and who says so; raises as `value` does."""
    setting = SETTINGS[name]
    said = []
    if text := setting.in_environment:
        said.append((text, Origin(variable=setting.variable)))
    entry = file.read().get(name)
    if entry is not None:
        said.append((entry.text, Origin(path=file.path(), line=entry.line)))
    said.append((setting.default, Origin()))
    (text, origin), *others = said
    return Value(text, origin, tuple(others))


def plugin_settings() -> dict[str, str]:
    """The settings that say something for a plugin, by the names of these plugins; raises as `value` does."""
    return {one.plugin: one.name for one in SETTINGS.values() if one.plugin and value(one.name) != one.default}


def named(name: str) -> Setting:
    """The setting of that name, which may be written with dashes.

    Raises:
        OptionInvalid: there is none.
    """
    if (setting := SETTINGS.get(name.replace("-", "_"))) is None:
        hint = did_you_mean(name, SETTINGS, f"there are {', '.join(SETTINGS)}")
        raise OptionInvalid(f"there is no setting {name!r}", hint)
    return setting
