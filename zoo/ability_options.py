"""The options of an ability as one set: the engine's and the family's, which its card declares, and the task's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, cast, get_type_hints

import msgspec

from zoo.card import Ability, Card
from zoo.errors import OptionInvalid
from zoo.options import Options, parse
from zoo.tasks import get_task

FORMERLY_OF_ANY_TASK = frozenset({"class_weights", "top_k"})
"""Options that runs of version 0.1 have written down whatever their task was; they had no effect on others."""


ZOO_OPTION_NAMES = frozenset({"abstain"})
"""Of the options that zoo brings, whatever the task and the plugin; see `zoo_option_set`."""


def task_option_set(ability: Ability) -> type[Options]:
    """The options that the task brings to the verb; none where whoever reads those of the card does not read them."""
    if not ability.options.with_task_options:
        return Options
    return get_task(ability.task).options.get(str(ability.verb), Options)


def option_set(ability: Ability) -> type[Options]:
    """Everything that can be chosen for an ability, as one set.

    Flags, forms, keyword arguments, `zoo show` and the hooks of plugins all see this one.
    """
    return _composed(_composed(ability.options, task_option_set(ability)), zoo_option_set(ability))


def zoo_option_set(ability: Ability) -> type[Options]:
    """The options of what zoo itself does with answers."""
    if str(ability.verb) != "predict" or not get_task(ability.task).calibratable:
        return Options
    from zoo.tasks.options import AbstainOptions

    return AbstainOptions


@cache
def _composed(own: type[Options], of_task: type[Options]) -> type[Options]:
    """A set that extends one by another; each keeps the rules between its own options."""
    fields = msgspec.structs.fields(of_task)
    if not fields:
        return own

    def check(self: Options) -> None:
        own.check(self)
        of_task(**{field.name: getattr(self, field.name) for field in fields}).check()

    hints = get_type_hints(of_task, include_extras=True)
    composed = msgspec.defstruct(
        f"{own.__name__}+{of_task.__name__}",
        [(field.name, hints[field.name], field.default) for field in fields],
        bases=(own,),
        namespace={"check": check},
        module=own.__module__,
        frozen=True,
        kw_only=True,
    )
    return cast("type[Options]", composed)


def with_all_options(card: Card) -> Card:
    """The card with the tasks' options among those of its abilities, to be shown."""
    abilities = (msgspec.structs.replace(ability, options=option_set(ability)) for ability in card.abilities)
    return msgspec.structs.replace(card, abilities=tuple(abilities))


def parse_options(card: Card, ability: Ability, arguments: Mapping[str, Any], *, beside: Iterable[str] = ()) -> Options:
    """Build the options of an ability from what a person gave; see `zoo.options.parse`.

    Raises:
        OptionInvalid: as there; for an option that belongs to another task of the model, naming that.
    """
    for name in arguments:
        if hint := other_tasks_hint(card, ability, name):
            raise OptionInvalid(f"there is no option {name!r}", hint)
    return parse(option_set(ability), arguments, beside=beside)


def other_tasks_hint(card: Card, ability: Ability, name: str) -> str:
    """For which other tasks the same verb of a model has an option.

    Args:
        card: of the model.
        ability: what was chosen.
        name: of the option, or its flag.

    Returns:
        A hint; empty where there is no such task, or the ability has the option itself.
    """
    name = name.removeprefix("--").replace("-", "_")
    abilities = [one for one in card.abilities if one.verb == ability.verb]
    tasks = [one.task for one in abilities if name in option_set(one).__struct_fields__]
    if not tasks or ability.task in tasks:
        return ""
    return f"{', '.join(tasks)} has it, {ability.task} has not; --task chooses the task"


def parse_recorded(ability: Ability, recorded: Mapping[str, Any]) -> Options:
    """The options of a run as it has written them down, also in version 0.1."""
    options = option_set(ability)
    arguments = {
        name: value
        for name, value in recorded.items()
        if name in options.__struct_fields__ or name not in FORMERLY_OF_ANY_TASK
    }
    return parse(options, arguments)
