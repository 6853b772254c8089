"""Plugins: a list with what is wrong with them; `zoo plugins enable|disable|new|guide NAME`, `zoo plugins restore`."""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.parser import Parser
from zoo.cli.plugin_verbs import VERBS
from zoo.errors import OptionInvalid
from zoo.plugins import Plugin, disabled_plugins, load_plugins
from zoo.tasks import EXAMPLE


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.examples = ("zoo plugins", "zoo plugins disable NAME", f"zoo plugins new NAME --task {EXAMPLE}")
    parser.add_argument(
        "verb",
        nargs="?",
        choices=tuple(VERBS),
        help="enable, disable: load a plugin or leave it out; restore: install what an upgrade of zoo lost; "
        "new: write a plugin of your own to begin with; guide: print how plugins are written",
    )
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help="plugins to enable or disable, the name of the new one, or pages"
    )
    parser.add_argument("-y", "--yes", action="store_true", help="restore without asking")
    parser.add_argument("--task", help=f"what the new plugin's model does, such as {EXAMPLE}")
    parser.add_argument(
        "--into", metavar="FOLDER", type=Path, help="where the folder of the new plugin goes; default: here"
    )
    parser.add_argument(
        "--plain", action="store_true", help="the new plugin has no torch and a training loop of its own"
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Do what the verb says; without one, print a table, or JSON, where a broken plugin makes the exit code 5."""
    if args.verb and args.json:
        raise OptionInvalid("--json is for the list of plugins", f"zoo plugins {args.verb} without --json")
    if args.verb != "new" and (args.task or args.into or args.plain):
        raise OptionInvalid("--task, --into and --plain are for a new plugin", "zoo plugins new NAME --task TASK")
    if args.verb:
        return VERBS[args.verb](args)
    plugins, failures = load_plugins()
    disabled = disabled_plugins()
    left_out = [task for plugin in plugins for task in plugin.left_out]
    if args.json:
        listed = [_described(plugin) for plugin in plugins]
        output.emit_json({"plugins": listed, "failures": failures, "left_out": left_out, "disabled": disabled})
    else:
        rows = [
            (p.name, p.distribution, p.version, str(len(p.cards)), " ".join(p.hooks), f"{p.import_ms:.0f}")
            for p in plugins
        ]
        rows += [(f.name, f.distribution, f.version, "-", f"failed: {f.error}", "-") for f in failures]
        rows += [(t.name, t.distribution, t.version, "-", f"left out: {t.error}", "-") for t in left_out]
        rows += [(d.name, d.distribution, d.version, "-", "disabled", "-") for d in disabled]
        output.table(rows, ("NAME", "DISTRIBUTION", "VERSION", "MODELS", "HOOKS", "IMPORT MS"))
        for failure in failures:
            diagnostics.warn(f"plugin {failure.name}: {failure.error}", f"hint: {failure.hint}")
        for task in left_out:
            diagnostics.warn(f"task {task.name}: {task.error}", f"hint: {task.hint}")
    return ExitCode.PLUGIN if failures or left_out else ExitCode.OK


def _described(plugin: Plugin) -> dict[str, object]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "models": [card.name for card in plugin.cards],
        "hooks": plugin.hooks,
        "import_ms": round(plugin.import_ms, 1),
    }
