"""What a report of a run says, section by section; of a run that failed, or is going on, what there is so far."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import msgspec

from zoo.blocks import Block, Cell, Curve, Paragraph, Report, Table
from zoo.comparison.settings import settings_of_request
from zoo.diagnosis import diagnose
from zoo.errors import StoreInvalid, Unsupported
from zoo.rendering.page import Section
from zoo.replaying import replayed
from zoo.reports.again import commands
from zoo.reports.data import data_blocks
from zoo.reports.examples import example_blocks
from zoo.runs import status
from zoo.runs.events import Noted, RunStarted, Warned
from zoo.runs.log import read_events
from zoo.runs.overview import candidate_table, curves_by_source, drawn_curves, figure_table, source_table
from zoo.runs.private_rows import are_private, without_rows
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import RunSnapshot
from zoo.runs.store import RunFolder
from zoo.units import duration, size

MOST_MESSAGES = 40
"""Warnings and notes, the newest."""


def report_sections(folder: RunFolder) -> tuple[Section, ...]:
    """All that there is to say of a run.

    Args:
        folder: of the run.

    Raises:
        StoreInvalid: it cannot be read.
    """
    request, s = shown(folder)
    events = read_events(folder)[0]
    private = are_private(request)
    said = [event for event in events if isinstance(event, Warned | Noted)]
    started = next((event for event in reversed(events) if isinstance(event, RunStarted)), None)
    return (
        Section("Result", tuple(_result(folder, request, s, private=private))),
        Section("What went wrong", () if private or s.pending else tuple(_diagnosis(folder))),
        Section("Curves", run_curves(s)),
        Section("Evaluation", without_rows(request, s.report)),
        Section("Data", (*data_blocks(folder, request, s, private=private), *_messages(said, private=private))),
        Section("Examples", tuple(example_blocks(folder, s, private=private))),
        Section("Settings", (_table(_settings(request, s)),)),
        Section("Environment", (_table(_environment(request, s, started)),)),
        Section("Run it again", code=tuple(commands(folder, request))),
    )


def shown(folder: RunFolder) -> tuple[RunRequest, RunSnapshot]:
    """What was asked for and what is known, as it may be told: of private rows no digest, of clients that learn from
    such no name and no figure, since they are what is protected.

    Args:
        folder: of the run.

    Raises:
        StoreInvalid: it cannot be read.
    """
    request, s = folder.request, status.read(folder)
    if not are_private(request):
        return request, s
    if request.federation is not None:
        s = s.of_all_alone
    return request.without_clients.without_digests, s


def headline(request: RunRequest, s: RunSnapshot) -> str:
    """What the run is, in a line."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(request.created_at)) if request.created_at else ""
    return ", ".join(filter(None, (f"{request.verb} {request.subject}", request.task, s.status, when)))


def run_curves(s: RunSnapshot) -> tuple[Curve, ...]:
    """The losses and the main figures of a run, then its other figures, as far as there is a point of them.

    Args:
        s: what is known of it.
    """
    curves = [curve for row in drawn_curves(curves_by_source(s)) for curve in row]
    if not s.sources:
        known = {curve.title.removesuffix(_HELD_OUT) for curve in curves[1:]}
        names = dict.fromkeys(name for one in s.evaluations for name in one.metrics if name not in known)
        curves += (
            Curve(
                title=name + _HELD_OUT,
                points=tuple(
                    (one.step, value)
                    for one in s.evaluations
                    if math.isfinite(value := one.metrics.get(name, math.nan))
                ),
            )
            for name in names
        )
    return tuple(curve for curve in curves if len(curve.points) > 1)


_HELD_OUT = " on held-out rows"


def _result(folder: RunFolder, request: RunRequest, s: RunSnapshot, *, private: bool) -> Iterator[Block]:
    if s.error_kind and private:
        text = f"{s.error_kind}. What it says is not shown, as it may tell of rows, and the run is private."
        yield Paragraph(text=text, tone="error")
    elif s.error:
        yield Paragraph(text=f"{s.error}. {s.hint}" if s.hint else s.error, tone="error")
    elif s.pending:
        yield Paragraph(text=f"The run is {s.status}: this is what is known so far, at {_progress(s)}.", tone="strong")
    elif s.status == "cancelled":
        yield Paragraph(text=f"The run was stopped at {_progress(s)}.", tone="strong")
    if s.sources and not s.figures_of_all:
        yield source_table(s)
    elif s.latest_metrics:
        yield figure_table(s)
        if s.sources:
            yield source_table(s)
    elif not s.error and request.verb != "predict":
        yield Paragraph(text="There are no figures.")
    if s.candidates:
        yield candidate_table(s.candidates)
    if request.replays and s.status == "finished":
        yield from _replayed(folder, private=private)
    if s.chosen_step is not None:
        yield Paragraph(text=f"The weights are those of step {s.chosen_step:,}, the best on the held-out rows.")
    if s.rows_predicted and request.verb == "predict":
        yield Paragraph(text=f"{s.rows_predicted:,} rows were answered, {s.rejected_rows:,} of them rejected.")


def _replayed(folder: RunFolder, *, private: bool) -> Report:
    """Whether a replay gave the same bits, as long as its record can be read; of private data not what differs."""
    try:
        verdict = replayed(folder)
        return (msgspec.structs.replace(verdict, differences=()) if private else verdict).blocks()
    except (Unsupported, StoreInvalid) as error:
        return (Paragraph(text=error.message),)


def _progress(s: RunSnapshot) -> str:
    return f"step {s.step:,} of {s.steps:,}" if s.steps else f"{s.rows_predicted:,} rows"


def _diagnosis(folder: RunFolder) -> Report:
    diagnosis = diagnose(folder)
    return diagnosis.blocks() if diagnosis.findings else ()


def _messages(said: list[Warned | Noted], *, private: bool) -> Iterator[Block]:
    """What the run said of its data and of itself; findings name rows, so those of private data stay with the run."""
    if private:
        yield Paragraph(text="What was found in the data is not shown, as it names rows, and the run is private.")
        return
    kinds = {event.message: "warning" if isinstance(event, Warned) else "note" for event in said}
    rows = tuple((kind, message) for message, kind in kinds.items())[-MOST_MESSAGES:]
    if rows:
        yield Table(title="Findings and notes", headers=("", "what"), rows=rows)


def _settings(request: RunRequest, s: RunSnapshot) -> Iterator[tuple[str, Cell]]:
    for name, value in settings_of_request(request, s.plan).items():
        if not name.startswith("version of ") and value != "-":
            yield name, value


def _environment(request: RunRequest, s: RunSnapshot, started: RunStarted | None) -> Iterator[tuple[str, Cell]]:
    yield "device", f"{s.device or request.device}, {s.precision or request.precision}"
    yield "chosen", request.device_reason
    if started is not None:
        yield "processor", started.processor
        yield "threads", str(started.threads or "")
    yield "processes", str(request.processes)
    yield "attempts", str(s.attempt)
    if s.started_at and s.ended_at:
        yield "time of the last attempt", duration(s.ended_at - s.started_at)
    if s.memory_bytes:
        yield "memory", size(s.memory_bytes)
    yield "plugin", request.plugin
    yield "wrapping plugins", ", ".join(request.wrappers or ())
    yield from request.versions.items()


def _table(rows: Iterator[tuple[str, Cell]]) -> Table:
    return Table(headers=("", "value"), rows=tuple(row for row in rows if row[1] != ""))
