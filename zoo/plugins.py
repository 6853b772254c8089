"""Discovery of plugins through the entry-point group `zoo.plugins`. Nobody else touches entry points.

At three grains: `plugin_names` imports nothing, `load_plugin` exactly one, `load_plugins` all. Whatever goes wrong in a
plugin is a `PluginFailure` value; all other plugins go on working. `ZOO_PLUGINS=a,b` leaves only the named ones, and
those that `zoo plugins disable` named are left out.
"""

from __future__ import annotations

import difflib
import inspect
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import msgspec
import pluggy

from zoo import hookspecs, plugin_list
from zoo.card import PRECISIONS, VERBS, Ability, Card, Weights
from zoo.errors import PluginBroken, UnknownPlugin, ZooError
from zoo.hyperparameters import DataOptions
from zoo.options import Options, parse, schema, to_dict
from zoo.sanitize import one_line
from zoo.task import get_task

GROUP = "zoo.plugins"
_HOOKS = ("cards", "card_for", "pretrain", "finetune", "predict")

_import_ms: dict[str, float] = {}
"""Name of each plugin to what its first import took."""


class PluginFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin that cannot be used, and why."""

    name: str
    distribution: str
    version: str
    error: str
    hint: str


class DisabledPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin that is installed and left out by request."""

    name: str
    distribution: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A plugin that was imported and keeps the contract."""

    name: str
    distribution: str
    version: str
    module: ModuleType
    cards: tuple[Card, ...]
    hooks: tuple[str, ...]
    """Names of the hooks it implements, in the order of a model's life."""
    import_ms: float
    """What importing it and asking for its cards took, the first time in this process."""

    def hook(self, name: str) -> Callable[..., Any]:
        """The hook of this plugin, surrounded by the wrapper hooks of other installed plugins."""
        if name not in self.hooks:
            raise PluginBroken(f"plugin {self.name} has no hook {name!r}", f"it has {', '.join(self.hooks)}")
        caller: Callable[..., Any] = getattr(self._manager.hook, name)
        return caller

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
        return None if card is None else _checked(card, self.name, "card_for()")

    @cached_property
    def _manager(self) -> pluggy.PluginManager:
        manager = _new_manager()
        manager.register(self.module, self.name)
        for entry_point in _selected():
            if entry_point.name != self.name:
                _register_wrappers(manager, entry_point)
        return manager


def plugin_names() -> tuple[str, ...]:
    """Names of the installed plugins, sorted; imports none of them."""
    return tuple(sorted({entry_point.name for entry_point in _selected()}))


def load_plugin(name: str) -> Plugin:
    """Import one plugin.

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
    return loaded


def load_plugins() -> tuple[tuple[Plugin, ...], tuple[PluginFailure, ...]]:
    """Import all plugins; those that cannot be used come as failures."""
    by_name: dict[str, list[EntryPoint]] = {}
    for entry_point in _selected():
        by_name.setdefault(entry_point.name, []).append(entry_point)
    loaded = [_load(by_name[name]) for name in sorted(by_name)]
    return (
        tuple(one for one in loaded if isinstance(one, Plugin)),
        tuple(one for one in loaded if isinstance(one, PluginFailure)),
    )


def disabled_plugins() -> tuple[DisabledPlugin, ...]:
    """The plugins that are left out by request, sorted; imports none of them."""
    disabled = set(plugin_list.read().disabled)
    found = [(one.name, *_distribution(one)) for one in _installed() if one.name in disabled]
    return tuple(
        DisabledPlugin(name=one_line(name), distribution=distribution, version=version)
        for name, distribution, version in sorted(found)
    )


def _selected() -> tuple[EntryPoint, ...]:
    """Entry points of the plugins that are not disabled."""
    disabled = set(plugin_list.read().disabled)
    return tuple(entry_point for entry_point in _installed() if entry_point.name not in disabled)


def _installed() -> tuple[EntryPoint, ...]:
    """Entry points of the group, each distribution's once, less those that ZOO_PLUGINS leaves out."""
    only = os.environ.get("ZOO_PLUGINS")
    wanted = None if only is None else {name.strip() for name in only.split(",")}
    found = {
        (entry_point.name, entry_point.value, _distribution(entry_point)[0]): entry_point
        for entry_point in entry_points(group=GROUP)
        if wanted is None or entry_point.name in wanted
    }
    return tuple(found.values())


