"""Say what a training would take before it is begun."""

from __future__ import annotations

import argparse

from zoo.api.planning import plan_request
from zoo.card import Verb
from zoo.catalog import Catalog
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.job_request import checked_request
from zoo.cli.option_flags import add_help_all
from zoo.cli.parser import Parser
from zoo.cli.placement_args import add_place
from zoo.cli.recipe_args import add_recipe, located_errors
from zoo.cli.training_args import add_options_of_model, add_training, job_of, named_model
from zoo.planning import Plan, bytes_to_fetch, read_duration
from zoo.planning.words import cost_facts, fetch_fact, shared_by
from zoo.plurals import counted
from zoo.run_messages import status_line
from zoo.runs.snapshot import RunSnapshot
from zoo.sanitize import one_line
from zoo.units import count

PRETRAIN = "--pretrain"


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags, those of the named model included."""
    verb: Verb = "pretrain" if PRETRAIN in words else "finetune"
    parser.usage = f"{parser.prog} MODEL --data DATA [options]"
    parser.description = "\n".join(
        (
            str(parser.description),
            "",
            "All options of zoo finetune apply. A worker takes a few steps with them, evaluates and writes a result, "
            "so that memory, time and disk are measured; nothing is kept but weights that had to be fetched. With --on "
            "that is a job of the place, which waits for its turn and measures on as many nodes as the training has.",
        )
    )
    add_help_all(parser)
    parser.add_argument(PRETRAIN, action="store_true", help="plan what zoo pretrain does (default: zoo finetune)")
    parser.add_argument(
        "--within", metavar="TIME", default="", help="how long it may take, such as 10min; said if that is too short"
    )
    recipe = add_recipe(parser, words, verb)
    model = recipe.model if recipe else ""
    add_training(parser, words, verb, recipe=recipe, model=model)
    add_place(parser)
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    parser.set_defaults(dry_run=True)
    add_options_of_model(parser, words, verb, named_model(parser, words, verb) or model, recipe=recipe)
    data = next((words[i + 1] for i, word in enumerate(words[:-1]) if word == "--data"), "messages.csv")
    parser.examples = (
        f"zoo plan all-minilm-l6-v2 --data {data}",
        f"zoo plan all-minilm-l6-v2 --data {data} --method lora --within 10min",
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Measure it in a worker, and print what it takes."""
    within_s = read_duration(args.within) if args.within else None
    verb: Verb = "pretrain" if args.pretrain else "finetune"
    with located_errors(args.recipe_read):
        request = checked_request(job_of(args, verb), args)
    catalog = args.catalog or Catalog.load()
    if (missing := bytes_to_fetch(request, catalog)) != 0:
        diagnostics.note(f"fetching weights first: {fetch_fact(missing)}; they stay there")

    def show(snapshot: RunSnapshot) -> None:
        diagnostics.status(f"measuring: {status_line(snapshot)}")

    plan = plan_request(request, catalog, within_s=within_s, on_change=show)
    if args.json:
        output.emit_json(plan)
        return ExitCode.OK
    for remark in plan.remarks:
        diagnostics.note(one_line(remark))
    output.table(list(_facts(plan).items()), ("plan", ""))
    show_warnings(plan)
    diagnostics.note(f"begin it: {one_line(plan.command)}")
    return ExitCode.OK


def show_warnings(plan: Plan) -> None:
    """What will not do, each with commands that help, on lines of their own."""
    for warning in plan.warnings:
        diagnostics.warn(one_line(warning.what))
        for remedy in warning.remedies:
            diagnostics.note(f"  {one_line(remedy.command)}  ({one_line(remedy.what)})")


def _facts(plan: Plan) -> dict[str, str]:
    """All of a plan."""
    rows = f"{plan.train_rows:,} to train on, {plan.eval_rows:,} held out"
    rejected = f", {plan.rejected_rows:,} set aside" if plan.rejected_rows else ""
    trained = f"{count(plan.trainable_parameters)} trained of {count(plan.parameters)}" if plan.parameters else ""
    facts = {
        "model": f"{plan.model}, {plan.task}",
        "rows": rows + rejected,
        "steps": f"{plan.steps:,} of {counted(plan.batch_size, 'row')}, {counted(plan.epochs, 'epoch')}",
        "parameters": trained,
        "device": f"{plan.device}, {plan.precision}, {shared_by(plan.processes, plan.nodes)}",
        **cost_facts(plan),
    }
    if plan.time is None:
        facts["time"] = "not known: this plugin trains by a loop of its own, which is not measured"
    return {name: one_line(fact) for name, fact in facts.items() if fact}
