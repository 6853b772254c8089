"""The table of runs that `zoo runs` and `zoo ps` print."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

from zoo.api import Run
from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.errors import StoreInvalid
from zoo.paths import runs_folder
from zoo.plurals import counted
from zoo.run_messages import main_figure, place_in_queue
from zoo.runs import going_on, placement, store
from zoo.runs.index import surplus_predictions
from zoo.runs.launcher import start_lost
from zoo.runs.log import is_going_on
from zoo.runs.request import RunVerb
from zoo.runs.snapshot import LIVE, Status
from zoo.runs.store import RunFolder, size_bytes
from zoo.units import duration, size

VERBS: tuple[str, ...] = get_args(RunVerb)
STATUSES: tuple[str, ...] = get_args(Status)
HEADERS = ("RUN", "VERB", "MODEL", "STATUS", "STEP", "METRIC", "SIZE", "AGE")
Entry = dict[str, Any]
"""A run as JSON shows it."""


def selected(verb: str = "", status: str = "", last: int | None = None) -> list[Entry]:
    """The runs of a verb and a status, newest first and no more than asked for; unreadable ones are warned of."""
    entries: list[Entry] = []
    with _places_asked():
        start_lost()
        runs = (Run(RunFolder(runs_folder() / name)) for name in store.all_names())  # of many, few may be asked for
        for entry in _entries(runs, verb):
            if last is not None and len(entries) == last:
                break
            if not status or entry["status"] == status:
                entries.append(entry)
    return entries


def live() -> list[Entry]:
    """The runs whose worker is at it, and those that wait for one of them."""
    start_lost()
    entries = []
    with _places_asked():
        for folder in going_on.noted():
            for entry in _entries([Run(folder)]):
                if entry["status"] in LIVE or _is_coming(entry):
                    entries.append(entry)
                elif entry["status"] != "waiting":
                    going_on.remove_ended(folder)
    return entries


@contextlib.contextmanager
def _places_asked() -> Iterator[None]:
    """Nobody waits for a place within: those of runs that may go on are asked before, for some seconds at most."""
    for name, why in placement.ask_places(going_on.noted()).items():
        diagnostics.warn(f"place {name}: {why}; runs there are shown as they were known last")
    with placement.without_waiting():
        yield


def _is_coming(entry: Entry) -> bool:
    return bool(entry["status"] == "waiting" and is_going_on(RunFolder(Path(entry["folder"]))))


def without_surplus(entries: list[Entry]) -> list[Entry]:
    """The runs that a list shows unasked."""
    surplus = surplus_predictions((entry["run"], entry["verb"], entry["status"]) for entry in entries)
    return [entry for entry in entries if entry["run"] not in surplus]


def show(entries: list[Entry], *, as_json: bool, empty: str) -> ExitCode:
    """Print runs as a table, or as JSON; `empty` is said where there are none."""
    for entry in entries:
        entry["size_bytes"] = size_bytes(entry["folder"])
    if as_json:
        output.emit_json(entries)
    elif entries:
        output.table([_row(entry) for entry in entries], HEADERS)
    else:
        diagnostics.note(empty)
    return ExitCode.OK


def _entries(runs: Iterable[Run], verb: str = "") -> Iterator[Entry]:
    for run in runs:
        try:
            if not verb or run.folder.request.verb == verb:
                yield _described(run)
        except StoreInvalid as error:
            diagnostics.warn(error.message)


def _described(run: Run) -> Entry:
    request, snapshot = run.folder.request, run.snapshot
    return {
        "run": run.name,
        "verb": request.verb,
        "model": request.subject,
        "status": snapshot.status,
        "place": snapshot.place,
        "behind": snapshot.behind,
        "step": snapshot.step or snapshot.rows_predicted,
        "steps": snapshot.steps or snapshot.total_rows or 0,
        "metrics": snapshot.latest_metrics,
        "rejected_rows": snapshot.rejected_rows,
        "epsilon": snapshot.epsilon,
        "epsilon_budget": snapshot.plan.privacy.epsilon if snapshot.plan and snapshot.plan.privacy else None,
        "device": request.device,
        "on": request.place,
        "created_at": request.created_at,
        "error": snapshot.error,
        "sources": [source.name for source in request.sources],
        "after": snapshot.after,
        "folder": str(run.folder.path),
    }


def _row(entry: Entry) -> tuple[str, ...]:
    return (
        entry["run"],
        entry["verb"],
        entry["model"],
        _status(entry),
        f"{entry['step']}/{entry['steps']}" if entry["steps"] else "",
        main_figure(entry["metrics"], entry["sources"]),
        size(entry["size_bytes"]),
        duration(time.time() - entry["created_at"]),
    )


def _status(entry: Entry) -> str:
    if entry["place"] is not None:
        return f"queued: {place_in_queue(entry['place'], entry['device'], entry['behind'])}"
    if entry["status"] == "waiting":
        return f"waiting for {entry['after']}"
    parts = [str(entry["status"])]
    if entry["on"] and entry["status"] in LIVE:
        parts[0] += f" at {entry['on']}"
    if entry["rejected_rows"]:
        parts.append(f"{counted(entry['rejected_rows'], 'row')} rejected")
    if entry["epsilon"] is not None:
        parts.append(f"eps {entry['epsilon']:.2f}/{entry['epsilon_budget']:g}")
    return ", ".join(parts)
