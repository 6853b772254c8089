"""The index: every command with its flags, every model with its options, in one file that each press of Tab reads."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

from zoo import __version__, atomic
from zoo.paths import cache_folder, home, hub_models_folder
from zoo.settings import file

COMMANDS_FOLDER = Path(__file__).parent.parent / "cli"


class Flag(TypedDict):
    """A flag of a command, or of a model's options."""

    help: str
    values: str
    """What its value is: one of the kinds of `zoo.completion.values`, empty for any text; `-` where it takes none."""
    choices: list[str]
    advanced: bool
    """Whether it is offered only to those who have begun to type it."""
    several: bool
    """Whether it may stand there several times."""


class Positional(TypedDict):
    """An argument without a flag."""

    values: str
    choices: list[str]
    several: bool


class Form(TypedDict):
    """What a command takes."""

    flags: dict[str, Flag]
    aliases: dict[str, str]
    """How other tools call a flag, to the flag."""
    positionals: list[Positional]


class Command(TypedDict):
    """A command."""

    help: str
    form: Form
    verbs: dict[str, Form]
    """What it takes behind each of its verbs, where that makes a difference."""


class Model(TypedDict):
    """A model that a plugin brings, or that was pulled."""

    full_name: str
    summary: str
    options: dict[str, str]
    """Verb to the name of its options in the index."""


class Index(TypedDict):
    """All of it."""

    key: list[str]
    commands: dict[str, Command]
    models: dict[str, Model]
    options: dict[str, dict[str, Flag]]
    names: dict[str, list[str]]
    """The names of tasks, plugins, families, precisions, places and settings, by the kind of value."""


def path() -> Path:
    """Where the index of this installation stands."""
    place = hashlib.sha256(f"{sys.prefix}\n{COMMANDS_FOLDER}".encode(errors="surrogateescape")).hexdigest()[:12]
    return cache_folder() / "completion" / f"{place}.json"


def lock_path() -> Path:
    """What a process locks that makes the index anew while nobody waits; its time is that of the last one's start."""
    return path().with_suffix(".lock")


def key() -> list[str]:
    """What an index depends on: what is installed, what was pulled, aliased and disabled, which places are declared."""
    of_person = [home() / "plugins.json", home() / "aliases.json", file.path().with_name("places.toml")]
    watched = [*_site_folders(), *of_person, hub_models_folder()]
    return [__version__, os.environ.get("ZOO_PLUGINS", "*"), *map(_changed, watched), str(max(_sources()))]


def _site_folders() -> list[Path]:
    """Where packages are installed; the rest of `sys.path` depends on how this process was started."""
    of_variable = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    installed = [entry for entry in sys.path if entry.endswith("-packages") and entry not in of_variable]
    return list(map(Path, (*installed, *of_variable)))


def _changed(path: Path) -> str:
    """When a file, or what is in a folder, has changed last."""
    try:
        return f"{path} {path.stat().st_mtime_ns}"
    except OSError:
        return str(path)


def _sources() -> Iterator[int]:
    """When the commands themselves have changed, which only happens in a clone."""
    with os.scandir(COMMANDS_FOLDER) as entries:
        yield from (entry.stat().st_mtime_ns for entry in entries if entry.name.endswith(".py"))


def read() -> Index | None:
    """The index that was made last; None where there is none, or another version of zoo made it."""
    try:
        index: Index = json.loads(path().read_bytes())
        return index if index["key"][0] == __version__ else None
    except (OSError, ValueError, KeyError, IndexError, TypeError):  # never made, or damaged: it is made anew
        return None


def write(index: Index) -> None:
    """Keep an index.

    Raises:
        OSError: it cannot be written.
    """
    atomic.write_bytes(path(), json.dumps(index).encode())
