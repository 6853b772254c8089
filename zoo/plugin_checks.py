"""What a plugin declares, held to the contract when it is loaded: its hooks and its cards."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import msgspec
import pluggy

from zoo import hookspecs
from zoo.card import VERBS, Ability, Card
from zoo.discovery import Failure
from zoo.encoding import is_encodable
from zoo.errors import PluginBroken, ZooError
from zoo.option_checks import check_ability_options
from zoo.options import Options
from zoo.plurals import with_article
from zoo.sanitize import one_line
from zoo.settings.table import PRECISIONS
from zoo.suggestions import nearest
from zoo.task_clashes import without_clashes
from zoo.tasks import check_task

HOOKS = ("cards", "card_for", "body", "pretrain", "finetune", "predict")
BODY = "body"
"""The hook that stands for those of all verbs."""


def new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def register(module: ModuleType, name: str) -> pluggy.PluginManager:
    """A manager of one plugin, whose hooks are as they are specified."""
    manager = new_manager()
    try:
        manager.register(module, name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginBroken(
            _validation_message(manager, module, error), "zoo plugins guide hooks describes them all"
        ) from error
    return manager


def check_hooks(manager: pluggy.PluginManager, module: ModuleType) -> tuple[str, ...]:
    """Insist on hooks that are marked as such; returns the names of those that a plugin implements."""
    hooks = tuple(hook for hook in HOOKS if getattr(manager.hook, hook).get_hookimpls())
    unmarked = [name for name in HOOKS if name not in hooks and _is_own_function(module, name)]
    if unmarked:
        raise PluginBroken(f"{unmarked[0]}() is not marked as a hook", "decorate it with @zoo.hookimpl")
    if not hooks:
        raise PluginBroken(f"{module.__name__} implements no hook", "decorate its functions with @zoo.hookimpl")
    return hooks


def _validation_message(manager: pluggy.PluginManager, module: ModuleType, error: Exception) -> str:
    for attribute in filter(lambda name: _marked(manager, module, name), dir(module)):
        if attribute not in HOOKS:
            near = nearest(attribute, HOOKS)
            return f"{attribute!r} is no hook" + (f"; did the author mean {near[0]!r}?" if near else "")
        arguments, offered = (_arguments(of) for of in (getattr(module, attribute), getattr(hookspecs, attribute)))
        if unknown := [name for name in arguments if name not in offered]:
            return (
                f"{attribute}() takes {', '.join(unknown)}, but the hook gives {', '.join(offered) or 'no arguments'}"
            )
    return str(error).partition("\n")[2] or str(error)


def _marked(manager: pluggy.PluginManager, module: ModuleType, name: str) -> bool:
    return manager.parse_hookimpl_opts(module, name) is not None


def _is_own_function(module: ModuleType, name: str) -> bool:
    """Whether a module defines a function of that name, rather than importing one."""
    member = getattr(module, name, None)
    return inspect.isfunction(member) and member.__module__ == module.__name__


def _arguments(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def check_cards(
    manager: pluggy.PluginManager, plugin: str, distribution: str
) -> tuple[tuple[Card, ...], tuple[Failure, ...]]:
    """The plugin's cards, each checked, with the plugin's name filled in, and the tasks that they are left without."""
    answers: list[Iterable[Card]] = manager.hook.cards()
    if len(answers) < sum(not implementation.wrapper for implementation in manager.hook.cards.get_hookimpls()):
        raise PluginBroken("cards() gives None, not a list of cards", "does it return them?")
    seen: set[object] = set()
    checked = [check_card(card, plugin, distribution, seen=seen) for answer in answers for card in answer]
    cards = [card for card, _ in checked]
    counts = Counter(card.name for card in cards)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise PluginBroken(f"cards() gives {', '.join(twice)} twice", "each model of a plugin needs a name of its own")
    for card in cards:
        if card.superseded_by and card.superseded_by not in counts:
            raise PluginBroken(
                f"card {card.name!r} is superseded by {card.superseded_by!r}, which cards() does not give",
                "name another card of the plugin, or none",
            )
    return tuple(cards), tuple(dict.fromkeys(failure for _, failures in checked for failure in failures))


def hooks_serve(hooks: tuple[str, ...], verb: str) -> bool:
    """Whether a plugin with these hooks serves a verb: by the hook of its name, or on its body."""
    return verb in hooks or (verb in VERBS and BODY in hooks)


def check_verbs(cards: Iterable[Card], hooks: tuple[str, ...]) -> None:
    """Insist on a hook for whatever a card promises."""
    for card in cards:
        if missing := [verb for verb in card.verbs if not hooks_serve(hooks, verb)]:
            raise PluginBroken(
                f"card {card.name!r} says it can {missing[0]}, but the plugin has no hook {missing[0]}, nor body",
                "write the hook, or take the ability out of the card",
            )


def check_card(
    card: object, plugin: str, distribution: str, hook: str = "cards()", *, seen: set[object] | None = None
) -> tuple[Card, tuple[Failure, ...]]:
    """Hold a card to the contract.

    Args:
        card: what the hook gave.
        plugin: its name.
        distribution: that brings the plugin.
        hook: its name.
        seen: abilities of other cards, which are looked at once; those of the card are added.

    Returns:
        The card with the plugin's name filled in, and the tasks of other distributions that it is left without.

    Raises:
        PluginBroken: it does not keep the contract.
    """
    if not isinstance(card, Card):
        raise PluginBroken(
            f"{hook} gives {with_article(type(card).__name__)}, not a zoo.Card", "it has to give zoo.Card objects"
        )
    where = f"card {one_line(str(card.name))!r}"
    try:
        if _is_new(card.abilities, set() if seen is None else seen):
            _check_abilities(card.abilities)
        data = msgspec.structs.replace(card, labels=()) if _are_texts(card.labels) else card
        _CARD_DATA.decode(msgspec.json.encode(data, enc_hook=_name_of_options))
        check_task(card.task)
        _check_recommendation(card)
        card, failures = without_clashes(card, plugin, distribution)
    except (msgspec.ValidationError, TypeError, UnicodeError, ZooError) as error:
        message = error.message if isinstance(error, ZooError) else str(error)
        if "regex" in message and "`$.name`" in message:
            message = "a name is of letters, digits, dots, dashes and underscores, and begins with one of the first two"
        raise PluginBroken(
            f"{where}: {message}", "the plugin's author must mend its description: zoo plugins guide contract"
        ) from error
    return msgspec.structs.replace(card, plugin=plugin), failures


def _are_texts(labels: object) -> bool:
    """Whether labels are what they have to be, at a glance: there may be thousands, the same for a hundred models."""
    try:
        return type(labels) is tuple and is_encodable("".join(labels))
    except TypeError:
        return False


class _CardData(Card, frozen=True, kw_only=True):
    """A card whose option sets are text: what can be checked by type."""

    abilities: tuple[Any, ...]


_CARD_DATA = msgspec.json.Decoder(_CardData)


def _name_of_options(value: object) -> str:
    """An option set is the one thing in a card that JSON cannot hold; whatever else it cannot has no place there."""
    if isinstance(value, type) and issubclass(value, Options):
        return value.__name__
    raise TypeError(f"{with_article(type(value).__name__)} cannot be part of a card")


def _is_new(abilities: object, seen: set[object]) -> bool:
    """Whether abilities are not among those that were seen, which they are from now on."""
    try:
        if abilities in seen:
            return False
        seen.add(abilities)
    except TypeError:  # something in them cannot be hashed, such as a list of precisions
        pass
    return True


def _check_abilities(abilities: object) -> None:
    if isinstance(abilities, dict):  # still one only where a value is no ability
        for verb, ability in abilities.items():
            _check_ability(verb, ability)
    elif isinstance(abilities, tuple | list):
        for ability in abilities:
            _check_ability(str(getattr(ability, "verb", "predict")), ability)
        pairs = Counter((ability.verb, ability.task) for ability in abilities)
        if twice := [pair for pair, count in pairs.items() if count > 1]:
            raise TypeError(f"the ability to {twice[0][0]} for {twice[0][1]} is there twice")


def _check_recommendation(card: Card) -> None:
    tasks = dict.fromkeys(ability.task for ability in card.abilities)
    if unable := [task for task in card.recommended_for if task not in tasks]:
        knows = f"abilities for {', '.join(tasks)}" if tasks else "no abilities"
        raise TypeError(f"it is recommended for {unable[0]}, but has {knows}")
    if card.demonstration and card.recommended_for:
        raise TypeError(f"it is a demonstration, and recommended for {', '.join(card.recommended_for)}; choose one")


def _check_ability(verb: str, ability: object) -> None:
    if verb not in VERBS:
        raise TypeError(f"{verb!r} is no verb; verbs are {', '.join(VERBS)}")
    if not isinstance(ability, Ability):
        raise TypeError(f"the ability to {verb} is {with_article(type(ability).__name__)}, not a zoo.Ability")
    check_task(ability.task)
    _check_precisions(verb, ability.precisions)
    check_ability_options(verb, ability.options)


def _check_precisions(verb: str, precisions: object) -> None:
    if not isinstance(precisions, tuple | list) or not precisions:
        raise TypeError(f"the precisions to {verb} are {precisions!r}, not a tuple of {', '.join(PRECISIONS)}")
    for precision in precisions:
        if precision not in PRECISIONS:
            raise TypeError(f"there is no precision {precision!r} to {verb} in; precisions are {', '.join(PRECISIONS)}")
