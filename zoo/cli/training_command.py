"""What `zoo finetune` and `zoo pretrain` have in common: two-phase parsing, launching, watching."""

from __future__ import annotations

import argparse
from typing import Any

from zoo.api import Run
from zoo.card import Card, Verb
from zoo.catalog import Catalog
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode, exit_code_by_name, exit_code_of_kind
from zoo.cli.job_request import checked_request, place_of, source_of, start_run
from zoo.cli.joint_args import add_sources, add_teacher, sources_of
from zoo.cli.model_args import add_model_options, add_task, model_word
from zoo.cli.option_flags import add_help_all, add_number, add_options, options_of
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_now, add_placement
from zoo.cli.recipe_args import add_recipe, check_options, located_errors
from zoo.cli.source_args import add_columns, add_reading_labels
from zoo.cli.watching import leave, show_result, watch
from zoo.dry_run import dry_run
from zoo.errors import ZooError
from zoo.hyperparameters import FinetuneOptions, PretrainOptions
from zoo.kinds import TEXT
from zoo.options import Options
from zoo.plurals import counted
from zoo.ranking import FROM_SCRATCH
from zoo.requests import PROCESSES, Job
from zoo.run_messages import plan_facts
from zoo.runs.events import RunPlanned
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import RunSnapshot
from zoo.tasks import BUILT_IN, get_task

_COMMON: dict[Verb, type[Options]] = {"finetune": FinetuneOptions, "pretrain": PretrainOptions}


def complete_parser(parser: Parser, words: list[str], verb: Verb) -> None:
    """Declare all flags; those of the model's options once the model is known."""
    parser.usage = f"{parser.prog} MODEL --data DATA [options]"
    add_help_all(parser)
    recipe = add_recipe(parser, words, verb)
    model: dict[str, Any] = {"nargs": "?", "default": recipe.model} if recipe else {}
    parser.add_argument("model", metavar="MODEL", help="a model or a finished run; zoo ls lists them", **model)
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
    add_now(parser)
    add_number(parser, PROCESSES)
    parser.add_argument("--detach", action="store_true", help="return at once; the run goes on")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    options_of_tasks = (get_task(name).options[verb] for name in BUILT_IN)
    name = model_word(parser, words, _COMMON[verb], *options_of_tasks) or (recipe.model if recipe else "")
    if name:
        with located_errors(recipe):
            parser.examples = _examples(verb, add_model_options(parser, [*parser.presets, *words], name, verb))
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


def run(args: argparse.Namespace, verb: Verb) -> ExitCode:
    """Check, launch, watch, print the result."""
    joint = bool(getattr(args, "source", []))
    first, *others = (
        sources_of(args) if joint else (source_of(args, args.data, eval_data=args.eval[-1] if args.eval else None),)
    )
    job = Job(
        verb=verb,
        model=args.model,
        task=args.task or ("" if others else first.task),
        source=first,
        others=tuple(others),
        place=place_of(args),
        options=options_of(args),
        name=args.name,
        dry_run=args.dry_run,
    )
    with located_errors(args.recipe_read):
        request = checked_request(job, args)
    if args.dry_run:
        card = (args.catalog or Catalog.load()).resolve(request.model)
        return _dry_run(request, card, as_json=args.json)
    new_run = start_run(request, args)
    diagnostics.note(f"run: {new_run.name}, in {new_run.folder.path}")
    if args.detach:
        return leave(new_run, as_json=args.json)
    return watch_to_result(new_run, as_json=args.json)


def watch_to_result(run: Run, *, as_json: bool) -> ExitCode:
    """Watch a run to its end; its figures go to stdout, what to do next to stderr."""
    code = watch(run, stop_on_interrupt=True)
    if as_json:
        output.emit_json({"run": run.name, "snapshot": run.snapshot})
    elif code == ExitCode.OK:
        show_result(run)
    return code


def _dry_run(request: RunRequest, card: Card, *, as_json: bool) -> ExitCode:
    """Let the worker build everything and say what it would do; nothing of it stays."""
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
        if as_json:
            output.emit_json({"request": request, "plan": snapshot.plan, "snapshot": snapshot})
        else:
            facts = _facts(request, card, snapshot, snapshot.plan) | {"would write to": str(trial.folder.path)}
            output.table([fact for fact in facts.items() if fact[1]], ("dry run", ""))
        return ExitCode.OK


def _facts(request: RunRequest, card: Card, snapshot: RunSnapshot, plan: RunPlanned) -> dict[str, str]:
    """What a dry run has found out; empty where that is nothing, as in a loop of its own."""
    facts = plan_facts(snapshot, plan)
    return {
        "model": request.model,
        "starts": FROM_SCRATCH if card.weights is None else "",
        "task": "" if request.sources else request.task,
        "training rows": f"{snapshot.train_rows:,}",
        "evaluation rows": f"{snapshot.eval_rows:,}",
        "rejected rows": f"{snapshot.rejected_rows:,}",
        **{name: fact for name, fact in facts.items() if name != "time"},
        "device": f"{request.device}, {request.precision}, {counted(request.processes, 'process')}",
        "time": facts["time"],
    }


def _no_plan(s: RunSnapshot) -> ExitCode:
    """Say why a dry run came to nothing; its log goes with it, so no hint may send anyone there."""
    expected = s.error_kind in exit_code_by_name()
    hint = s.hint if expected else "without --dry-run the run keeps a log that shows where"
    diagnostics.error(ZooError(f"dry run: {s.error or s.status}", hint))
    return exit_code_of_kind(s.error_kind)
