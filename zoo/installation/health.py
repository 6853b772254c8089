"""Whether zoo and its plugins work in an environment, asked in a process of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile

import msgspec

from zoo.sanitize import one_line

TIMEOUT_S = 120.0


class PluginState(msgspec.Struct, frozen=True):
    """A plugin, as `zoo plugins --json` lists it."""

    name: str
    distribution: str
    models: tuple[str, ...] = ()
    error: str = ""


class Health(msgspec.Struct, frozen=True):
    """What works."""

    plugins: tuple[PluginState, ...] = ()
    failures: tuple[PluginState, ...] = ()
    fatal: str = ""
    """Why zoo itself does not start; empty where it does."""


def health(python: str) -> Health:
    """Import all plugins in a new process, those included that are left out here."""
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "ZOO_HOME": empty, "PYTHONIOENCODING": "utf-8"}
        environment.pop("ZOO_PLUGINS", None)
        try:
            process = subprocess.run(
                [python, "-P", "-m", "zoo", "plugins", "--json"],
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                stdin=subprocess.DEVNULL,
                env=environment,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Health(fatal=f"importing the plugins took more than {TIMEOUT_S:.0f} s")
    try:
        return msgspec.json.decode(process.stdout, type=Health)
    except msgspec.DecodeError:
        last = (process.stderr.strip().splitlines() or [f"exit code {process.returncode}, without a word"])[-1]
        return Health(fatal=one_line(last))


def troubles(before: Health, after: Health, mine: set[str]) -> tuple[str, ...]:
    """What got worse, one sentence each.

    Args:
        before: how it was.
        after: how it is.
        mine: names of the plugins that were to be installed: these must work, whatever they did before.
    """
    if after.fatal:
        return (f"zoo no longer starts: {after.fatal}",) if not before.fatal else ()
    failed_before = {one.name for one in before.failures}
    worse = [
        f"plugin {one.name} fails: {one.error}"
        for one in after.failures
        if one.name in mine or one.name not in failed_before
    ]
    missing = {one.name for one in before.plugins} - {one.name for one in (*after.plugins, *after.failures)}
    return (*worse, *(f"plugin {name} is gone" for name in sorted(missing)))
