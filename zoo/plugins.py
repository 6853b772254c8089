"""Discovery of plugins through the entry-point group `zoo.plugins`.

At three grains: `plugin_names` imports nothing, `load_plugin` exactly one, `load_plugins` all. Whatever goes wrong in a
plugin is a `PluginFailure` value; all other plugins go on working. `ZOO_PLUGINS=a,b` leaves only the named ones, and
those that `zoo plugins disable` named are left out.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec
import pluggy

from zoo import plugin_list
from zoo.body_hooks import BodyHooks
from zoo.card import Card, Weights
from zoo.discovery import Failure, clash_of, distribution_of, failure_of, import_failure, installed, scanned_once
from zoo.entry_points import EntryPoint
from zoo.errors import PluginBroken, UnknownPlugin, Unsupported, ZooError
from zoo.plugin_checks import (
    BODY,
    check_card,
    check_cards,
    check_hooks,
    check_verbs,
    hooks_serve,
    new_manager,
    register,
)
from zoo.sanitize import one_line
from zoo.suggestions import AS_SAFETENSORS

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun

GROUP = "zoo.plugins"

SLOW_S = 2.0
"""A plugin that takes longer to be imported is worth a word: every command waits for it."""

_import_ms: dict[str, float] = {}
"""Name of each plugin to what its first import took, whether it went well or not."""
_reported_slow: set[str] = set()
"""Names of slow plugins that were reported."""
PluginFailure = Failure
"""A plugin that cannot be used, and why."""


class DisabledPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin that is installed and left out by request."""

    name: str
    distribution: str
    version: str