def _load(candidates: list[EntryPoint]) -> Plugin | PluginFailure:
    """Import the plugin that the entry points of one name stand for; two of one name are a failure."""
    entry_point = candidates[0]
    distribution, version = _distribution(entry_point)

    def failure(error: str, hint: str) -> PluginFailure:
        return PluginFailure(
            name=one_line(entry_point.name),
            distribution=distribution,
            version=version,
            error=one_line(error),
            hint=one_line(hint),
        )

    if len(candidates) > 1:
        names = " and ".join(sorted(_distribution(candidate)[0] for candidate in candidates))
        return failure(f"{names} both call their plugin {entry_point.name!r}", f"uninstall one of {names}")
    started = time.perf_counter()
    try:
        with redirect_stdout(sys.stderr):  # stdout is for answers; a plugin that prints must not spoil them
            module = entry_point.load()
            hooks = _verify(module, entry_point.name)
            cards = _cards(module, entry_point.name)
            _check_verbs(cards, hooks)
    except PluginBroken as broken:
        return failure(broken.message, broken.hint)
    except (Exception, SystemExit) as error:  # whatever a stranger's module may raise while it is imported
        return failure(
            f"{type(error).__name__}: {error}",
            f"update or uninstall {distribution}; python -c 'import {entry_point.module}' shows the whole error",
        )
    return Plugin(
        name=entry_point.name,
        distribution=distribution,
        version=version,
        module=module,
        cards=cards,
        hooks=hooks,
        import_ms=_import_ms.setdefault(entry_point.name, (time.perf_counter() - started) * 1000),
    )


