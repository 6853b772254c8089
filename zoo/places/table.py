"""The places there are: this machine, and those that a person has declared in `places.toml`, beside the settings.

[gpu]                      # its name, as in --on gpu
kind = "slurm"             # the name of the place where it is left out
partition = "a100"
gpus = 1
time = "8:00:00"
folder = "/shared/me"
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from zoo.disk import cause_of
from zoo.errors import OptionInvalid, StoreInvalid, Unsupported, ZooError
from zoo.options import parse, schema
from zoo.paths import RUN_NAME
from zoo.places.kinds import HERE, PlaceKind, kind_named
from zoo.places.place import Place, PlaceSettings
from zoo.sanitize import one_line
from zoo.settings import file
from zoo.suggestions import did_you_mean
from zoo.toml_lines import Lines

FILE = "places.toml"
FILE_VARIABLE = "ZOO_PLACES"
"""Tells a worker where the file is: its `ZOO_HOME` is the folder of the store, where the settings need not be."""


class DeclaredPlace(NamedTuple):
    """A place, as it is declared."""

    name: str
    kind: PlaceKind
    settings: PlaceSettings

    def make(self) -> Place:
        """The place itself."""
        return self.kind.make(self.name, self.settings)


def path() -> Path:
    """Where the file is, or would be.

    Raises:
        OptionInvalid: `ZOO_HOME` is no path.
    """
    if said := os.environ.get(FILE_VARIABLE):
        return Path(said)
    return file.path().with_name(FILE)


def places() -> tuple[DeclaredPlace, ...]:
    """All places, this machine first.

    Raises:
        StoreInvalid: the file cannot be read, or something in it means nothing; file, line and key are named.
        PluginBroken: the distribution that brings a kind cannot be used.
    """
    of = path()
    try:
        found = of.stat()
    except (FileNotFoundError, NotADirectoryError):
        return _read(of, 0)
    except OSError as error:
        raise _unreadable(of, error) from error
    _check_ours(of, found)
    return _read(of, found.st_mtime_ns)


def declared_place(name: str) -> DeclaredPlace:
    """The place of that name.

    Raises:
        OptionInvalid: there is none.
        ZooError: as `places`.
    """
    by_name = {one.name: one for one in places()}
    if name not in by_name:
        there_are = f"there {'are' if len(by_name) > 1 else 'is'} {', '.join(by_name)}; declare it in {path()}"
        raise OptionInvalid(f"there is no place {name!r}", did_you_mean(name, by_name, there_are))
    return by_name[name]


def check_queue(name: str, what: str, instead: str) -> None:
    """Insist on a place that does not begin all of many jobs at once.

    Args:
        name: of the place.
        what: the jobs, such as `shards`.
        instead: what to do where it is other machines.

    Raises:
        Unsupported: it does.
        ZooError: as `declared_place`.
    """
    if not (kind := declared_place(name).kind).has_queue:
        here = f"give no place, as --on or in the recipe: here {what} follow one another"
        raise Unsupported(
            f"place {name} is of the kind {kind.name}, which has no queue: all {what} would begin at once",
            here if kind.name == HERE else instead,
        )


def place_named(name: str) -> Place:
    """The same, to hand jobs over to."""
    return _made(declared_place(name))


@cache
def _made(declared: DeclaredPlace) -> Place:
    return declared.make()


@cache
def _read(of: Path, stamp: int) -> tuple[DeclaredPlace, ...]:
    """What the file says as it is at a moment; 0 where there is none."""
    here = kind_named(HERE)
    this_machine = DeclaredPlace(HERE, here, here.settings())
    if not stamp:
        return (this_machine,)
    try:
        text = of.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise StoreInvalid(f"{of} is no UTF-8: {error}", "save it as UTF-8") from error
    except OSError as error:
        raise _unreadable(of, error) from error
    lines = Lines(of, text)
    return (this_machine, *(_declared(name, said, lines) for name, said in _parsed(of, text).items()))


def _check_ours(of: Path, found: os.stat_result) -> None:
    """Insist on a file that nobody else writes, as ssh does of its own: commands in it are run.

    Raises:
        StoreInvalid: it belongs to somebody else, or everybody may write to it.
    """
    if not hasattr(os, "geteuid"):
        return
    if found.st_uid not in (0, os.geteuid()):
        raise StoreInvalid(
            f"{of} belongs to user {found.st_uid}, and commands in it would be run as yours", "make a copy of your own"
        )
    if found.st_mode & stat.S_IWOTH:
        raise StoreInvalid(f"everybody may write to {of}, and commands in it are run", f"chmod o-w {of}")


def _parsed(of: Path, text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words = f"{of} is no TOML: {one_line(str(error))}"
        raise StoreInvalid(words, 'a place is written as [gpu], and below it kind = "slurm"') from error


def _declared(name: str, said: Any, lines: Lines) -> DeclaredPlace:
    where = lines.place(name)
    if isinstance(said, list):
        raise StoreInvalid(
            f"{where}: {one_line(name)} is a list, and a place is one table", f"write [{one_line(name)}]"
        )
    if not isinstance(said, Mapping):
        raise StoreInvalid(f"{where}: {one_line(name)} stands outside of any place", "write [NAME] above it")
    if name == HERE:
        raise StoreInvalid(f"{where}: {HERE} is this machine, and not declared", "give the place another name")
    if not RUN_NAME.fullmatch(name):
        raise StoreInvalid(
            f"{where}: {one_line(name)!r} cannot be the name of a place",
            "use letters, digits, dots, dashes; begin with a letter or digit",
        )
    values = dict(said)
    kind_name = values.pop("kind", name)
    where_kind = lines.place(name, "kind")
    if not isinstance(kind_name, str):
        raise StoreInvalid(f"{where_kind}: kind is {one_line(str(kind_name))}, but takes text", 'kind = "slurm"')
    try:
        kind = kind_named(kind_name)
    except ZooError as error:
        hint = error.hint if "kind" in said else f'say of which kind it is: kind = "slurm"; {error.hint}'
        raise type(error)(f"{where_kind}: {error.message}", hint) from error
    settings = _settings(kind, name, values, lines)
    return DeclaredPlace(name, kind, settings)


def _settings(kind: PlaceKind, name: str, said: Mapping[str, Any], lines: Lines) -> PlaceSettings:
    plain = {key: _plain(kind, key, value) for key, value in said.items()}
    for key, value in plain.items():
        try:
            parse(kind.settings, {key: value})
        except OptionInvalid as error:
            message = error.message.removeprefix("--")
            raise StoreInvalid(f"{lines.place(name, key)}: place {name}: {message}", error.hint) from error
    try:
        return parse(kind.settings, plain)
    except OptionInvalid as error:
        raise StoreInvalid(f"{lines.place(name)}: place {name}: {error.message}", error.hint) from error


def _plain(kind: PlaceKind, key: str, value: Any) -> Any:
    """A value as its option takes it: TOML has `time = 60` and `hosts = ["node1", "node2"]`, which are text."""
    if key in kind.settings.lists and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    is_text = any(one.name == key and one.kind == "str" for one in schema(kind.settings))
    return str(value) if is_text and type(value) in (int, float) else value


def _unreadable(of: Path, error: OSError) -> StoreInvalid:
    cause = cause_of(error, of)
    return StoreInvalid(f"places cannot be read: {cause.reason}", cause.hint)
