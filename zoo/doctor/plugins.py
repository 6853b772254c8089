"""Plugins, and the tasks that other packages bring: which work, which do not, which are left out."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator

from zoo.discovery import Failure
from zoo.errors import OptionInvalid, StoreInvalid, Unsupported
from zoo.findings import Finding, fault, ok, warning
from zoo.installation.operation import Installation
from zoo.plugins import SLOW_S, disabled_plugins, load_plugins
from zoo.plurals import counted
from zoo.settings import plugin_settings
from zoo.tasks import load_tasks
from zoo.uv_or_pip import without_password


def look() -> Iterator[Finding]:
    """Import them all."""
    plugins, failures = load_plugins()
    yield from (_failed("plugin", one, f"zoo plugins disable {shlex.quote(one.name)}") for one in failures)
    yield from (_failed("task", one) for one in load_tasks()[1])
    for plugin in plugins:
        yield from (warning(f"task {one.name}", f"left out: {one.error}", one.hint) for one in plugin.left_out)
        if plugin.import_ms >= SLOW_S * 1000:
            words = f"it took {plugin.import_ms / 1000:.1f} s to be imported, and every command waits for it"
            yield warning(f"plugin {plugin.name}", words, f"zoo plugins disable {shlex.quote(plugin.name)}")
    if plugins:
        models = sum(len(plugin.cards) for plugin in plugins)
        names = ", ".join(plugin.name for plugin in plugins)
        yield ok("plugins", f"{counted(len(plugins), 'plugin')} with {counted(models, 'model')}: {names}")
    elif not failures:
        yield warning("plugins", "there is none, and so there is no model", "zoo install zoo-bert")
    yield from _set_for({*(one.name for one in plugins), *(one.name for one in failures)})
    yield from _left_out()
    yield from _lost()


def _failed(what: str, failure: Failure, otherwise: str = "") -> Finding:
    mend = " or: ".join(filter(None, (failure.hint, otherwise)))
    return fault(f"{what} {failure.name}", f"{failure.distribution} {failure.version}: {failure.error}", mend)


def _set_for(names: set[str]) -> Iterator[Finding]:
    """Settings that mean something to a plugin that is not there."""
    try:
        said = plugin_settings()
    except (OptionInvalid, StoreInvalid):  # which the check of settings tells
        return
    for plugin, setting in said.items():
        if plugin not in names:
            words = f"it is for the plugin {plugin}, which is not here"
            yield warning(f"setting {setting}", words, f"zoo install zoo-{plugin}, or zoo config --unset {setting}")


def _left_out() -> Iterator[Finding]:
    for one in disabled_plugins():
        yield ok(f"plugin {one.name}", "disabled by request", f"zoo plugins enable {shlex.quote(one.name)}")
    if (only := os.environ.get("ZOO_PLUGINS")) is not None:
        yield warning("ZOO_PLUGINS", f"all plugins but {only or 'none'} are left out", "unset ZOO_PLUGINS")


def _lost() -> Iterator[Finding]:
    """Plugins that zoo installed and that an upgrade of it has taken away."""
    try:
        lost = Installation().lost()
    except Unsupported:  # nothing can be installed here, which the environment's own check says
        return
    for one in lost:
        words = f"zoo installed {without_password(one.requirement)}, and it is not there any more"
        yield warning(one.distribution, words, "zoo plugins restore")
