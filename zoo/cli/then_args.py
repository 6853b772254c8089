"""`--then "finetune --data reviews.csv"`: what is done next on the command line, on the result."""

from __future__ import annotations

import argparse
import os
import shlex
from typing import cast

from zoo.card import Verb
from zoo.catalog import Catalog
from zoo.cli.parser import Parser
from zoo.cli.placement_args import place_of, usual_place
from zoo.cli.training_args import add_options_of_model, add_training, job_of
from zoo.errors import OptionInvalid, ZooError
from zoo.job_sequences import JobSequence
from zoo.jobs import Job, Place
from zoo.runs.request import RunRequest
from zoo.suggestions import did_you_mean

_EXAMPLE = 'such as --then "finetune --data reviews.csv --name mood"'
_OF_THE_WHOLE = ("--detach", "--dry-run", "--json", "--now", "--recipe", "--then")
"""What is said once, of all that is done."""
_HELP = ("-h", "--help", "--help-all")


def add_then(parser: Parser) -> None:
    """`--then`."""
    parser.add_argument(
        "--then",
        action="append",
        default=[],
        metavar="COMMAND",
        help='do that next, on the result: "finetune --data DATA"',
    )


def with_followers(first: RunRequest, args: argparse.Namespace) -> list[RunRequest]:
    """What is done one after the other: what the flags say, else the recipe.

    Args:
        first: the first request.
        args: of the command.

    Raises:
        ZooError: something of it is wrong.
    """
    recipes = () if args.then or args.recipe_read is None else args.recipe_read.followers
    if not args.then and not recipes:
        return [first]
    jobs = JobSequence(first, args.catalog or Catalog.load())
    for text in args.then:
        add_command(text, jobs, place_of(args))
    for recipe in recipes:
        with recipe.located_errors():
            placed = recipe.beside(place_of(args))
            jobs.add(placed._replace(place=usual_place() | placed.place).job(), recipe.head)
    return jobs.requests


def add_command(text: str, jobs: JobSequence, place: Place) -> None:
    """Check one more command, and let it follow.

    Args:
        text: as typed.
        jobs: what is done before.
        place: where the first computes; so does this one, unless it says otherwise.

    Raises:
        ZooError: it cannot be read, or what it asks for cannot serve.
    """
    verb, words = command_words(text)
    try:
        jobs.add(_job(verb, words, jobs, place))
    except ZooError as error:
        error.message = f"then {verb}: {error.message}"
        raise


def _job(verb: Verb, words: list[str], jobs: JobSequence, place: Place) -> Job:
    """What a command asks for."""
    parser = Parser(prog=f"zoo {verb}", formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    add_training(parser, words, verb, model=jobs.model)
    placement = {
        name: getattr(place, name) for name in ("device", "precision", "processes", "nodes", "shard", "on", "requeue")
    }
    parser.set_defaults(recipe_read=None, **placement)
    model = words[0] if words and not words[0].startswith("-") else jobs.model
    add_options_of_model(parser, words, verb, model, catalog=jobs.catalog)
    return job_of(parser.parse_args(words), verb)


def command_words(text: str) -> tuple[Verb, list[str]]:
    """The verb and the words of a command.

    Raises:
        OptionInvalid: it is none, or says what is said of the whole.
    """
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    if os.name == "nt":
        lexer.escape = ""  # which is a part of paths there
    try:
        verb, *words = list(lexer) or [""]
    except ValueError as error:
        raise OptionInvalid(f"--then {text!r} cannot be read: {str(error).lower()}", _EXAMPLE) from None
    if verb not in ("pretrain", "finetune"):
        raise OptionInvalid(
            f"--then does {verb!r}, but takes finetune or pretrain, with what they take",
            did_you_mean(verb, ("finetune", "pretrain"), _EXAMPLE),
        )
    if not words:
        raise OptionInvalid(
            f"--then {verb} says nothing of the data", f"the whole command is one word in quotes, {_EXAMPLE}"
        )
    if flag := next((word for word in words if word.partition("=")[0] in _OF_THE_WHOLE), ""):
        raise OptionInvalid(f"{flag} is about all that is done", "say it outside of --then")
    if flag := next((word for word in words if word in _HELP), ""):
        raise OptionInvalid(f"--then {verb} {flag} does nothing", f"zoo {verb} {flag} shows what it takes")
    return cast("Verb", verb), words
