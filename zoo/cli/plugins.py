"""List the plugins and what is wrong with them."""

from __future__ import annotations

import argparse

from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.plugins import Plugin, load_plugins


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Print a table, or JSON; a broken plugin makes the exit code 5."""
    plugins, failures = load_plugins()
    if args.json:
        output.emit_json({"plugins": [_described(plugin) for plugin in plugins], "failures": failures})
    else:
        rows = [
            (p.name, p.distribution, p.version, str(len(p.cards)), " ".join(p.hooks), f"{p.import_ms:.0f}")
            for p in plugins
        ]
        rows += [(f.name, f.distribution, f.version, "-", f"failed: {f.error}", "-") for f in failures]
        output.table(rows, ("NAME", "DISTRIBUTION", "VERSION", "MODELS", "HOOKS", "IMPORT MS"))
        for failure in failures:
            diagnostics.warn(f"plugin {failure.name}: {failure.error}\nhint: {failure.hint}")
    return ExitCode.PLUGIN if failures else ExitCode.OK


def _described(plugin: Plugin) -> dict[str, object]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "models": [card.name for card in plugin.cards],
        "hooks": plugin.hooks,
        "import_ms": round(plugin.import_ms, 1),
    }
