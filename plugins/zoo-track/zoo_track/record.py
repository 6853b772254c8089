"""Which run of a tracker a run of zoo goes to, kept in its folder so that a resumed one goes on with the same."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

FILE = "tracker.json"


class Record(NamedTuple):
    """What has reached a tracker."""

    tracker: str
    run: str = ""
    """As the tracker names it; empty before it has one."""
    written: dict[str, int] = {}
    """The newest step of each kind of figures."""


def read(folder: Path) -> Record | None:
    """The record of a run; None where it has none that can be read."""
    try:
        return Record(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write(folder: Path, record: Record) -> None:
    """Keep a record, whole or not at all."""
    partial = folder / f".{FILE}"
    partial.write_text(json.dumps(record._asdict()), encoding="utf-8")
    partial.replace(folder / FILE)


def tracker_of(folder: Path) -> str:
    """The tracker that a run goes to: that of its first attempt, else that of the setting; empty for none."""
    record = read(folder)
    name = record.tracker if record is not None else os.environ.get("ZOO_TRACKER", "")  # zoo sets it for its workers
    return "" if name == "none" else name
