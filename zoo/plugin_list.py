"""What was decided on plugins, in `plugins.json` of the store: which zoo installed, and which are left out."""

from __future__ import annotations

from pathlib import Path

import msgspec

from zoo import paths
from zoo.atomic import write_bytes
from zoo.disk import cause_of
from zoo.errors import StoreInvalid


class RequirementState(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution that was installed through zoo."""

    distribution: str
    """Its normalised name."""
    requirement: str
    """What was asked for: a name with or without a version, the absolute path of a file or folder, or a URL
    without its password."""
    build: bool = False
    """Whether it may be built from source."""


class PluginList(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered from one environment to the next."""

    installed: tuple[RequirementState, ...] = ()
    disabled: tuple[str, ...] = ()
    """Names of plugins that stay installed but are not loaded."""


def path() -> Path:
    """Where the list stands."""
    return paths.home() / "plugins.json"


def read() -> PluginList:
    """The list; empty where there is none yet.

    Raises:
        StoreInvalid: the file cannot be read, or holds something else.
    """
    try:
        return msgspec.json.decode(path().read_bytes(), type=PluginList)
    except FileNotFoundError:
        return PluginList()
    except OSError as error:
        cause = cause_of(error, path())
        raise StoreInvalid(f"the list of plugins cannot be read: {cause.reason}", cause.hint) from error
    except msgspec.DecodeError as error:
        raise StoreInvalid(
            f"{path()} cannot be read: {error}",
            "delete it; no plugin is disabled then, and `zoo plugins restore` has nothing to bring back",
        ) from error


def write(decided: PluginList) -> None:
    """Replace the list.

    Raises:
        StoreInvalid: it cannot be written.
    """
    try:
        write_bytes(path(), msgspec.json.format(msgspec.json.encode(decided), indent=2) + b"\n")
    except OSError as error:
        cause = cause_of(error, path())
        raise StoreInvalid(f"the list of plugins cannot be written: {cause.reason}", cause.hint) from error


def disable(plugin: str) -> bool:
    """Leave a plugin out from now on; False where it was already."""
    decided = read()
    if plugin in decided.disabled:
        return False
    write(msgspec.structs.replace(decided, disabled=(*decided.disabled, plugin)))
    return True


def enable(plugin: str) -> bool:
    """Load a plugin again; False where nothing kept it out."""
    decided = read()
    if plugin not in decided.disabled:
        return False
    write(msgspec.structs.replace(decided, disabled=tuple(name for name in decided.disabled if name != plugin)))
    return True


def remember(states: tuple[RequirementState, ...]) -> None:
    """Note what was installed, in place of what was known of the same distributions."""
    new = {one.distribution for one in states}
    decided = read()
    others = tuple(one for one in decided.installed if one.distribution not in new)
    write(msgspec.structs.replace(decided, installed=(*others, *states)))


def forget(distribution: str) -> None:
    """Take a distribution off the list."""
    decided = read()
    others = tuple(one for one in decided.installed if one.distribution != distribution)
    if others != decided.installed:
        write(msgspec.structs.replace(decided, installed=others))
