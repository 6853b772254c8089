"""What `zoo finetune` and `zoo pretrain` have in common: two-phase parsing, launching, watching."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from zoo.api import start_sequence
from zoo.api.dry_run import dry_run
from zoo.card import Card, Verb
from zoo.catalog import Catalog
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode, exit_code_by_name, exit_code_of_kind
from zoo.cli.job_request import checked_request
from zoo.cli.option_flags import add_help_all
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_detach, add_now, add_place
from zoo.cli.recipe_args import add_recipe, located_errors
from zoo.cli.then_args import add_then, with_followers
from zoo.cli.training_args import add_options_of_model, add_training, job_of, named_model
from zoo.cli.watching import leave_or_watch
from zoo.errors import ZooError
from zoo.file_cache import clear
from zoo.plan_messages import plan_facts
from zoo.ranking import FROM_SCRATCH
from zoo.runs.events import RunPlanned
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import RunSnapshot


def complete_parser(parser: Parser, words: list[str], verb: Verb) -> None:
    """Declare all flags; those of the model's options once the model is known."""
    parser.usage = f"{parser.prog} MODEL --data DATA [options]"
    add_help_all(parser)
    recipe = add_recipe(parser, words, verb)
    model = recipe.model if recipe else ""
    add_training(parser, words, verb, recipe=recipe, model=model)
    add_place(parser)
    parser.advanced.append(add_now(parser))
    add_then(parser)
    add_detach(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done; time and memory are measured")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    add_options_of_model(parser, words, verb, named_model(parser, words, verb) or model, recipe=recipe)


def run(args: argparse.Namespace, verb: Verb) -> ExitCode:
    """Check, launch, watch, print the result."""
    with located_errors(args.recipe_read):
        request = checked_request(job_of(args, verb), args)
    request, *followers = with_followers(request, args)
    if args.dry_run:
        return show_dry_run(request, args.catalog or Catalog.load(), followers, as_json=args.json)
    runs = start_sequence((request, *followers), now=args.now)
    clear()  # the command may watch for hours, so nothing is kept of what was read
    for place, one in enumerate(runs):
        diagnostics.note(f"{'then' if place else 'run'}: {one.name}, in {one.folder.path}")
    return leave_or_watch(*runs, args=args)


def show_dry_run(
    request: RunRequest, catalog: Catalog, followers: Sequence[RunRequest] = (), *, as_json: bool
) -> ExitCode:
    """Let the worker build everything and say what it would do; nothing of it stays."""
    from zoo.cli.plan import show_warnings
    from zoo.planning import bytes_to_fetch, plan_of, this_machine
    from zoo.planning.words import cost_facts

    fetch_bytes, machine = bytes_to_fetch(request, catalog), this_machine(request.device)
    with dry_run(request) as trial:
        for _ in trial.watch():
            diagnostics.status("building the model to see what would be done")
        snapshot = trial.snapshot
        if snapshot.status != "finished" or snapshot.plan is None:
            return _no_plan(snapshot)
        for warning in snapshot.warnings:
            diagnostics.warn(warning)
        for note in snapshot.notes:  # the last of which may say where more is said of the warnings
            diagnostics.note(note)
        costs = plan_of(request, trial.events(), machine, fetch_bytes=fetch_bytes)
        assert costs is not None
        if as_json:
            then = {"then": followers} if followers else {}
            output.emit_json({"request": request, "plan": snapshot.plan, "costs": costs, "snapshot": snapshot, **then})
        else:
            facts = _facts(request, catalog.resolve(request.model), snapshot, snapshot.plan)
            facts |= cost_facts(costs) | {"would write to": str(trial.folder.path)}
            output.table([fact for fact in facts.items() if fact[1]], ("dry run", ""))
            show_warnings(costs)
        for one in followers:
            diagnostics.note(f"then: {one.verb} as {one.name}, checked as far as it can be without the result")
        return ExitCode.OK


def _facts(request: RunRequest, card: Card, snapshot: RunSnapshot, plan: RunPlanned) -> dict[str, str]:
    """What a dry run has found out; empty where that is nothing, as in a loop of its own."""
    from zoo.planning.words import shared_by

    facts, sharded = plan_facts(snapshot, plan), ", sharded" if request.shard else ""
    return {
        "model": request.model,
        "starts": FROM_SCRATCH if card.weights is None else "",
        "task": "" if request.sources else request.task,
        "training rows": f"{snapshot.train_rows:,}",
        "evaluation rows": f"{snapshot.eval_rows:,}",
        "rejected rows": f"{snapshot.rejected_rows:,}",
        **{name: fact for name, fact in facts.items() if name != "time"},
        "device": f"{request.device}, {request.precision}, {shared_by(request.processes, request.nodes)}{sharded}",
        "time": facts["time"],
    }


def _no_plan(s: RunSnapshot) -> ExitCode:
    """Say why a dry run came to nothing; its log goes with it, so no hint may send anyone there."""
    expected = s.error_kind in exit_code_by_name()
    hint = s.hint if expected else "without --dry-run the run keeps a log that shows where"
    diagnostics.error(ZooError(f"dry run: {s.error or s.status}", hint))
    return exit_code_of_kind(s.error_kind)
