"""Try a fine-tuning with many settings."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from zoo import settings
from zoo.api.planning import plan_request
from zoo.catalog import Catalog
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.job_request import start_run
from zoo.cli.option_flags import add_help_all, add_options, options_of
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_detach, add_now, add_place, add_placement
from zoo.cli.watching import leave_or_watch
from zoo.planning import Plan
from zoo.planning.words import cost_facts
from zoo.plurals import counted
from zoo.recipes import Recipe, read_recipe
from zoo.run_messages import status_line
from zoo.runs.candidate import setting_text, settings_in_words
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import RunSnapshot
from zoo.sweep_options import SweepOptions
from zoo.sweeps import sweep_request
from zoo.sweeps.rounds import lengths_of, measured_trial, trainings_of
from zoo.sweeps.values import EXAMPLES, vary_of
from zoo.units import duration

SHOWN = 5
"""Trials that are shown before a sweep begins."""


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags."""
    add_help_all(parser)
    parser.examples = (
        "zoo sweep recipe.toml",
        "zoo sweep recipe.toml --vary lr=1e-5,3e-5,1e-4 --vary batch-size=16,32",
        "zoo sweep recipe.toml --vary lr=1e-5..1e-3 --strategy halving --trials 16 --name mood",
    )
    parser.description = "\n".join(
        (
            str(parser.description),
            "",
            "Trials are trained one after the other. The rows that the training evaluates on choose, by paired "
            "tests; of those that are tied the cheapest is taken. The result is a model like any other.",
        )
    )
    parser.add_argument(
        "recipe",
        metavar="RECIPE",
        help="a TOML file, such as the recipe.toml of a run; its table [sweep] may say the rest",
    )
    parser.add_argument(
        "--vary",
        metavar="OPTION=VALUES",
        action="append",
        default=[],
        help=f"what varies, beside what the recipe says; {EXAMPLES}; may be given several times",
    )
    add_options(parser, SweepOptions, title="how trials are chosen")
    parser.add_argument("--name", default="", help="name of the run, and of the model that comes of the best")
    add_placement(parser)
    parser.set_defaults(device="", precision="")
    add_place(parser)
    parser.advanced.append(add_now(parser))
    add_detach(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="say which trials there would be, and how long they take"
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Do it in a worker and watch."""
    recipe, catalog = read_recipe(args.recipe), Catalog.load()
    request = sweep_request(
        recipe,
        vary_of(args.vary),
        options_of(args),
        name=args.name,
        place=_place(args, recipe),
        catalog=catalog,
    )
    trials = request.students
    diagnostics.note(f"device: {request.device}, {request.precision} ({request.device_reason})")
    diagnostics.note(f"{request.sweeping['strategy']}: {counted(len(trials), 'trial')} of {request.model}")
    if args.dry_run:
        return _show_dry_run(request, catalog, as_json=args.json)
    for trial in trials[:SHOWN]:
        diagnostics.note(f"  {trial.name}: {settings_in_words(trial.settings)}")
    if len(trials) > SHOWN:
        diagnostics.note(f"  and {len(trials) - SHOWN} more: --dry-run lists all")
    new_run = start_run(request, args)
    if not args.detach:
        diagnostics.note(f"run: {new_run.name}")
    return leave_or_watch(new_run, args=args)


def _place(args: argparse.Namespace, recipe: Recipe) -> dict[str, Any]:
    """Where trials compute: as is typed, as the recipe says, as the settings say."""
    typed = {"device": args.device, "precision": args.precision}
    place = {
        name: value or ("" if name in recipe.place else str(settings.value(name))) for name, value in typed.items()
    }
    return {**place, "on": args.on, "requeue": args.requeue or None}


def _show_dry_run(request: RunRequest, catalog: Catalog, *, as_json: bool) -> ExitCode:
    """Measure one trial, and say how long all take."""
    measured = measured_trial(request)

    def show(snapshot: RunSnapshot) -> None:
        diagnostics.status(f"measuring {measured.name}: {status_line(snapshot)}")

    plan = plan_request(msgspec.structs.replace(measured.training, dry_run=True), catalog, on_change=show)
    shares = [float(share) for share in trainings_of(request, plan.train_rows)]
    lengths = lengths_of(request, plan.steps, plan.epochs)
    seconds = _seconds(plan, shares, lengths)
    if as_json:
        trials = {one.name: one.settings for one in request.students}
        planned = {"measured": measured.name, "trainings": shares, "plan": plan, "seconds": seconds}
        output.emit_json({"request": request, "trials": trials, **planned})
        return ExitCode.OK
    names = tuple(dict.fromkeys(name for one in request.students for name in one.settings))
    rows = [
        (one.name.removeprefix("trial-"), *(setting_text(one.settings.get(name)) for name in names))
        for one in request.students
    ]
    output.table(rows, ("trial", *(name.replace("_", "-") for name in names)))
    costs = cost_facts(plan)
    facts: dict[str, str] = {
        "trainings": f"{len(shares)}, as long as {sum(shares):g} on all rows",
        "rows": f"{plan.train_rows:,} to learn from, {plan.eval_rows:,} to choose by",
        measured.name: costs.get("time", "not known: this plugin trains by a loop of its own, which is not measured"),
        "all trials": "" if seconds is None else f"about {duration(seconds)}, {_as_measured(lengths, measured.name)}",
        **{name: costs[name] for name in ("memory", "device memory", "disk") if name in costs},
    }
    output.table([fact for fact in facts.items() if fact[1]], ("dry run", ""))
    return ExitCode.OK


def _as_measured(lengths: list[float], name: str) -> str:
    """What all trials are taken to have in common with the one that was measured."""
    return f"were each as long as {name}" if len(set(lengths)) == 1 else f"were their steps as fast as those of {name}"


def _seconds(plan: Plan, shares: list[float], lengths: list[float]) -> float | None:
    """Of all trainings: what building and writing takes is the same for each, its steps are as many as its rows.

    Args:
        plan: of the trial that was measured.
        shares: of the rows, of each training; of rounds, of which nobody knows who goes on, more than there are trials.
        lengths: of each trial on all rows, in that of the measured one.
    """
    if plan.time is None:
        return None
    fixed = plan.time.start_s + plan.time.end_s
    of_each = lengths if len(shares) == len(lengths) else [sum(lengths) / len(lengths)] * len(shares)
    training = max(0.0, plan.time.total_s - fixed)
    return sum(fixed + share * length * training for share, length in zip(shares, of_each, strict=True))
