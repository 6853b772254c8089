"""Rows that cannot be used: set aside by file, row and reason, and counted."""

from __future__ import annotations

from collections.abc import Sequence

from zoo import atomic
from zoo.data import Dataset
from zoo.data.example import RejectedRow
from zoo.encoding import encode_json
from zoo.errors import DatasetInvalid
from zoo.file_cache import CHANGED_ADVICE
from zoo.plurals import counted
from zoo.runs.attempt import Worker
from zoo.runs.events import ExampleRejected


class Quarantine:
    """The rows of a run that cannot be used: those its files were read without, and those that fail later.

    Parts of rows that are used without them, such as a box without area, are written beside them and not counted.
    """

    def __init__(self, worker: Worker, datasets: Sequence[Dataset]) -> None:
        self._worker = worker
        self._rows: list[RejectedRow] = []
        self._faults = [fault for dataset in datasets for fault in dataset.faults]
        self.train_rows = 0
        """How many of them had been counted among the rows to train on."""
        self.eval_rows = 0
        """Likewise, to evaluate on."""
        self._total = sum(len(dataset.examples) + len(dataset.rejected) for dataset in datasets)
        self._write()
        self.add([row for dataset in datasets for row in dataset.rejected])

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rejected: Sequence[RejectedRow], *, train_rows: int = 0, eval_rows: int = 0) -> None:
        """Write the rows to `quarantine.jsonl`, and report them in one event.

        Args:
            rejected: the rows.
            train_rows: how many of them have been counted among the rows to train on.
            eval_rows: likewise, to evaluate on.
        """
        if not rejected:
            return
        self._rows += rejected
        self.train_rows += train_rows
        self.eval_rows += eval_rows
        self._write()
        first = rejected[0]
        self._worker.emit(
            ExampleRejected(
                file=first.file,
                row=first.row,
                reason=first.reason,
                name=first.name,
                total=len(self),
                train_rows=train_rows,
                eval_rows=eval_rows,
            )
        )

    def _write(self) -> None:
        """Write what is set aside, the parts of rows that are used without them first."""
        lines = [encode_json(row) for row in (*self._faults, *self._rows)]
        if lines and self._worker.rank == 0:
            atomic.write_bytes(self._worker.folder.quarantine_path, b"\n".join(lines) + b"\n")

    def check_share(self, limit: float) -> None:
        """Refuse data of which too much cannot be used.

        Raises:
            DatasetInvalid: the share of rejected rows exceeds the limit.
        """
        if len(self) > limit * self._total:
            first = self._rows[0]
            raise DatasetInvalid(
                f"{len(self):,} of {counted(self._total, 'row')} cannot be used, "
                f"first {first.location}: {first.reason}",
                f"mend them ({self._worker.folder.quarantine_path} names each), or allow more with --max-rejected",
            )


def check_digest(path: str, digest: str, expected: str, names_file: str = "") -> None:
    """Insist on the bytes the run was asked for.

    Args:
        path: of the data.
        digest: of what is there now.
        expected: what it was then; empty where that is not known.
        names_file: beside the data; counts in the digest.

    Raises:
        DatasetInvalid: the file has changed since.
    """
    if expected and digest != expected:
        beside = f" or {names_file}" if names_file else ""
        raise DatasetInvalid(
            f"{path}{beside} has changed since the run was asked for "
            f"(sha256 {expected[:12]}.. then, {digest[:12]}.. now)",
            CHANGED_ADVICE,
        )
