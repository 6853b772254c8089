"""Show and change what holds where no flag says otherwise: device, precision, folder, theme."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from zoo import settings
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.parser import Parser
from zoo.errors import OptionInvalid
from zoo.paths import home
from zoo.plugins import plugin_names
from zoo.settings import SETTINGS, Value, file, named
from zoo.suggestions import did_you_mean


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.examples = ("zoo config", "zoo config device=cuda precision=bf16", "zoo config --unset device")
    what = "; ".join(f"{one.name}: {one.help}" for one in SETTINGS.values())
    whole = f"show this setting, or let it be that. {what}"
    parser.add_argument("words", metavar="KEY[=VALUE]", nargs="*", help=whole.replace("%", "%%"))
    parser.add_argument("--unset", metavar="KEY", action="append", default=[], help="let zoo decide again")
    parser.add_argument(
        "--where", action="store_true", help="who says so: the environment, a line of the file, or nobody"
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Change what is to be changed, or show what is asked for, or all."""
    changes: dict[str, str | None] = {named(name).name: None for name in args.unset}
    shown = []
    for word in args.words:
        name, equals, text = word.partition("=")
        setting = named(name)
        if not equals:
            shown.append(setting.name)
            continue
        if reason := setting.fault(text):
            hint = did_you_mean(text, setting.choices, "zoo config --help")
            raise OptionInvalid(f"{setting.name} is {text!r}, but takes {reason}", hint)
        _check_theme(setting.name, text)
        if setting.is_folder:
            text = str(Path(text).expanduser().absolute())
        changes[setting.name] = text
    if changes and shown:
        raise OptionInvalid("settings are either shown or changed", f"zoo config {' '.join(shown)}")
    if changes:
        diagnostics.note(f"written: {file.change(changes)}")
        file.forget()
        shown = list(changes)
        _tell_plugins(shown)
    return _show(shown or list(SETTINGS), args, alone=bool(shown) and not changes)


def _check_theme(name: str, text: str) -> None:
    """Insist on a theme that the terminal UI knows."""
    if name != "theme":
        return
    from zoo.tui.themes import theme_names

    if text not in (names := theme_names()):
        raise OptionInvalid(f"there is no theme {text!r}", did_you_mean(text, names, f"there are {', '.join(names)}"))


def _tell_plugins(names: list[str]) -> None:
    """Say of settings that mean something to plugins which of these are not installed."""
    for plugin, name in settings.plugin_settings().items():
        if name in names and plugin not in plugin_names():
            diagnostics.note(f"{name} is for the plugin {plugin}, which is not installed: zoo install zoo-{plugin}")


def _show(names: list[str], args: argparse.Namespace, *, alone: bool) -> ExitCode:
    values = {name: settings.resolve(name) for name in names}
    for name, value in values.items():
        if value.origin.variable and value.others[0][1].path:
            diagnostics.note(f"{name}: {value.origin.variable} goes before the file, which says {value.others[0][0]}")
    if args.json:
        output.emit_json({"file": str(file.path()), "settings": [_described(*item) for item in values.items()]})
    elif args.where:
        rows = [(name, _text(name, value), str(value.origin)) for name, value in values.items()]
        output.table(rows, ("SETTING", "VALUE", "SAID BY"))
        diagnostics.note(f"file: {file.path()}{'' if file.path().exists() else ', which is not there'}")
    elif alone:
        for name, value in values.items():
            output.line(_text(name, value))
    else:
        rows = [(name, _text(name, value), SETTINGS[name].help) for name, value in values.items()]
        output.table(rows, ("SETTING", "VALUE", "WHAT"))
    return ExitCode.OK


def _text(name: str, value: Value) -> str:
    """What a setting is, as people read it."""
    return value.text or (str(home()) if SETTINGS[name].is_folder else "-")


def _described(name: str, value: Value) -> dict[str, Any]:
    origin = value.origin
    source = "environment" if origin.variable else "file" if origin.path else "default"
    return {
        "setting": name,
        "value": value.text or None,
        "from": source,
        "variable": SETTINGS[name].variable,
        "line": origin.line or None,
    }