class Plugin(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A plugin that was imported and keeps the contract."""

    name: str
    distribution: str
    version: str
    module: ModuleType
    cards: tuple[Card, ...]
    hooks: tuple[str, ...]
    """Names of the hooks it implements, in the order of a model's life."""
    wrappers: tuple[str, ...] | None = None
    """Names of the other plugins whose wrapper hooks surround its own; None for all that are installed."""
    left_out: tuple[PluginFailure, ...] = ()
    """Tasks of other distributions that its models are left without, and why; see `zoo.task_clashes`."""
    import_ms: float
    """What importing it and asking for its cards took, the first time in this process."""

    def hook(self, name: str) -> Callable[..., Any]:
        """The hook of this plugin, or zoo's own on its body, surrounded by the wrapper hooks of other plugins."""
        if name not in self.hooks and not hooks_serve(self.hooks, name):
            raise PluginBroken(f"plugin {self.name} has no hook {name!r}", f"it has {', '.join(self.hooks)}")
        caller: Callable[..., Any] = getattr(self._manager.hook, name)
        return caller

    def hook_on_body(self, name: str) -> Callable[..., Any]:
        """Zoo's own hook on the body of this plugin, which may have another one for that; wrappers surround it, too.

        Raises:
            Unsupported: the plugin gives no body.
        """
        if BODY not in self.hooks:
            raise Unsupported(
                f"plugin {self.name} gives no body that several objectives could share", "fine-tune for each apart"
            )
        caller: Callable[..., Any] = self._manager.subset_hook_caller(name, remove_plugins=[self.module])
        return caller

    def surrounded(self, name: str, hook: Callable[..., Any]) -> Callable[..., Any]:
        """What takes the place of a hook of this plugin, surrounded by the wrapper hooks of other plugins.

        Args:
            name: of the hook.
            hook: takes its place.
        """
        caller = self._manager.subset_hook_caller(name, remove_plugins=[self.module])
        return lambda **arguments: caller.call_extra([hook], arguments)

    def answering_body(self, run: PredictionRun) -> Any:
        """The body that a prediction is answered with, made for it.

        Raises:
            Unsupported: the plugin answers it otherwise.
        """
        own = new_manager()
        own.register(self.module, self.name)
        if BODY not in self.hooks or own.hook.predict(run=run) is not None:
            raise Unsupported(
                f"plugin {self.name} answers {run.task.name} with {run.card.name} by code of its own, not by a body",
                AS_SAFETENSORS,
            )
        return BodyHooks(self._manager, self.name).body_of(run)

    @property
    def gives_way(self) -> bool:
        """Whether it takes models of the Hub only where no other plugin does: its `card_for` is marked `trylast`."""
        marks = self._manager.parse_hookimpl_opts(self.module, "card_for")
        return bool(marks and marks.get("trylast"))

    def card_for(self, name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card | None:
        """Its card of a model of the Hub, checked; None where it does not claim the model.

        Raises:
            Unsupported: it is of the plugin's kind, but cannot be served.
            PluginBroken: the hook failed, or gave what is no card.
        """
        if "card_for" not in self.hooks:
            return None
        try:
            with redirect_stdout(sys.stderr):
                card = self.hook("card_for")(name=name, config=config, weights=weights, documents=documents)
        except ZooError:
            raise
        except (Exception, SystemExit) as error:  # whatever a stranger's hook makes of a stranger's configuration
            raise PluginBroken(
                f"plugin {self.name} fails on {name}: {type(error).__name__}: {error}",
                "the plugin's author must mend it",
            ) from error
        return None if card is None else check_card(card, self.name, self.distribution, "card_for()")[0]

    @cached_property
    def _manager(self) -> pluggy.PluginManager:
        manager = new_manager()
        manager.register(self.module, self.name)
        if BODY in self.hooks:
            manager.register(BodyHooks(manager, self.name))
        for entry_point in _selected():
            if entry_point.name != self.name and (self.wrappers is None or entry_point.name in self.wrappers):
                _register_wrappers(manager, entry_point)
        return manager


_loaded: dict[tuple[tuple[str, ...], ...], Plugin | PluginFailure] = {}
"""What became of each plugin in this process: one that fails does so once, not at every look at the catalog."""


def plugin_names() -> tuple[str, ...]:
    """Names of the installed plugins, sorted; imports none of them."""
    return tuple(sorted({entry_point.name for entry_point in _selected()}))


@scanned_once()
def load_plugin(name: str, wrappers: tuple[str, ...] | None = None) -> Plugin:
    """Import one plugin; others are imported when one of its hooks is called.

    Args:
        name: of the plugin.
        wrappers: names of those others, see `Plugin.wrappers`.

    Raises:
        UnknownPlugin: there is none of that name.
        PluginBroken: it cannot be imported, or breaks the contract.
    """
    candidates = [entry_point for entry_point in _selected() if entry_point.name == name]
    if not candidates:
        if name in {plugin.name for plugin in disabled_plugins()}:
            raise UnknownPlugin(f"plugin {name} is disabled", f"zoo plugins enable {name}")
        raise UnknownPlugin(f"there is no plugin {name!r}", f"installed: {', '.join(plugin_names()) or 'none'}")
    loaded = _load(candidates)
    if isinstance(loaded, PluginFailure):
        raise PluginBroken(f"plugin {name} ({loaded.distribution} {loaded.version}): {loaded.error}", loaded.hint)
    return msgspec.structs.replace(loaded, wrappers=wrappers)


def wrapping_plugins() -> tuple[str, ...]:
    """Names of the plugins that have wrapper hooks; imports all plugins."""
    return tuple(plugin.name for plugin in load_plugins()[0] if _wrapper_names(new_manager(), plugin.module))


@scanned_once()
def load_plugins(*, anew: bool = False) -> tuple[tuple[Plugin, ...], tuple[PluginFailure, ...]]:
    """Import all plugins; those that cannot be used come as failures.

    Args:
        anew: try again what was found to fail in this process before.
    """
    if anew:
        _loaded.clear()
    by_name: dict[str, list[EntryPoint]] = {}
    for entry_point in _selected():
        by_name.setdefault(entry_point.name, []).append(entry_point)
    loaded = [_load(by_name[name]) for name in sorted(by_name)]
    return (
        tuple(one for one in loaded if isinstance(one, Plugin)),
        tuple(one for one in loaded if isinstance(one, PluginFailure)),
    )


def take_slow() -> tuple[tuple[str, float], ...]:
    """Plugins that were slow to be imported in this process, and how many seconds; each is reported once."""
    slow = [
        name
        for name, milliseconds in _import_ms.items()
        if milliseconds >= SLOW_S * 1000 and name not in _reported_slow
    ]
    _reported_slow.update(slow)
    return tuple((one_line(name), _import_ms[name] / 1000) for name in sorted(slow))


def disabled_plugins() -> tuple[DisabledPlugin, ...]:
    """The plugins that are left out by request, sorted; imports none of them."""
    disabled = set(plugin_list.read().disabled)
    disabled_points = [(one.name, *distribution_of(one)) for one in _installed() if one.name in disabled]
    return tuple(
        DisabledPlugin(name=one_line(name), distribution=distribution, version=version)
        for name, distribution, version in sorted(disabled_points)
    )


def _selected() -> tuple[EntryPoint, ...]:
    """Entry points of the plugins that are not disabled."""
    disabled = set(plugin_list.read().disabled)
    return tuple(entry_point for entry_point in _installed() if entry_point.name not in disabled)


def _installed() -> tuple[EntryPoint, ...]:
    """Entry points of the group, less those that ZOO_PLUGINS leaves out."""
    only = os.environ.get("ZOO_PLUGINS")
    names = None if only is None else {name.strip() for name in only.split(",")}
    return tuple(point for point in installed(GROUP) if names is None or point.name in names)


def _load(candidates: list[EntryPoint]) -> Plugin | PluginFailure:
    """Import the plugin that the entry points of one name stand for, once in a process."""
    key = tuple(_identity(candidate) for candidate in candidates)
    plugin = _loaded.get(key)
    if isinstance(plugin, Plugin) and sys.modules.get(plugin.module.__name__) is plugin.module:
        return msgspec.structs.replace(plugin)  # the wrappers around its hooks are looked up anew
    if not isinstance(plugin, PluginFailure):
        start = time.perf_counter()
        loaded = _import(candidates)
        milliseconds = _import_ms.setdefault(candidates[0].name, (time.perf_counter() - start) * 1000)
        plugin = (
            loaded if isinstance(loaded, PluginFailure) else msgspec.structs.replace(loaded, import_ms=milliseconds)
        )
        _loaded[key] = plugin
    return plugin


def _import(candidates: list[EntryPoint]) -> Plugin | PluginFailure:
    """Import one, and hold it to the contract; two of one name are a failure."""
    entry_point = candidates[0]
    distribution, version = distribution_of(entry_point)
    if len(candidates) > 1:
        return clash_of(candidates, "plugin")
    module = None
    try:
        with redirect_stdout(sys.stderr):  # stdout is for answers; a plugin that prints must not spoil them
            module = entry_point.load()
            manager = register(module, entry_point.name)
            hooks = check_hooks(manager, module)
            cards, left_out = check_cards(manager, entry_point.name, distribution)
            check_verbs(cards, hooks)
    except PluginBroken as broken:
        return failure_of(entry_point, broken.message, broken.hint)
    except (Exception, SystemExit) as error:  # whatever a stranger's module may raise while it is imported
        again = f"import {entry_point.module}" + ("" if module is None else " as plugin; list(plugin.cards())")
        return import_failure(entry_point, error, again)
    return Plugin(
        name=entry_point.name,
        distribution=distribution,
        version=version,
        module=module,
        cards=cards,
        hooks=hooks,
        left_out=left_out,
        import_ms=0.0,
    )


def _identity(entry_point: EntryPoint) -> tuple[str, ...]:
    """Which plugin an entry point stands for, of which installation."""
    return (entry_point.name, entry_point.value, *entry_point.distribution, entry_point.place)


def _register_wrappers(manager: pluggy.PluginManager, entry_point: EntryPoint) -> None:
    """Let the wrapper hooks of another plugin take part; one that cannot be used takes no part in anything."""
    loaded = _load([entry_point])
    if isinstance(loaded, PluginFailure):
        import logging

        logging.getLogger(__name__).warning("plugin %s is left out: %s", loaded.name, loaded.error)
        return
    if wrappers := _wrapper_names(manager, loaded.module):
        surrounding = ModuleType(f"{entry_point.name} wrappers")
        for attribute in wrappers:
            setattr(surrounding, attribute, getattr(loaded.module, attribute))
        manager.register(surrounding)


def _wrapper_names(manager: pluggy.PluginManager, module: ModuleType) -> list[str]:
    """Names of the functions of a module that are wrapper hooks."""
    return [
        attribute
        for attribute in dir(module)
        if (marks := manager.parse_hookimpl_opts(module, attribute)) and marks.get("wrapper")
    ]
