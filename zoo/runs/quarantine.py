"""Rows that cannot be used: set aside by file, row and reason, and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from zoo import atomic
from zoo.data import Dataset
from zoo.data.example import RejectedRow
from zoo.errors import DatasetInvalid
from zoo.runs.events import ExampleRejected

if TYPE_CHECKING:
    from zoo.runs.worker import Worker


def set_aside(worker: Worker, datasets: Sequence[Dataset]) -> tuple[RejectedRow, ...]:
    """Write the rows that cannot be used to `quarantine.jsonl`, and tell of them in one event."""
    rejected = tuple(row for dataset in datasets for row in dataset.rejected)
    if not rejected:
        return ()
    if worker.rank == 0:
        lines = b"\n".join(msgspec.json.encode(row) for row in rejected)
        atomic.write_bytes(worker.folder.quarantine_path, lines + b"\n")
    first = rejected[0]
    worker.emit(ExampleRejected(file=first.file, row=first.row, reason=first.reason, total=len(rejected)))
    return rejected


def check_share(worker: Worker, datasets: Sequence[Dataset], limit: float) -> None:
    """Refuse data of which too much cannot be used.

    Raises:
        DatasetInvalid: the share of rejected rows exceeds the limit.
    """
    rejected = [row for dataset in datasets for row in dataset.rejected]
    total = len(rejected) + sum(len(dataset.examples) for dataset in datasets)
    if len(rejected) > limit * total:
        first = rejected[0]
        raise DatasetInvalid(
            f"{len(rejected)} of {total} rows cannot be used, first {first.file} row {first.row}: {first.reason}",
            f"mend them ({worker.folder.quarantine_path} names each), or allow more with --max-rejected",
        )


def check_digest(path: str, found: str, expected: str) -> None:
    """Insist on the bytes the run was asked for.

    Raises:
        DatasetInvalid: the file has changed since.
    """
    if expected and found != expected:
        raise DatasetInvalid(
            f"{path} has changed since the run was asked for (sha256 {expected[:12]}.. then, {found[:12]}.. now)",
            "put the old file back, or start a new run on the new one",
        )
