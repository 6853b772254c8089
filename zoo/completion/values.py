"""What may be the value of an argument: models, runs, devices and the like."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator

from zoo.completion.index import Index
from zoo.paths import RUN_NAME, cache_folder, runs_folder
from zoo.settings import SETTINGS

FILES = ("file", "folder")
"""Kinds of values that the shell completes by itself."""
HEARTBEAT_LOST_S = 60.0
"""A worker that has been silent for so long is no longer offered to be stopped."""
Candidate = tuple[str, str]
"""A value, and what is said of it."""


def values_of(kind: str, index: Index, begun: str = "") -> Iterator[Candidate]:
    """The values there are of a kind; none for files, and where any text will do.

    Args:
        kind: as the index calls it.
        index: for what does not change.
        begun: what is typed of the value already; of ten thousand runs only those are looked at that begin so.
    """
    if kind in index["names"]:
        yield from ((name, "") for name in index["names"][kind])
    elif kind in _SOURCES:
        yield from _SOURCES[kind](index, begun)


def _models(index: Index, begun: str) -> Iterator[Candidate]:
    """By their names, and where those are not enough, by their full ones."""
    yield from _results(index, begun)
    for name, model in index["models"].items():
        yield (name, model["summary"])
        yield (model["full_name"], model["summary"])


def _runs(_: Index, begun: str) -> Iterator[Candidate]:
    """All runs, newest first."""
    yield from ((name, "") for name, _ in _run_folders("run.json", begun))


def _live_runs(index: Index, begun: str) -> Iterator[Candidate]:
    """Those whose worker has given a sign of life; all runs where there are none such."""
    lately = time.time() - HEARTBEAT_LOST_S
    live = [name for name, changed_at in _run_folders("worker.json", begun) if changed_at > lately]
    yield from ((name, "") for name in live) if live else _runs(index, begun)


def _results(_: Index, begun: str) -> Iterator[Candidate]:
    """Runs that have left a model, newest first, and the heads of those that have several."""
    runs = str(runs_folder())
    for name, _changed_at in _run_folders(os.path.join("model", "zoo.json"), begun):  # noqa: PTH118  (of thousands)
        yield (name, "your own")
        with contextlib.suppress(OSError):  # most have no heads
            for head in sorted(os.listdir(os.path.join(runs, name, "model", "heads"))):  # noqa: PTH118, PTH208
                if RUN_NAME.fullmatch(head):
                    yield (f"{name}.{head}", "your own")


def _run_folders(file: str, begun: str) -> list[tuple[str, float]]:
    """Names of the runs that have a file, and when it has changed, newest first.

    Args:
        file: in the folder of a run.
        begun: how the name of the run, or of one of its heads, begins.
    """
    found, parent = [], str(runs_folder())
    try:
        names = os.listdir(parent)  # noqa: PTH208
    except OSError:
        return []  # no run was ever made
    for name in names:
        if not name.startswith(begun) and not begun.startswith(f"{name}."):
            continue
        if not RUN_NAME.fullmatch(name):  # zoo has not made it
            continue
        try:
            found.append((name, os.stat(os.path.join(parent, name, file)).st_mtime))  # noqa: PTH116, PTH118
        except OSError:
            continue
    return sorted(found, key=lambda one: -one[1])


def _devices(_: Index, _begun: str) -> Iterator[Candidate]:
    """What `--device` takes, with the devices that were measured here."""
    yield ("auto", "the fastest that fits")
    try:
        measured = json.loads((cache_folder() / "devices.json").read_bytes())["devices"]
        devices = [(str(one["name"]), str(one.get("description", ""))) for one in measured]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # never measured, or damaged
        devices = [("cpu", "")]
    for name, description in devices:
        yield (name.partition(":")[0], description)
        yield (name, description)


def _settings(index: Index, _begun: str) -> Iterator[Candidate]:
    """To be shown, and to be changed."""
    for setting in SETTINGS.values():
        kind = setting.name if setting.name in ("device", "theme") else ""
        choices = setting.choices or tuple(one for one, _ in values_of(kind, index))
        yield (setting.name, setting.help)
        yield from ((f"{setting.name}={choice}", "") for choice in choices)


_SOURCES: dict[str, Callable[[Index, str], Iterator[Candidate]]] = {
    "model": _models,
    "run": _runs,
    "live run": _live_runs,
    "result": _results,
    "device": _devices,
    "setting=": _settings,
}
