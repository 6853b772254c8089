"""What a report says of the data of a run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from zoo.blocks import Block, Cell, Paragraph, Table
from zoo.data.example import RejectedRow
from zoo.plurals import counted
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.snapshot import RunSnapshot
from zoo.runs.store import RunFolder

SHOWN_REJECTED = 10
"""Rows that could not be used."""
SHOWN_LABELS = 200


def data_blocks(folder: RunFolder, request: RunRequest, s: RunSnapshot, *, private: bool) -> Iterator[Block]:
    """The files with their digests, how many rows there are of each sort, the labels, and what could not be used.

    Args:
        folder: of the run.
        request: what was asked for.
        s: what is known of it.
        private: whether no row of the data may be shown; their digest would tell whether a row is among them.
    """
    files = [row for name, data in _parts(request) for row in _files(name, data, private=private)]
    if files:
        yield Table(headers=("", "file", "sha256"), rows=tuple(files))
    columns = [(role, name) for role, name in s.columns.items()]
    counts: list[tuple[Cell, ...]] = [
        (what, rows)
        for what, rows in (
            ("rows to learn from", s.train_rows),
            ("rows to judge by", s.eval_rows),
            ("rows set aside", s.rejected_rows),
        )
        if rows
    ]
    if counts:
        yield Table(headers=("", "number"), rows=tuple(counts))
    if columns:
        yield Table(headers=("role", "column"), rows=tuple(columns))
    if s.labels:
        more = len(s.labels) - SHOWN_LABELS
        labels = ", ".join(s.labels[:SHOWN_LABELS]) + (f" and {more:,} more" if more > 0 else "")
        yield Paragraph(text=f"{counted(len(s.labels), 'label')}: {labels}")
    if not private and (rejected := tuple(_rejected(folder, request))):
        yield Table(title="Rows that could not be used, or parts of them", headers=("where", "why"), rows=rejected)


def _parts(request: RunRequest) -> list[tuple[str, DataRequest]]:
    """The data of a run, each with whose they are; empty where there is one."""
    clients = request.federation.clients if request.federation else ()
    if not clients and not request.sources:
        return [("", request.data)]
    return [*((one.name, one.data) for one in request.sources), *((one.name, one.data) for one in clients)]


def _files(name: str, data: DataRequest, *, private: bool) -> Iterator[tuple[Cell, ...]]:
    for what, path, sha256 in (("data", data.path, data.sha256), ("evaluation data", data.eval_path, data.eval_sha256)):
        if path:
            yield f"{name}: {what}" if name else what, Path(path).name, "not shown" if private else sha256


def _rejected(folder: RunFolder, request: RunRequest) -> Iterator[tuple[str, str]]:
    """The first rows that were set aside, of each source."""
    for name in ("", *(source.name for source in request.sources)):
        path = (folder.of_source(name) if name else folder).quarantine_path
        if not path.exists():
            continue
        with path.open("rb") as lines:
            for line in islice(lines, SHOWN_REJECTED):
                try:
                    row = msgspec.json.decode(line, type=RejectedRow)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    continue  # half-written
                yield Path(row.file).name + ("" if row.name else f" row {row.row}"), row.reason
