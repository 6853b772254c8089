"""Rows that a report shows: what was answered wrongly, pictures that were answered, texts that were written."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from zoo.blocks import Block, Boxes, Mask, Paragraph, Table
from zoo.kinds import TargetKind
from zoo.runs.answer_files import cell_text
from zoo.runs.inspecting.doubtful_labels import read_doubtful_labels
from zoo.runs.mistakes import Mistake, read_mistakes
from zoo.runs.snapshot import RunSnapshot
from zoo.runs.store import RunFolder
from zoo.sanitize import one_line
from zoo.tasks import get_task
from zoo.tasks.task import Task

SHOWN_MISTAKES = 20
SHOWN_PICTURES = 6
SHOWN_SAMPLES = 5
SHOWN_CHARACTERS = 300
"""Of an input."""


def example_blocks(folder: RunFolder, s: RunSnapshot, *, private: bool) -> Iterator[Block]:
    """What the model said of a few rows.

    Args:
        folder: of the run.
        s: what is known of it.
        private: whether no row may be shown.
    """
    if private:
        yield Paragraph(text="The run is private: none of its rows is shown.")
        return
    names = tuple(source.name for source in s.sources) or ("",)
    for name in names:
        yield from _mistakes(folder.of_source(name) if name else folder, name)
    yield from _doubtful_labels(folder)
    for source in s.sources or (s,):
        yield from source.pictures[:SHOWN_PICTURES]
    samples = [(one.step, one.sample) for one in s.evaluations if one.sample]
    if samples:
        rows = tuple((f"{step:,}", sample.prompt, sample.text) for step, sample in samples[-SHOWN_SAMPLES:])
        yield Table(title="What the model wrote", headers=("step", "after", "text"), rows=rows)


def _mistakes(folder: RunFolder, name: str) -> Iterator[Block]:
    mistakes = tuple(islice(read_mistakes(folder), SHOWN_MISTAKES))
    if not mistakes:
        return
    task = get_task(folder.task)  # which is there, or no mistake could be read
    words = "Answered wrongly, the worst first" if task.target and task.target.exact else "The furthest off"
    yield Table(
        title=f"{words}: {name}" if name else words,
        headers=("row", "input", "what the data say", "what the model says"),
        rows=tuple(_row(one, task.target) for one in mistakes),
    )
    for mistake in mistakes[:SHOWN_PICTURES]:
        yield from _drawn(task, mistake)


def _doubtful_labels(folder: RunFolder) -> Iterator[Block]:
    doubts = tuple(islice(read_doubtful_labels(folder), SHOWN_MISTAKES))
    if doubts:
        yield Table(
            title="Labels that are most probably wrong",
            headers=("row", "input", "what the data say", "what it more probably is"),
            rows=tuple(
                (
                    f"{one.row:,}",
                    _shortened(cell_text(one.input)),
                    one.label,
                    f"{one.proposed} ({one.proposed_probability:.1%})",
                )
                for one in doubts
            ),
        )


def _row(mistake: Mistake, target: TargetKind | None) -> tuple[str, ...]:
    cells = mistake.prediction.cells()
    sureness = "" if cells.probability is None else f" ({cells.probability:.1%})"
    true = target.written(mistake.target) if target is not None else str(mistake.target)
    return f"{mistake.row:,}", _shortened(cell_text(mistake.input)), true, f"{cells.prediction}{sureness}"


def _drawn(task: Task, mistake: Mistake) -> Iterator[Block]:
    """The input of a wrong answer, where that is a picture or a recording, with what was found on it."""
    picture = task.input.picture_of(mistake.input)
    if picture and task.answer.on_picture:
        yield from (block for block in mistake.prediction.blocks(picture) if isinstance(block, Boxes | Mask))
    elif drawing := task.input.drawing_of(mistake.input, f"row {mistake.row:,}"):
        yield drawing


def _shortened(text: str) -> str:
    text = one_line(text)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
