"""The person's file of settings, `config.toml`: read with its lines, and changed with all else in it left as it is."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from zoo import atomic
from zoo.disk import cause_of
from zoo.errors import RunCancelled, StoreInvalid
from zoo.locking import locked
from zoo.sanitize import one_line
from zoo.settings.table import SETTINGS
from zoo.suggestions import did_you_mean

HEADER = "# Defaults of zoo; zoo config --help says what there is.\n"
_LINE = re.compile(
    r"""(?P<before>\s*["']?(?P<name>[\w-]+)["']?\s*=\s*)(?P<value>"[^"]*"|'[^']*'|[^#\s]+)(?P<after>.*)"""
)
"""A setting in a line of its own, as almost everybody writes it."""
MOST_WAIT_S = 1.0
"""For another process that changes the file; where it takes longer, or the disk knows no locks, nobody waits on."""


class Entry(NamedTuple):
    """A setting in the file."""

    text: str
    line: int
    """From 1 on."""


def path() -> Path:
    """Where the file is, or would be: in `ZOO_HOME` where that is set, else in the platform's folder for such files.

    Raises:
        OptionInvalid: `ZOO_HOME` is no path.
    """
    if home := SETTINGS["home"].in_environment:
        return Path(home).expanduser().absolute() / "config.toml"
    import platformdirs

    return platformdirs.user_config_path("zoo", appauthor=False) / "config.toml"


def read() -> dict[str, Entry]:
    """What the file says, by the names of settings; empty where there is none.

    Raises:
        StoreInvalid: it cannot be read, is no TOML, or says something that means nothing; file and line are named.
    """
    return _read(path())


@cache
def _read(of: Path) -> dict[str, Entry]:
    """The same; a process goes by what it has read first, whatever becomes of the file while it works."""
    try:
        text = _text(of)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    entries = {}
    for key, value in _parsed(of, text).items():
        line = _line_of(key, text)
        place = f"{of}, line {line}"
        name = _named(key)
        if (setting := SETTINGS.get(name)) is None:
            hint = did_you_mean(key, SETTINGS, f"there are {', '.join(SETTINGS)}")
            raise StoreInvalid(f"{place}: there is no setting {one_line(key)!r}", hint)
        said = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        if not isinstance(said, str) or setting.fault(said):
            import json

            words = f"{place}: {name} is {one_line(json.dumps(value, default=str))}, but takes {setting.takes}"
            raise StoreInvalid(words, f"mend the line, or zoo config --unset {name}")
        if setting.is_folder:
            said = str(of.parent / Path(said).expanduser())
        entries[name] = Entry(said, line)
    return entries


def change(settings: dict[str, str | None]) -> Path:
    """Write settings down, each in a line of its own; comments and everything else stay.

    This process goes by what it has read before until it is told to `forget`.

    Args:
        settings: name to what it is; None to take it out.

    Returns:
        The file.

    Raises:
        StoreInvalid: the file cannot be read or written, or a setting in it spans lines.
    """
    of = path()
    try:
        with _alone(of):
            text = _with(settings, of)
            atomic.write_text(of.resolve(), text)  # the file may be a link to one that is kept elsewhere
    except OSError as error:
        cause = cause_of(error, of)
        raise StoreInvalid(f"settings cannot be written: {cause.reason}", cause.hint) from error
    return of


@contextlib.contextmanager
def _alone(of: Path) -> Iterator[None]:
    """Let no other process change the file meanwhile, as far as that can be had."""
    until = time.monotonic() + MOST_WAIT_S
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(RunCancelled, OSError):
            of.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(of.with_name("config.lock"), lambda: time.monotonic() > until))
        yield


def _with(settings: dict[str, str | None], of: Path) -> str:
    """The text of the file with these settings."""
    before = _text(of) if of.exists() else ""
    wanted = {name: value for name, value in _by_name(of, before).items() if name not in settings}
    text = before or HEADER
    for name, value in settings.items():
        text = _changed(text, name, value)
        wanted |= {} if value is None else {name: value}
    if not _says(of, text, wanted):
        words = f"{of} has {' and '.join(settings)} where zoo cannot change it"
        raise StoreInvalid(words, "change the file by hand")
    return text


def forget() -> None:
    """Read the file anew when it is needed next."""
    _read.cache_clear()


def _changed(text: str, name: str, value: str | None) -> str:
    """The text with another value of one setting, or without it."""
    lines = text.splitlines()
    end = next((number for number, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    for number, line in enumerate(lines[:end]):
        if (match := _LINE.fullmatch(line)) and _named(match["name"]) == name:
            lines[number : number + 1] = [] if value is None else [match["before"] + _quoted(value) + match["after"]]
            break
    else:
        lines[end:end] = [] if value is None else [f"{name} = {_quoted(value)}"]
    return "".join(f"{line}\n" for line in lines)


def _says(of: Path, text: str, wanted: dict[str, Any]) -> bool:
    """Whether a text that is to be written means what it must."""
    try:
        return _by_name(of, text) == wanted
    except StoreInvalid:  # what was replaced is no line of its own
        return False


def _by_name(of: Path, text: str) -> dict[str, Any]:
    return {_named(key): value for key, value in _parsed(of, text).items()}


def _named(key: str) -> str:
    """The name of the setting that a key of the file stands for."""
    return key.replace("-", "_")


def _quoted(value: str) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _text(of: Path) -> str:
    try:
        return of.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise StoreInvalid(f"{of} is no UTF-8: {error}", "save it as UTF-8, or move it away") from error
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise _unreadable(of, error) from error


def _parsed(of: Path, text: str) -> dict[str, Any]:
    """Raise StoreInvalid where it is no TOML."""
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", str(error))
        reason, line = (found[1], found[2] or str(len(text.splitlines()))) if found else (str(error), "1")
        raise StoreInvalid(
            f"{of}, line {line}: this is no TOML: {one_line(reason)}", 'a setting is written as device = "cpu"'
        ) from error


def _line_of(key: str, text: str) -> int:
    """The line that a key stands in, from 1 on."""
    begins = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[\].=]""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if begins.match(line)), 1)


def _unreadable(of: Path, error: OSError) -> StoreInvalid:
    cause = cause_of(error, of)
    return StoreInvalid(f"settings cannot be read: {cause.reason}", cause.hint)
