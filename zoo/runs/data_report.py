"""What a training says of its data: what an inspection of it finds, and how it was divided."""

from __future__ import annotations

import shlex

from zoo.data import Inspection
from zoo.data.columns import flag_naming
from zoo.runs.attempt import Worker
from zoo.runs.events import Noted, Warned
from zoo.runs.log import read_events
from zoo.runs.request import DataRequest
from zoo.tasks import get_task

_MUCH_MORE = 1.25
"""Of the rows that were asked for, held out: what is worth a reason."""


def report_data(worker: Worker, inspection: Inspection, *, held_out: int, share: float) -> None:
    """Emit a line for each finding, and for what is unexpected about the rows held out; a resumed run says it once.

    Args:
        worker: of the run.
        inspection: of its data.
        held_out: rows for evaluation, of the training data; 0 where there is evaluation data of its own.
        share: of the rows, as asked for.
    """
    events: list[Warned | Noted] = [
        Warned(message=finding.message) if finding.level != "info" else Noted(message=finding.message)
        for finding in inspection.findings
    ]
    if events:
        events.append(Noted(message=f"{inspecting_command(worker.request.data, inspection)} says more"))
    events += [Noted(message=message) for message in _division(inspection, held_out, share)]
    reported = {event.message for event in read_events(worker.folder)[0] if isinstance(event, Warned | Noted)}
    for event in events:
        if worker.said(event.message) not in reported:
            worker.emit(event)


def _division(inspection: Inspection, held_out: int, share: float) -> list[str]:
    """How rows were held out, where that is not what the share leads one to expect."""
    part, kind = inspection.train, get_task(inspection.task).input
    messages = []
    expected = round(part.rows * share)
    if held_out > expected * _MUCH_MORE + 1:
        messages.append(
            f"{held_out:,} of {part.rows:,} {part.unit}s are held out, where a share of {share:.3g} would be "
            f"{expected:,}: at least one of every label that has two different {kind}s"
        )
    if held_out and part.duplicates.rows:
        messages.append(f"repeated {kind}s are held out together: no {kind} is both trained on and evaluated on")
    return messages


def inspecting_command(data: DataRequest, inspection: Inspection) -> str:
    """What inspects these data; columns that are not found by their usual names are named."""
    task, used = get_task(inspection.task), inspection.train.mapping
    words = ["zoo", "data", "inspect", data.path]
    words += ["--eval", data.eval_path] if data.eval_path else []
    for role, column in used.items():
        if data.columns.get(role) or column.lower() not in task.usual_columns(role):
            words += f"{flag_naming(role)}{column}".split(" ", 1)
    words += ["--separator", data.separator] if data.separator else []
    words += ["--classes", data.classes] if data.classes else []
    return shlex.join([*words, *(["--merge-labels"] if data.merge_labels else [])])
