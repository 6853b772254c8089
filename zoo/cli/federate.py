"""Train a model on the data of several clients that keep it."""

from __future__ import annotations

import argparse
from typing import Protocol

from zoo.api import start
from zoo.catalog import Catalog
from zoo.cli import diagnostics, federate_join, federate_serve
from zoo.cli.exit_codes import ExitCode
from zoo.cli.job_request import source_of
from zoo.cli.model_args import add_model_options, add_task, model_word, values_of
from zoo.cli.option_flags import add_help_all, add_options, options_of, unlist
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_detach, add_now, add_place, add_placement, place_of
from zoo.cli.source_args import add_columns, add_reading_labels
from zoo.cli.training_command import show_dry_run
from zoo.cli.watching import leave_or_watch
from zoo.data.clients import clients_in
from zoo.federated_jobs import OF_ONE_TRAINING, Clients, federated_request
from zoo.file_cache import clear
from zoo.hyperparameters import FederationOptions, FinetuneOptions
from zoo.job_paths import existing
from zoo.jobs import Job
from zoo.tasks import BUILT_IN, get_task


class Side(Protocol):
    """What the module of a side offers."""

    def complete_parser(self, parser: Parser, words: list[str]) -> None:
        """Declare the flags."""

    def run(self, args: argparse.Namespace) -> ExitCode:
        """Do it."""
        ...


SIDES: dict[str, Side] = {"serve": federate_serve, "join": federate_join}
"""Of a federation over the network."""
_TALK = {"-q", "--quiet", "-v", "--verbose"}
"""What may stand before the side."""


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags, those of the named model included; of clients elsewhere the first word says which side."""
    side = next((word for word in words if word not in _TALK), "")
    if side in SIDES:
        at = words.index(side)
        SIDES[side].complete_parser(parser, [*words[:at], *words[at + 1 :]])
        return
    parser.usage = (
        f"{parser.prog} MODEL --clients FOLDER [options]\n"
        f"       {parser.prog} serve MODEL --clients NAMES [options]   the same with clients elsewhere: their server\n"
        f"       {parser.prog} join ADDRESS --data DATA [options]      and each client"
    )
    parser.examples = (
        "zoo federate all-minilm-l6-v2 --clients hospitals/ --name ours",
        "zoo federate all-minilm-l6-v2 --data visits.csv --by hospital --baseline",
        "zoo federate all-minilm-l6-v2 --data notes.csv --by author --share 0.2 --private eps=8",
        "zoo federate serve all-minilm-l6-v2 --clients alice,bob,carol --labels no,yes --rounds 5",
    )
    add_help_all(parser)
    parser.add_argument("model", metavar="MODEL", help="a model or a finished run; zoo ls lists them")
    parser.add_argument(
        "--clients", default="", metavar="FOLDER", help="with the data of one client in each of its folders or files"
    )
    parser.add_argument("--data", default=None, metavar="DATA", help="in the place of --clients: the rows of all")
    parser.add_argument("--by", default="", metavar="COLUMN", help="of --data: tells the rows of clients apart")
    add_columns(parser, label=True)
    add_reading_labels(parser)
    parser.add_argument("--name", default="", help="name of the run and of the model that comes of it")
    add_task(parser)
    add_placement(parser)
    add_place(parser)
    parser.advanced.append(add_now(parser))
    add_detach(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    add_options(parser, FederationOptions, title="how clients learn together")
    if model := model_word(parser, words, FinetuneOptions, *(get_task(name).options["finetune"] for name in BUILT_IN)):
        add_model_options(parser, [*_data_of_first(words), *words], model, "finetune")
    else:
        add_options(parser, FinetuneOptions, title="options every model understands (name one to see all of its own)")
    unlist(parser, "unit", *OF_ONE_TRAINING)


def _data_of_first(words: list[str]) -> list[str]:
    """The data of the first client, as the flag that they would be were it the only one; they say what is learnt."""
    folders = values_of("--clients", words)
    if not folders or "--help" in words:
        return []
    return [f"--data={clients_in(existing(folders[-1]))[0].path}"]


def run(args: argparse.Namespace) -> ExitCode:
    """Do it in a worker and watch."""
    if side := SIDES.get(getattr(args, "side", "")):
        return side.run(args)
    job = Job(
        verb="finetune",
        model=args.model,
        task=args.task,
        source=source_of(args, args.data),
        place=place_of(args),
        options=options_of(args),
        name=args.name,
        dry_run=args.dry_run,
    )
    request = federated_request(job, Clients(data=args.clients, by=args.by), args.catalog)
    diagnostics.note(f"device: {request.device}, {request.precision} ({request.device_reason})")
    if args.dry_run:
        return show_dry_run(request, args.catalog or Catalog.load(), as_json=args.json)
    new_run = start(request, now=args.now)
    clear()  # the command may watch for hours, so nothing is kept of what was read
    diagnostics.note(f"run: {new_run.name}, in {new_run.folder.path}")
    return leave_or_watch(new_run, args=args)
