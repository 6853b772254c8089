"""List the tasks: what goes in, which columns, what comes out; `zoo tasks NAME` shows one with an example row."""

from __future__ import annotations

import argparse

from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.tasks import InstalledTask, get_task, load_tasks
from zoo.tasks.task import Task

HEADERS = ("TASK", "IN", "COLUMNS", "OUT", "METRIC", "FROM")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("task", metavar="TASK", nargs="?", help="show this one, with an example row and the formats")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Print a table, or one task; a broken task makes the exit code 5."""
    if args.task:
        return _show(get_task(args.task), as_json=args.json)
    tasks, failures = load_tasks()
    if args.json:
        output.emit_json({"tasks": [_described(one) for one in tasks], "failures": failures})
    else:
        rows = [_row(one) for one in tasks]
        rows += [(f.name, "-", f"failed: {f.error}", "-", "-", f.distribution) for f in failures]
        output.table(rows, HEADERS)
        for failure in failures:
            diagnostics.warn(f"task {failure.name}: {failure.error}", f"hint: {failure.hint}")
    return ExitCode.PLUGIN if failures else ExitCode.OK


def _show(task: Task, *, as_json: bool) -> ExitCode:
    if as_json:
        output.emit_json(_facts(task))
        return ExitCode.OK
    output.line(f"{task.name}: {task.summary}")
    output.line()
    for name, value in (
        ("in", task.input.name),
        ("columns", _columns(task)),
        ("out", task.answer.__name__),
        ("judged by", _metric(task)),
        ("formats", ", ".join(task.formats)),
        ("a row", ", ".join(f"{column}={value!r}" for column, value in task.example.items())),
    ):
        output.line(f"  {name:<10} {value}")
    return ExitCode.OK


def _row(one: InstalledTask) -> tuple[str, ...]:
    task = one.task
    return (task.name, task.input.name, _columns(task), task.answer.__name__, _metric(task), one.distribution)


def _columns(task: Task) -> str:
    """The column that each role is usually called."""
    return " + ".join(task.example)


def _metric(task: Task) -> str:
    return f"{task.primary_metric} ({'larger' if task.larger_is_better else 'smaller'} is better)"


def _described(one: InstalledTask) -> dict[str, object]:
    return _facts(one.task) | {"distribution": one.distribution}


def _facts(task: Task) -> dict[str, object]:
    return {
        "name": task.name,
        "summary": task.summary,
        "input": task.input.name,
        "columns": {role: task.usual_columns(role) for role in task.roles},
        "answer": task.answer.__name__,
        "primary_metric": task.primary_metric,
        "larger_is_better": task.larger_is_better,
        "formats": task.formats,
        "example": task.example,
    }
