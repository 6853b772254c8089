"""From a recipe, and what of it varies, to the request of a run that tries the one training with many settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import msgspec

from zoo.ability_options import option_set
from zoo.catalog import Catalog
from zoo.data import Dataset, load, split
from zoo.enough_rows import MOST_DIVIDED, check_trials
from zoo.errors import OptionInvalid, Unsupported, ZooError
from zoo.file_cache import read_once
from zoo.jobs import Job, in_plain_types
from zoo.metrics.choice import check_metric
from zoo.options import Option, Options, names_by_alias, parse, schema, to_dict
from zoo.places.table import check_queue
from zoo.recipes import Recipe
from zoo.requests import check_job, check_name, request_of
from zoo.runs.candidate import settings_in_words
from zoo.runs.request import RunRequest, StudentRequest
from zoo.suggestions import did_you_mean
from zoo.sweep_options import SweepOptions
from zoo.sweeps.recipe_words import in_words_of_recipe
from zoo.sweeps.trials import Settings, settings_of_trials, strategy_of
from zoo.sweeps.values import Values, read_values, said_twice
from zoo.tasks import get_task

SWEEP, VARY = "sweep", "vary"
"""Tables of a recipe."""
_NOT_VARIED = {
    "eval_share": "all trials are judged by the same rows",
    "max_rejected": "all trials learn from the same rows",
    "folds": "a trial is judged by the rows held out",
    "private": "each trial would tell of the rows anew",
    "unit": "each trial would tell of the rows anew",
}
"""Options that are the same for all trials, and why."""


@read_once()
def sweep_request(
    recipe: Recipe,
    vary: Mapping[str, Any],
    sweeping: Mapping[str, Any],
    *,
    name: str = "",
    place: Mapping[str, Any] = {},
    catalog: Catalog | None = None,
) -> RunRequest:
    """Check a training, and all that it is tried with, and make the request of the run that tries it.

    Args:
        recipe: of the training; its table `sweep` says what varies, and how.
        vary: what varies, beside and in the place of that: options by name, as `read_values` takes them.
        sweeping: how trials are chosen, in the place of what the recipe says: of `SweepOptions`.
        name: of the run.
        place: device, precision, `on` and `requeue`, in the place of those of the recipe.
        catalog: all models, where they are loaded already.

    Raises:
        ZooError: the training cannot be done, or not with one of the settings; nothing varies.
    """
    catalog = catalog or Catalog.load()
    options = _options(recipe, sweeping)
    job, base, known = training_of(recipe, name=name, place=place, catalog=catalog)
    values = _values(recipe, vary, known)
    if options.metric:
        with _of_sweep(recipe, "metric") if recipe.sweep.get("metric") == options.metric else nullcontext():
            check_metric(options.metric, get_task(base.task).figures, base.task)
    with _of_sweep(recipe, "strategy"):
        strategy = strategy_of(options, values)
        if strategy == "halving" and ("max_steps" in values or base.options.get("max_steps")):
            raise OptionInvalid(
                "max_steps says how long a training is, and so does halving", "leave it out, or say epochs"
            )
        trials = settings_of_trials(options, values)
    job = msgspec.structs.replace(
        job,
        options=_by_own_names(job.options, known),
        place=job.place if base.place else msgspec.structs.replace(job.place, device=base.device),  # as the first
    )
    settled = msgspec.structs.replace(options, strategy=strategy)
    return msgspec.structs.replace(
        base,
        verb="sweep",
        **_worker_place(base),
        sweeping=dict(to_dict(settled)),
        vary={name: one.said() for name, one in values.items()},
        students=tuple(_trial(job, number, one, catalog) for number, one in enumerate(trials, start=1)),
    )


def training_of(
    recipe: Recipe, *, name: str = "", place: Mapping[str, Any] = {}, catalog: Catalog | None = None
) -> tuple[Job, RunRequest, type[Options]]:
    """The training that is tried, as it stands in a recipe, its request, and what of it can be set.

    Args:
        recipe: of the training.
        name: of the run.
        place: in the place of that of the recipe.
        catalog: all models, where they are loaded already.

    Raises:
        ZooError: it cannot be done, or no sweep can try it; with the line.
    """
    catalog = catalog or Catalog.load()
    _check_form(recipe)
    said = {key: value for key, value in place.items() if value not in ("", None)}
    with _of_recipe(recipe, tuple(said)):
        job = recipe.job(name=name)
        placed = msgspec.structs.replace(job.place, **said).of_one_node
        job = in_plain_types(msgspec.structs.replace(job, place=placed))
    check_name(job.name, catalog.cards)
    with _of_recipe(recipe, tuple(said)):
        checked = check_job(job, catalog)
        base = checked.request
        _check_training(base)
        if base.place:
            instead = "run the sweep on one of its machines, or let a scheduler such as Slurm deal the trials"
            check_queue(base.place, "trials", instead)
    if checked.dataset is not None:
        _check_rows(recipe, base, checked.dataset)
    return job, base, option_set(catalog.resolve(base.model).ability("finetune", base.task))


def variable_options(known: type[Options]) -> tuple[str, ...]:
    """Names of those that may vary."""
    return _variable(one.name for one in schema(known))


def option_values(known: type[Options], name: str, said: Any) -> tuple[str, Values]:
    """One option that varies, by its own name, and what it may be.

    Args:
        known: the options of the training.
        name: as a person calls it.
        said: as `read_values` takes it.

    Raises:
        OptionInvalid: there is no such option, it has to be the same for all, or a value is none of it.
    """
    option = _option(name, {one.name: one for one in schema(known)}, names_by_alias(known))
    return option.name, read_values(option, said)


def _worker_place(base: RunRequest) -> dict[str, Any]:
    """Where the worker of the sweep is: where trials are, or here, to wait for them, where they have a place."""
    if not base.place:
        return {}
    reason = f"trials compute on {base.device} at place {base.place}"
    return {"place": "", "requeue": False, "device": "cpu", "device_reason": reason}


def _check_form(recipe: Recipe) -> None:
    """Insist on what trials can be made of."""
    for unfit, key, what in (
        (recipe.verb != "finetune", "verb", f"to {recipe.verb}"),
        (len(recipe.sources) > 1, "sources", "of several sources"),
        (any(source.teacher for source in recipe.sources), "source", "with a teacher"),
        (recipe.then is not None, "then", "with something to be done next"),
        (recipe.place.get("processes", 1) != 1, "processes", "in several processes"),
        (recipe.place.get("nodes", 1) > 1, "nodes", "on several machines"),
    ):
        if unfit:
            raise Unsupported(
                f"{recipe.lines.place(key)}: the recipe is {what}, and a sweep tries a fine-tuning from one source",
                "take that out of a copy of the recipe",
            )


def _check_training(base: RunRequest) -> None:
    """Insist on a training that can be judged as often as one likes."""
    if not get_task(base.task).judged:
        raise Unsupported(f"no data can tell how well a model does {base.task}", "zoo tasks lists what can be judged")
    if base.is_private:
        raise Unsupported(
            "--private counts what one training tells of the rows, and a sweep has many, the best of which tells more",
            "choose the settings on rows that need no protection",
        )
    if base.options.get("folds"):
        raise Unsupported("--folds judges one training by all rows, and a sweep has many", "leave it out")
    if base.head or base.kept:
        raise Unsupported(
            f"{base.model} has several heads, and a sweep makes a model that has one",
            "begin from a model, or from a result with one head",
        )


def _check_rows(recipe: Recipe, base: RunRequest, dataset: Dataset) -> None:
    """Insist on rows that can tell trials apart, divided as the run divides them; with the line that says which.

    Raises:
        DatasetInvalid: there are too few.
    """
    data, task = base.data, get_task(base.task).divided_at(base.data.separator).named_by(base.data.classes)
    share = base.options["eval_share"]
    if data.eval_path:
        rows = len(load(data.eval_path, task, columns=data.columns, min_classes=1).examples)
    elif share and len(dataset.examples) > MOST_DIVIDED:
        return
    else:
        rows = len(split(dataset, share, base.options["seed"], target=task.target)[1])
    try:
        check_trials(rows)
    except ZooError as error:
        name = recipe.sources[0].name
        of_source = ("sources", name, "eval") if name else ("source", "eval")
        key = ("options", "eval_share") if "eval_share" in recipe.options and not data.eval_path else of_source
        error.message = f"{recipe.lines.place(*key)}: {error.message}"
        raise


def _options(recipe: Recipe, sweeping: Mapping[str, Any]) -> SweepOptions:
    """How trials are chosen, as the recipe says it, and what was said beside it."""
    said = {name.replace("-", "_"): value for name, value in recipe.sweep.items() if name != VARY}
    for name, value in said.items():
        with _of_sweep(recipe, name):
            parse(SweepOptions, {name: value}, beside=(VARY,))
    given = {name.replace("-", "_"): value for name, value in sweeping.items() if value is not None}
    for name, value in given.items():
        parse(SweepOptions, {name: value})
    with nullcontext() if given.get("trials") else _of_sweep(recipe, "trials"):
        return parse(SweepOptions, said | given)


def _values(recipe: Recipe, vary: Mapping[str, Any], known: type[Options]) -> dict[str, Values]:
    """What each option that varies may be, by its own name.

    Raises:
        OptionInvalid: there is no such option, it has to be the same for all, or a value is none of it; or nothing
            varies.
    """
    if not isinstance(vary, Mapping) or not all(isinstance(name, str) for name in vary):
        raise OptionInvalid(
            f"--vary is {vary!r}, but takes a table of options and their values", 'such as vary={"lr": [1e-5, 3e-5]}'
        )
    of_recipe = recipe.sweep.get(VARY, {})
    if not isinstance(of_recipe, dict):
        raise OptionInvalid(f"{recipe.lines.place(SWEEP, VARY)}: {VARY} is to be a table", f"[{SWEEP}.{VARY}]")
    values: dict[str, Values] = {}
    for said, place in ((of_recipe, True), (vary, False)):
        names: dict[str, str] = {}
        for name, one in said.items():
            with _of_sweep(recipe, VARY, name) if place else nullcontext():
                own, of_option = option_values(known, name, one)
                if own in names:
                    raise said_twice(name, names[own])
                names[own], values[own] = name, of_option
    if not values:
        raise OptionInvalid(
            f"{recipe.path} says nothing of what varies",
            f"write [{SWEEP}.{VARY}] and below it lr = [1e-5, 3e-5]; or --vary lr=1e-5,3e-5",
        )
    return values


def _variable(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in _NOT_VARIED)


def _option(name: str, described: Mapping[str, Option], aliases: Mapping[str, str]) -> Option:
    own = name.replace("-", "_")
    own = aliases.get(own, own)
    if own in _NOT_VARIED:
        raise OptionInvalid(f"{own} cannot vary: {_NOT_VARIED[own]}", "give it one value, in [options] of the recipe")
    if own == "model":
        raise OptionInvalid("the model cannot vary", "zoo pick picks one of several")
    if own not in described:
        hint = did_you_mean(name, (*described, *aliases), f"what can vary: {', '.join(_variable(described))}")
        raise OptionInvalid(f"there is no option {name!r} to vary", hint)
    return described[own]


def _by_own_names(options: Mapping[str, Any], known: type[Options]) -> dict[str, Any]:
    """Options of a recipe without what other tools call them."""
    aliases = names_by_alias(known)
    names = {name: name.replace("-", "_") for name in options}
    return {aliases.get(own, own): options[name] for name, own in names.items()}


def _trial(job: Job, number: int, settings: Settings, catalog: Catalog) -> StudentRequest:
    """One trial, checked as any other training."""
    name = f"trial-{number}"
    try:
        training = request_of(msgspec.structs.replace(job, options=job.options | settings, name=""), catalog)
    except ZooError as error:
        error.message = f"{name} ({settings_in_words(settings)}): {error.message}"
        raise
    return StudentRequest(name=name, training=training, settings=settings)


@contextmanager
def _of_recipe(recipe: Recipe, elsewhere: Collection[str]) -> Iterator[None]:
    """Let errors about the training have their line, but for what is said elsewhere, and advice its words."""
    try:
        with recipe.located_errors(elsewhere):
            yield
    except ZooError as error:
        error.hint = in_words_of_recipe(error.hint)
        raise


@contextmanager
def _of_sweep(recipe: Recipe, *key: str) -> Iterator[None]:
    """Let errors about what the table says have their line, where it says it."""
    try:
        yield
    except ZooError as error:
        table: Any = recipe.sweep
        for one in key[:-1]:
            table = table.get(one, {})
        if key[-1] in table:
            error.message = f"{recipe.lines.place(SWEEP, *key)}: {error.message}"
        raise