def _distribution(entry_point: EntryPoint) -> tuple[str, str]:
    found = entry_point.dist
    try:
        return (found.name or "unknown", found.version or "") if found is not None else ("unknown", "")
    except Exception:  # metadata that a half-removed distribution left behind
        return ("unknown", "")


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def _verify(module: ModuleType, name: str) -> tuple[str, ...]:
    """Check the hooks of a module against the specifications; returns their names."""
    manager = _new_manager()
    try:
        manager.register(module, name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginBroken(
            _validation_message(manager, module, error), "zoo.hookspecs, or the page Hooks of the docs, has them all"
        ) from error
    hooks = tuple(hook for hook in _HOOKS if getattr(manager.hook, hook).get_hookimpls())
    unmarked = [name for name in _HOOKS if name not in hooks and _is_own_function(module, name)]
    if unmarked:
        raise PluginBroken(f"{unmarked[0]}() is not marked as a hook", "decorate it with @zoo.hookimpl")
    if not hooks:
        raise PluginBroken(f"{module.__name__} implements no hook", "decorate its functions with @zoo.hookimpl")
    return hooks


def _validation_message(manager: pluggy.PluginManager, module: ModuleType, error: Exception) -> str:
    for attribute in filter(lambda name: _marked(manager, module, name), dir(module)):
        if attribute not in _HOOKS:
            near = difflib.get_close_matches(attribute, _HOOKS, n=1)
            return f"{attribute!r} is no hook" + (f"; did the author mean {near[0]!r}?" if near else "")
        taken, known = (_arguments(of) for of in (getattr(module, attribute), getattr(hookspecs, attribute)))
        if unknown := [name for name in taken if name not in known]:
            return f"{attribute}() takes {', '.join(unknown)}, but the hook gives {', '.join(known) or 'no arguments'}"
    return str(error).partition("\n")[2] or str(error)


def _marked(manager: pluggy.PluginManager, module: ModuleType, name: str) -> bool:
    return manager.parse_hookimpl_opts(module, name) is not None


def _is_own_function(module: ModuleType, name: str) -> bool:
    """Whether a module defines a function of that name, rather than importing one."""
    found = getattr(module, name, None)
    return inspect.isfunction(found) and found.__module__ == module.__name__


def _arguments(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def _register_wrappers(manager: pluggy.PluginManager, entry_point: EntryPoint) -> None:
    """Let the wrapper hooks of another plugin take part; one that cannot be imported takes no part in anything."""
    try:
        with redirect_stdout(sys.stderr):
            module = entry_point.load()
        wrappers = [
            attribute
            for attribute in dir(module)
            if (marks := manager.parse_hookimpl_opts(module, attribute)) and marks.get("wrapper")
        ]
        if wrappers:
            surrounding = ModuleType(f"{entry_point.name} wrappers")
            for attribute in wrappers:
                setattr(surrounding, attribute, getattr(module, attribute))
            manager.register(surrounding)
    except (Exception, SystemExit) as error:
        import logging

        logging.getLogger(__name__).warning(
            "plugin %s is left out: %s", one_line(entry_point.name), one_line(str(error))
        )


def _cards(module: ModuleType, plugin: str) -> tuple[Card, ...]:
    """The plugin's cards, each checked, with the plugin's name filled in."""
    manager = _new_manager()
    manager.register(module, plugin)
    answers: list[Iterable[Card]] = manager.hook.cards()
    if len(answers) < sum(not given.wrapper for given in manager.hook.cards.get_hookimpls()):
        raise PluginBroken("cards() gives None, not a list of cards", "does it return them?")
    cards = [_checked(card, plugin) for answer in answers for card in answer]
    counts = Counter(card.name for card in cards)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise PluginBroken(f"cards() gives {', '.join(twice)} twice", "each model of a plugin needs a name of its own")
    return tuple(cards)


def _check_verbs(cards: Iterable[Card], hooks: tuple[str, ...]) -> None:
    """Insist on a hook for whatever a card promises."""
    for card in cards:
        if missing := [verb for verb in card.abilities if verb not in hooks]:
            raise PluginBroken(
                f"card {card.name!r} says it can {missing[0]}, but the plugin has no hook {missing[0]}",
                "write the hook, or take the ability out of the card",
            )


def _checked(card: object, plugin: str, hook: str = "cards()") -> Card:
    if not isinstance(card, Card):
        raise PluginBroken(f"{hook} gives a {type(card).__name__}, not a zoo.Card", "it has to give zoo.Card objects")
    where = f"card {one_line(str(card.name))!r}"
    try:
        if isinstance(card.abilities, dict):
            for verb, ability in card.abilities.items():
                _check_ability(verb, ability)
        msgspec.json.decode(msgspec.json.encode(card, enc_hook=_name_of_options), type=_CardData)
        get_task(card.task)
    except (msgspec.ValidationError, TypeError, UnicodeError, ZooError) as error:
        message = error.message if isinstance(error, ZooError) else str(error)
        if "regex" in message and "`$.name`" in message:
            message = "a name is of letters, digits, dots, dashes and underscores, and begins with one of the first two"
        raise PluginBroken(f"{where}: {message}", "the plugin's author must mend its description") from error
    return msgspec.structs.replace(card, plugin=plugin)


class _CardData(Card, frozen=True, kw_only=True):
    """A card whose option sets are text: what can be checked by type."""

    abilities: dict[str, Any]


def _name_of_options(value: object) -> str:
    """An option set is the one thing in a card that JSON cannot hold; whatever else it cannot has no place there."""
    if isinstance(value, type) and issubclass(value, Options):
        return value.__name__
    raise TypeError(f"a {type(value).__name__} cannot be part of a card")


def _check_ability(verb: str, ability: object) -> None:
    if verb not in VERBS:
        raise TypeError(f"{verb!r} is no verb; verbs are {', '.join(VERBS)}")
    if not isinstance(ability, Ability):
        raise TypeError(f"the ability to {verb} is a {type(ability).__name__}, not a zoo.Ability")
    get_task(ability.task)
    _check_precisions(verb, ability.precisions)
    if not (isinstance(ability.options, type) and issubclass(ability.options, Options)):
        raise TypeError(f"the options to {verb} are no subclass of zoo.Options")
    schema(ability.options)
    parse(ability.options, to_dict(ability.options()))  # defaults, too, keep within the bounds
    lacking = {option.name for option in schema(DataOptions)} - {option.name for option in schema(ability.options)}
    if verb != "predict" and lacking:
        raise TypeError(f"the options to {verb} lack {', '.join(sorted(lacking))}; extend zoo.DataOptions")


def _check_precisions(verb: str, precisions: object) -> None:
    if not isinstance(precisions, tuple | list) or not precisions:
        raise TypeError(f"the precisions to {verb} are {precisions!r}, not a tuple of {', '.join(PRECISIONS)}")
    for precision in precisions:
        if precision not in PRECISIONS:
            raise TypeError(f"there is no precision {precision!r} to {verb} in; precisions are {', '.join(PRECISIONS)}")
