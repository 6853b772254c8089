"""List the tasks: what goes in, which columns by role, what comes out; `zoo tasks TASK` shows one with a row of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.data.formats import EXTENSIONS
from zoo.data.formats.installed import InstalledFormat, load_formats
from zoo.options import schema
from zoo.plugins import load_plugins
from zoo.tasks import BUILT_IN, InstalledTask, get_task, load_tasks
from zoo.tasks.task import Task

HEADERS = ("TASK", "IN", "COLUMNS", "OUT", "METRIC", "FROM")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("task", metavar="TASK", nargs="?", help="show this one, with an example row and the formats")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Print a table and the formats of data, or one task; one that is broken or left out makes the exit code 5."""
    formats, broken_formats = load_formats()
    if args.task:
        return _show(get_task(args.task), formats, as_json=args.json)
    tasks, failures = load_tasks()
    left_out = [task for plugin in load_plugins()[0] for task in plugin.left_out] if len(tasks) > len(BUILT_IN) else []
    if args.json:
        described = [_described(one, formats) for one in tasks]
        broken = (*failures, *broken_formats)
        output.emit_json({"tasks": described, "formats": formats, "failures": broken, "left_out": left_out})
    else:
        rows = [_row(one) for one in tasks]
        rows += [(f.name, "-", f"failed: {f.error}", "-", "-", f.distribution) for f in failures]
        rows += [(t.name, "-", f"left out: {t.error}", "-", "-", t.distribution) for t in left_out]
        output.table(rows, HEADERS)
        output.line()
        output.line(f"data: folders of images, {', '.join((*EXTENSIONS, *map(str, formats)))}")
        for what, broken in (("task", (*failures, *left_out)), ("format", broken_formats)):
            for failure in broken:
                diagnostics.warn(f"{what} {failure.name}: {failure.error}", f"hint: {failure.hint}")
        diagnostics.note(
            "--column ROLE=NAME names a column that is called otherwise; zoo tasks TASK shows an example row"
        )
    return ExitCode.PLUGIN if failures or broken_formats or left_out else ExitCode.OK


def _show(task: Task, formats: Sequence[InstalledFormat], *, as_json: bool) -> ExitCode:
    if as_json:
        output.emit_json(_facts(task, formats))
        return ExitCode.OK
    output.line(f"{task.name}: {task.summary}")
    output.line()
    roles = [_role(task, role) for role in task.roles]
    for name, value in (
        ("in", task.input.name),
        ("columns", roles[0]),
        *(("", role) for role in roles[1:]),
        ("out", task.answer.__name__),
        ("judged by", _metric(task)),
        ("options", _options(task)),
        ("formats", ", ".join((*task.formats, *map(str, formats)))),
        ("a row", ", ".join(f"{column}={value!r}" for column, value in task.example.items())),
    ):
        if value:
            output.line(f"  {name:<10} {value}")
    return ExitCode.OK


def _row(one: InstalledTask) -> tuple[str, ...]:
    task = one.task
    return (task.name, task.input.name, _columns(task), task.answer.__name__, _metric(task), one.distribution)


def _columns(task: Task) -> str:
    """What the column of each role is usually called."""
    return ", ".join(f"{role}={task.usual_columns(role)[0]}" for role in task.roles)


def _role(task: Task, role: str) -> str:
    """All usual names of the column of a role."""
    name, *others = task.usual_columns(role)
    return f"{role}={name}" + (f" (or {', '.join(others)})" if others else "")


def _options(task: Task) -> str:
    """The flags that it brings to each verb; empty where there are none."""
    described = {verb: schema(options) for verb, options in task.options.items()}
    return "; ".join(f"{', '.join(o.flag for o in options)} ({verb})" for verb, options in described.items() if options)


def _metric(task: Task) -> str:
    return f"{task.primary_metric} ({'larger' if task.larger_is_better else 'smaller'} is better)"


def _described(one: InstalledTask, formats: Sequence[InstalledFormat]) -> dict[str, object]:
    return _facts(one.task, formats) | {"distribution": one.distribution}


def _facts(task: Task, formats: Sequence[InstalledFormat]) -> dict[str, object]:
    return {
        "name": task.name,
        "summary": task.summary,
        "input": task.input.name,
        "columns": {role: task.usual_columns(role) for role in task.roles},
        "answer": task.answer.__name__,
        "primary_metric": task.primary_metric,
        "larger_is_better": task.larger_is_better,
        "options": {verb: schema(options) for verb, options in task.options.items()},
        "formats": (*task.formats, *map(str, formats)),
        "example": task.example,
    }
