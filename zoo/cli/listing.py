"""The table of runs that `zoo runs` and `zoo ps` print."""

from __future__ import annotations

import argparse
import time

from zoo.api import Run, list_runs
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.errors import StoreInvalid
from zoo.progress import duration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")


def show(args: argparse.Namespace, *, only_live: bool) -> ExitCode:
    """Print the runs, newest first."""
    described = []
    for run in list_runs():
        try:
            entry = _described(run)
        except StoreInvalid as error:
            diagnostics.warn(error.message)
            continue
        if not only_live or entry["status"] in ("starting", "running"):
            described.append(entry)
    if args.json:
        output.emit_json(described)
    elif described:
        output.table([_row(entry) for entry in described], ("RUN", "VERB", "MODEL", "STATUS", "STEP", "METRIC", "AGE"))
    else:
        diagnostics.note("no run is going on (zoo runs lists all)" if only_live else "no runs yet")
    return ExitCode.OK


def _described(run: Run) -> dict[str, object]:
    request, snapshot = run.folder.request, run.snapshot
    return {
        "run": run.name,
        "verb": request.verb,
        "model": request.model,
        "status": snapshot.status,
        "step": snapshot.step or snapshot.rows_predicted,
        "steps": snapshot.steps or snapshot.total_rows or 0,
        "metrics": snapshot.latest_metrics,
        "rejected_rows": snapshot.rejected_rows,
        "device": request.device,
        "created_at": request.created_at,
        "error": snapshot.error,
        "folder": str(run.folder.path),
    }


def _row(entry: dict[str, object]) -> tuple[str, ...]:
    metrics = entry["metrics"]
    assert isinstance(metrics, dict)
    name = next((name for name in ("accuracy", "loss", "rows") if name in metrics), None)
    created_at = entry["created_at"]
    assert isinstance(created_at, float)
    return (
        str(entry["run"]),
        str(entry["verb"]),
        str(entry["model"]),
        str(entry["status"]) + (f", {entry['rejected_rows']} rows rejected" if entry["rejected_rows"] else ""),
        f"{entry['step']}/{entry['steps']}" if entry["steps"] else "",
        f"{name} {metrics[name]:.4g}" if name else "",
        duration(time.time() - created_at),
    )
