"""What can be done with plugins beside listing them."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import plugin_list
from zoo.cli import diagnostics, output
from zoo.cli.confirmation import confirmed
from zoo.cli.exit_codes import ExitCode, exit_code
from zoo.errors import OptionInvalid, UnknownPlugin, ZooError
from zoo.plugins import disabled_plugins, plugin_names
from zoo.plurals import counted
from zoo.suggestions import did_you_mean

if TYPE_CHECKING:
    from zoo.installation.operation import Installation, Plan

_OTHERWISE = "nothing was installed"


def install_agreed(installation: Installation, requirement: str, *, build: bool, yes: bool) -> Plan | None:
    """What installing would change, shown and agreed to; None where the person says no."""
    from zoo.installation.requirement import is_source
    from zoo.uv_or_pip import without_password

    if not yes and (build or is_source(requirement)):
        diagnostics.warn(
            f"{without_password(requirement)}: seeing what it needs takes building it, which runs its author's code"
        )
        if not confirmed("build?", deed="building", otherwise=_OTHERWISE):
            return None
    diagnostics.status(f"asking for {without_password(requirement)}")
    plan = installation.plan(requirement, build=build)
    diagnostics.status("")
    if plan.changes and not yes:
        _show(plan)
        if not confirmed("install?", deed="installing", otherwise=_OTHERWISE):
            return None
    return plan


def install_with_progress(installation: Installation, plan: Plan) -> None:
    """Install with progress, and report the plugins."""
    plugins = installation.install(plan)
    diagnostics.status("")
    for one in plugins:
        plugin_list.enable(one.name)
        output.line(f"installed plugin {one.name} ({one.distribution}), {counted(len(one.models), 'model')}")


def _show(plan: Plan) -> None:
    lines = [f"  {change}" for change in plan.changes]
    diagnostics.warn("a plugin is code that its author lets run here with all your rights", *lines)


def _enable(args: argparse.Namespace) -> ExitCode:
    for name in _plugin_names(args):
        done = plugin_list.enable(name)
        output.line(f"enabled {name}" if done else f"{name} is enabled already")
    return ExitCode.OK


def _disable(args: argparse.Namespace) -> ExitCode:
    for name in _plugin_names(args):
        done = plugin_list.disable(name)
        output.line(f"disabled {name}; its models are hidden" if done else f"{name} is disabled already")
    return ExitCode.OK


def _plugin_names(args: argparse.Namespace) -> tuple[str, ...]:
    """The plugins that were named, all of them known."""
    if not args.names:
        raise OptionInvalid(f"which plugin is to be {args.verb}d?", f"zoo plugins {args.verb} NAME")
    names = {*plugin_names(), *(one.name for one in disabled_plugins()), *plugin_list.read().disabled}
    for name in args.names:
        if name not in names:
            hint = did_you_mean(name, names, f"installed: {', '.join(sorted(names)) or 'none'}")
            raise UnknownPlugin(f"there is no plugin {name!r}", hint)
    return tuple(dict.fromkeys(args.names))


def _restore(args: argparse.Namespace) -> ExitCode:
    """Install again what zoo installed and is not there; one that fails does not keep the others away."""
    from zoo.installation.operation import Installation
    from zoo.uv_or_pip import without_password

    if args.names:
        raise OptionInvalid("restore takes no names", "zoo plugins restore")
    installation = Installation()
    lost = installation.lost()
    if not lost:
        output.line("nothing is missing")
    code = ExitCode.OK
    for requirement, build in dict.fromkeys((one.requirement, one.build) for one in lost):
        try:
            plan = install_agreed(installation, requirement, build=build, yes=args.yes)
            if plan is not None:
                install_with_progress(installation, plan)
        except OptionInvalid:
            raise
        except ZooError as error:
            diagnostics.warn(f"{without_password(requirement)} is not restored: {error}")
            code = exit_code(error)
    return code


def _new(args: argparse.Namespace) -> ExitCode:
    """Write a plugin to begin with, and print what comes next."""
    from zoo.scaffold import PLAIN_TASK, write_plugin
    from zoo.tasks import task_names

    task = args.task or (PLAIN_TASK if args.plain else "")
    if len(args.names) != 1 or not task:
        lack = "the task of its model" if args.names else "the name of the new plugin"
        raise OptionInvalid(
            f"say {lack}", f"zoo plugins new NAME --task TASK; tasks: {', '.join(task_names())}; or --plain"
        )
    folder = write_plugin(args.names[0], task, args.into or Path(), plain=args.plain)
    model = f"{folder.name.removeprefix('zoo-')}-tiny"
    output.line(f"wrote {folder}; it works as it is:")
    output.line("")
    for command in (f"cd {shlex.quote(str(folder))}", "pip install -e '.[test]'", f"zoo show {model}", "pytest"):
        output.line(f"  {command}")
    return ExitCode.OK


def _guide(args: argparse.Namespace) -> ExitCode:
    """Print pages of the guide; without a name, which there are."""
    from zoo import guide

    for name in args.names:
        for text in guide.page(name).splitlines():
            output.line(text)
    if not args.names:
        output.table([(name, guide.title(name)) for name in guide.PAGES], ("PAGE", "TITLE"))
        diagnostics.note("zoo plugins guide PAGE prints one")
    return ExitCode.OK


VERBS: dict[str, Callable[[argparse.Namespace], ExitCode]] = {
    "enable": _enable,
    "disable": _disable,
    "restore": _restore,
    "new": _new,
    "guide": _guide,
}
"""Verb to what it does."""
