"""Options that a model's family declares and its task brings, too: both would be one flag.

With a task of zoo, or of the plugin's own distribution, that is a fault of the plugin. A task of another distribution
comes without the plugin's author knowing it (`zoo.body_tasks`): models are left without it, and keep all others.
"""

from __future__ import annotations

from functools import cache

import msgspec

from zoo.ability_options import ZOO_OPTION_NAMES, task_option_set, zoo_option_set
from zoo.card import Ability, Card
from zoo.discovery import Failure
from zoo.option_checks import check_options, clash_between
from zoo.options import Options
from zoo.tasks import BUILT_IN, failure_of_task, option_names


def without_clashes(card: Card, plugin: str, distribution: str) -> tuple[Card, tuple[Failure, ...]]:
    """A card without the abilities that cannot be offered.

    Args:
        card: keeps the contract otherwise.
        plugin: its name.
        distribution: that brings the plugin.

    Returns:
        The card, and why it is left without the tasks of other distributions.

    Raises:
        TypeError: a task of zoo, or of the plugin's distribution, brings an option of the family.
    """
    abilities, failures = [], []
    for ability in card.abilities:
        clash = _clash(card, ability)
        if not clash:
            abilities.append(ability)
            continue
        failure = failure_of_task(
            ability.task,
            f"models of plugin {plugin} do without it: {clash}",
            f"all else of {plugin} goes on; the author of the task must call its option otherwise",
        )
        if failure is None or failure.distribution == distribution:
            raise TypeError(f"{clash}, for {ability.task}")
        failures.append(failure)
    tasks = {ability.task for ability in abilities}
    recommended_for = tuple(task for task in card.recommended_for if task in tasks)
    kept = msgspec.structs.replace(card, abilities=tuple(abilities), recommended_for=recommended_for)
    return (kept if failures else card), tuple(failures)


def _clash(card: Card, ability: Ability) -> str:
    """Between the options of a task and those of the family, for the verb or for predicting with what it results in."""
    abilities = (ability,) if ability.verb == "predict" else (ability, card.ability_of_result(ability.task))
    return next(filter(None, map(_clash_of, abilities)), "")


@cache
def _are_apart(verb: str, task: str, options: type[Options]) -> bool:
    """Whether no option of a family has a name that one of zoo's own tasks may bring."""
    return not check_options(verb, options) & (option_names(task, verb) | ZOO_OPTION_NAMES)


def _clash_of(ability: Ability) -> str:
    verb = str(ability.verb)
    if ability.task in BUILT_IN and _are_apart(verb, ability.task, ability.options):
        return ""
    own, of_task, of_zoo = ability.options, task_option_set(ability), zoo_option_set(ability)
    clashes = (clash_between(verb, one, other) for one, other in ((own, of_task), (own, of_zoo), (of_task, of_zoo)))
    return next(filter(None, clashes), "")
