"""What a model brings to a verb, and which models fit where one does not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

from zoo.ability_options import option_set, parse_options
from zoo.card import Ability, Card, Verb
from zoo.catalog import Catalog, distinct_names
from zoo.data.example import UNKNOWN
from zoo.data.guessing import LikelyTask, fitting_separator, likeliest_task
from zoo.data.layout import parts_of
from zoo.data.table import Table
from zoo.errors import InputMismatch, Unsupported
from zoo.file_cache import once
from zoo.kinds.facts import ModelLimits
from zoo.kinds.kind import TARGET
from zoo.model_choice import choose_model
from zoo.options import Options, schema
from zoo.plugins import load_plugins
from zoo.ranking import is_recommended
from zoo.tasks import get_task

_MODELS_OFFERED = 4


_ABILITY_VERBS = {
    "evaluate": "predict",
    "shrink": "predict",
    "audit": "predict",
    "federate": "finetune",
    "inspect": "finetune",
    "curve": "finetune",
    "pick": "finetune",
}
"""Jobs that are called otherwise than what they need of a model."""


def ability_verb(verb: str) -> Verb:
    """The verb of the model that a job needs: an evaluation lets it predict, as does who makes it smaller or
    audits it; clients fine-tune it, and a look at labels, a curve and a pick need what a training begins from.
    """
    return cast("Verb", _ABILITY_VERBS.get(verb, verb))


def find_ability(model: str, verb: str, task: str = "", catalog: Catalog | None = None) -> tuple[Card, Ability]:
    """The card of that name and what it brings to the verb.

    Args:
        model: its name.
        verb: what it shall do.
        task: for which; needed only where the model knows several.
        catalog: all models, where they are loaded already.

    Raises:
        UnknownModel: there is none of that name, or it has several heads that may be meant.
        Unsupported: it does not support the verb, or not for that task.
    """
    card = choose_model(catalog or Catalog.load(), model, verb, task).card
    return card, _ability(card, verb, task)


def predict_options(
    card: Card, task: str, arguments: Mapping[str, Any], *, beside: Iterable[str] = ()
) -> tuple[Ability, Options]:
    """What a model brings to predicting, and the options of it that a person gave; see `parse_options`.

    Raises:
        Unsupported: it has learnt nothing yet, or does not answer the task.
        OptionInvalid: an option is none of its own, or out of bounds.
    """
    if card.weights is None or not card.tasks_of("predict"):
        raise Unsupported(f"{card.name} has learnt nothing to predict with yet", card.training_advice)
    ability = card.ability("predict", task)
    return ability, parse_options(card, ability, arguments, beside=beside)


class AbilityChoice(NamedTuple):
    """What a model brings to a verb, for the task that is asked for or that the data are plainly for."""

    ability: Ability
    reason: str = ""
    """Why this task, in one line; empty where there is no other."""


def likely_tasks(card: Card, verb: Verb, separator: str = "") -> tuple[str, ...]:
    """The tasks that data may be for where none is named, the usual one first; a result learns on as it was trained.

    There are none where no data can decide between them.

    Args:
        card: of the model.
        verb: what it shall do.
        separator: what stands between the labels of a row, where a person says so: there are several labels then.
    """
    names = card.tasks_of(verb)
    if card.columns and card.task in names:
        return (card.task,)
    tasks = [get_task(name) for name in names]
    if not all(task.target and task.input == tasks[0].input for task in tasks):
        return names[:1] if len(names) == 1 else ()
    return tuple(task.name for task in fitting_separator(tasks, separator))


def choose_ability(
    card: Card, verb: Verb, task: str, data: Any, columns: Mapping[str, str] = UNKNOWN, separator: str = ""
) -> AbilityChoice:
    """What a model brings to a verb; where it knows several tasks and none is named, the data decide.

    Args:
        card: of the model.
        verb: what it shall do.
        task: for which; empty to let the data decide.
        data: as a person gives it; what is no path of data decides nothing.
        columns: names of columns that a person gives, by role.
        separator: what stands between the labels of a row, as a person says.

    Raises:
        Unsupported: the model does not support the verb, not for this task, or data cannot decide between the tasks.
    """
    names = likely_tasks(card, verb, separator)
    if task or len(names) < 2:
        return AbilityChoice(_ability(card, verb, task or next(iter(names), "")))
    tasks = [get_task(name) for name in names]
    likely = LikelyTask(tasks[0])
    if isinstance(data, str | os.PathLike) and str(data) and Path(data).expanduser().exists():
        path, target = Path(data).expanduser(), columns.get(TARGET, "")
        likely = once(  # for the flags of a command, and then for its request
            ("likely task", card.full_name, names, str(path), target),
            lambda: likeliest_task(tasks, Table(parts_of(path).train), columns=columns, trained=card.columns),
        )
    return AbilityChoice(card.ability(verb, likely.task.name), likely.reason)


def _ability(card: Card, verb: str, task: str) -> Ability:
    """What a model brings to a verb.

    Raises:
        Unsupported: see `Card.ability`; a task that its plugin must do without is named as that.
    """
    try:
        return card.ability(verb, task)
    except Unsupported as unsupported:
        plugins = (plugin for plugin in load_plugins()[0] if plugin.name == card.plugin)
        left_out = next((one for plugin in plugins for one in plugin.left_out if one.name == task), None)
        if left_out is None:
            raise
        hint = f"zoo plugins says more; {unsupported.hint}"
        raise Unsupported(f"{unsupported.message}: {left_out.error}", hint) from None


@contextmanager
def offering_models(card: Card, verb: str, catalog: Catalog | None = None) -> Iterator[None]:
    """Read data for a model; where it is of another kind than the model takes, models that do take it are offered.

    Args:
        card: of the model.
        verb: what it shall do.
        catalog: all models, where they are loaded already.

    Raises:
        InputMismatch: naming model, data and a few models that fit.
    """
    try:
        yield
    except InputMismatch as mismatch:
        required_verb = ability_verb(verb)
        task = next(iter(card.tasks_of(required_verb)), card.task)
        message = f"{mismatch.content}, but {card.name} takes {get_task(task).input}s"
        hint = fitting_models(mismatch.kind, required_verb, catalog)
        raise InputMismatch(message, hint, content=mismatch.content, kind=mismatch.kind) from None


def fitting_models(kind: str, verb: Verb, catalog: Catalog | None = None) -> str:
    """A few models that have a verb for a kind of input, in words, recommended ones first."""
    fitting = (catalog or Catalog.load()).taking(kind, verb)
    if not fitting:
        return f"no model here takes {kind}s; zoo install adds a plugin"
    (best, task), *_ = fitting
    names = distinct_names([card for card, _ in fitting])[:_MODELS_OFFERED]
    if is_recommended(best, task):
        names[0] += " (recommended)"
    return f"models that take {kind}s: {', '.join(names)} (zoo ls --task {task})"


class InputLimits(NamedTuple):
    """How much of an input a model sees, as far as that is known here."""

    limits: ModelLimits
    note: str = ""
    """Why lengths are in words, where they could be in tokens."""


def input_limits(card: Card, verb: str, max_tokens: str = "") -> InputLimits:
    """How much of an input a model sees.

    Args:
        card: of the model.
        verb: what it shall do.
        max_tokens: its option `max_tokens` as typed; empty or auto where that is left open.
    """
    if card.input is None:
        return InputLimits(ModelLimits())
    limits = card.input.limits()
    if limits.sampling_rate:
        limits = limits._replace(letters=_letters(card))
    if limits.max_tokens is None:
        return InputLimits(limits)
    tokenizer, note = _tokenizer(card)
    return InputLimits(
        limits._replace(max_tokens=_max_tokens(card, limits, verb, max_tokens), tokenizer=tokenizer), note
    )


def _max_tokens(card: Card, limits: ModelLimits, verb: str, max_tokens: str) -> int | None:
    """Tokens at which a verb cuts texts; None where that is not known beforehand."""
    tasks = card.tasks_of(verb)
    if not tasks:
        return None
    options = schema(option_set(card.ability(verb, tasks[0])))
    default = next((one.default for one in options if one.name == "max_tokens"), None)
    limit = int(max_tokens) if max_tokens.isdecimal() else default
    if isinstance(limit, int):
        return limit
    # A result answers with the limit that its training chose, which its card does not state.
    return limits.max_tokens if verb in ("finetune", "pretrain") else None


def _letters(card: Card) -> frozenset[str]:
    """Those that the model can write, where its weights are on this machine and say so."""
    if card.weights is None:
        return frozenset()
    from zoo.fetch import locate
    from zoo.kinds.published_letters import published_letters

    folder = locate(card.weights)
    return published_letters(folder) if folder else frozenset()


def _tokenizer(card: Card) -> tuple[Path | None, str]:
    """The model's tokenizer if it is on this machine, and else why not."""
    if card.weights is None:
        return None, f"{card.name} comes without weights or tokenizer: lengths are in words"
    from zoo.fetch import locate

    folder = locate(card.weights)
    if folder is None:
        absent = f"the tokenizer of {card.name} is not on this machine: lengths are in words"
        return None, f"{absent} (zoo pull {card.name} fetches it)"
    path: Path = folder / "tokenizer.json"
    if not path.is_file():
        return None, f"the weights of {card.name} hold no tokenizer.json: lengths are in words"
    return path, ""
