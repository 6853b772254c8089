"""The flags of a training, and the job that they ask for."""

from __future__ import annotations

import argparse
from typing import Any

from zoo.card import Card, Verb
from zoo.catalog import Catalog
from zoo.cli.job_request import source_of
from zoo.cli.joint_args import add_sources, add_teacher, sources_of
from zoo.cli.model_args import add_model_options, add_task, model_word
from zoo.cli.option_flags import add_number, add_options, add_unlisted, options_of
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_placement, place_of
from zoo.cli.recipe_args import check_options, located_errors
from zoo.cli.source_args import add_columns, add_reading_labels
from zoo.hyperparameters import FinetuneOptions, MixingOptions, PretrainOptions
from zoo.jobs import NODES, PROCESSES, SHARD, Job
from zoo.kinds import TEXT
from zoo.options import Options
from zoo.recipes import Recipe
from zoo.tasks import BUILT_IN, get_task

_COMMON: dict[Verb, type[Options]] = {"finetune": FinetuneOptions, "pretrain": PretrainOptions}


def add_training(
    parser: Parser, words: list[str], verb: Verb, *, recipe: Recipe | None = None, model: str = ""
) -> None:
    """What a training is; the flags of the model's options are known once the model is.

    Args:
        parser: of the command.
        words: as typed.
        verb: the command.
        recipe: to be followed.
        model: where none is named.
    """
    default: dict[str, Any] = {"nargs": "?", "default": model} if model else {}
    parser.add_argument("model", metavar="MODEL", help="a model or a finished run; zoo ls lists them", **default)
    joint = verb == "finetune" and any(word.partition("=")[0] == "--source" for word in words)
    parser.add_argument(
        "--data",
        metavar="DATA",
        required=not joint and recipe is None,
        help="CSV, TSV, JSON, Parquet or text, or a folder of images",
    )
    parser.add_argument(
        "--eval",
        metavar="DATA",
        action="append",
        default=[],
        help="what to evaluate on (default: a share of --data)",
    )
    add_columns(parser, label=verb == "finetune")
    if verb == "finetune":
        add_reading_labels(parser)
        add_sources(parser)
        add_teacher(parser)
    parser.add_argument("--name", default="", help="name of the run and of the model that comes of it")
    add_task(parser)
    add_placement(parser)
    add_number(parser, PROCESSES)
    add_number(parser, NODES)
    shard = parser.add_argument(SHARD.flag, action=argparse.BooleanOptionalAction, default=False, help=SHARD.help)
    parser.advanced.append(shard)


def named_model(parser: Parser, words: list[str], verb: Verb) -> str:
    """The model that is named among the words; empty where none is.

    Args:
        parser: of the command; `add_training` was called on it.
        words: as typed.
        verb: the command.

    Raises:
        OptionInvalid: an option that only the model could know stands before it.
    """
    return model_word(parser, words, _COMMON[verb], *(get_task(name).options[verb] for name in BUILT_IN))


def add_options_of_model(
    parser: Parser,
    words: list[str],
    verb: Verb,
    model: str,
    *,
    recipe: Recipe | None = None,
    catalog: Catalog | None = None,
) -> None:
    """The flags of a model's options, and examples.

    Args:
        parser: of the command; `add_training` was called on it.
        words: as typed.
        verb: the command.
        model: its name; empty for what every model has.
        recipe: to be followed.
        catalog: all models, where they are loaded already.
    """
    if model:
        with located_errors(recipe):
            card = add_model_options(parser, [*parser.presets, *words], model, verb, catalog)
        add_unlisted(parser, MixingOptions)
        parser.examples = _examples(verb, card)
        if recipe:
            check_options(parser, recipe)
    else:
        parser.examples = _examples(verb)
        add_options(parser, _COMMON[verb], title="options every model understands (name one to see all of its own)")


def _examples(verb: Verb, card: Card | None = None) -> tuple[str, ...]:
    """Commands to begin with, for a model or for any."""
    model = card.name if card else "all-minilm-l6-v2"
    data = (get_task(card.task).input if card else TEXT).example_data
    begin = f"zoo {verb} {model} --data {data}"
    return (f"{begin} --name mine", f"{begin} --epochs 3 --detach")


def job_of(args: argparse.Namespace, verb: Verb) -> Job:
    """What the flags ask for."""
    joint = bool(getattr(args, "source", []))
    first, *others = (
        sources_of(args) if joint else (source_of(args, args.data, eval_data=args.eval[-1] if args.eval else None),)
    )
    return Job(
        verb=verb,
        model=args.model,
        task=args.task or ("" if others else first.task),
        source=first,
        others=tuple(others),
        place=place_of(args),
        options=options_of(args),
        name=args.name,
        dry_run=getattr(args, "dry_run", False),
    )
