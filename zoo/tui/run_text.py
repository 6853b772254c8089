"""Tables of a run's result, as text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from zoo.blocks import Block, Boxes, Mask, Picture, PictureBlock, Report
from zoo.kinds import TargetKind
from zoo.kinds.spelling import distinct_names
from zoo.plurals import counted
from zoo.run_messages import figures
from zoo.runs.answer_files import cell_text
from zoo.runs.mistakes import Mistake
from zoo.runs.snapshot import RunSnapshot
from zoo.runs.store import MISTAKES_FILE
from zoo.sanitize import one_line

SHOWN_MISTAKES = 200
"""Most lines of a list."""
INDENT = 8
INPUT_LINES = 3
"""Most lines of one input."""


def evaluation_table(s: RunSnapshot) -> str:
    """All evaluations, newest first."""
    lines = []
    for evaluation in reversed(s.evaluations):
        lines.append(f"step {evaluation.step:>7,}  {figures(evaluation.metrics)}{'  best' if evaluation.best else ''}")
    return "\n".join(lines)


def drawn_pictures(report: Report) -> list[PictureBlock]:
    """Those blocks that are drawn."""
    return [block for block in report if isinstance(block, Picture | Boxes | Mask)]


def shown_pictures_text(s: RunSnapshot) -> str:
    """What stands above the pictures of the newest evaluation."""
    step = f"step {s.evaluations[-1].step:,}: " if s.evaluations else ""
    return f"{step}what the model says of held-out pictures, the same ones after each evaluation"


def samples_text(s: RunSnapshot) -> str:
    """What the model wrote after each evaluation, the newest first; empty where it writes no texts."""
    samples = [(one.step, one.sample) for one in reversed(s.evaluations) if one.sample]
    if not samples:
        return ""
    texts = (f"step {step:>6,}  {one_line(sample.text) or '(nothing)'}" for step, sample in samples)
    return "\n".join([f"after: {one_line(samples[0][1].prompt)}", "", *texts])


def report_tabs(report: Report, title: str = "Report") -> dict[str, list[Block]]:
    """Blocks of a report by the title of their tab; one without a title goes with the block before it.

    Args:
        report: of a run.
        title: of the tab of blocks before all that have one.
    """
    tabs: dict[str, list[Block]] = {}
    for block in report:
        title = one_line(block.title) or title
        tabs.setdefault(title, []).append(block)
    return tabs


def mistake_list(
    mistakes: Sequence[Mistake],
    width: int,
    target: TargetKind,
    *,
    labels: Sequence[str] = (),
    wrong_rows: int | None = None,
) -> str:
    """Rows that were answered wrongly, the worst first; where answers are never exact, how far off they are.

    Args:
        mistakes: to be listed.
        width: columns of the terminal.
        target: what the data say of each row.
        labels: of the data.
        wrong_rows: how many the training counted; None where it did not.
    """
    all_of_them = f"; all are in {MISTAKES_FILE} in the run's folder" if len(mistakes) == SHOWN_MISTAKES else ""
    heading = "answered wrongly, the worst first" if target.exact else "and the answers to them, the furthest off first"
    lines = [f"{counted(len(mistakes), 'row')} {heading}{all_of_them}"]
    if not all_of_them and wrong_rows not in (None, len(mistakes)):
        lines.append(f"the training counted {wrong_rows:,}: an answer of even odds may fall either way in its result")
    lines.append("")
    names = distinct_names(tuple(labels))
    for mistake in mistakes:
        cells = mistake.prediction.cells()
        sureness = "" if cells.probability is None else f"{cells.probability:6.1%}  "
        texts = (target.written(mistake.target), cells.prediction)
        true, predicted = (one_line(names.get(text, text)) for text in texts)
        lines.append(f"{sureness}row {mistake.row:,}: {true}, taken for {predicted}")
        text = textwrap.wrap(
            one_line(cell_text(mistake.input)), max(20, width - INDENT), max_lines=INPUT_LINES, placeholder=" …"
        )
        lines += [" " * INDENT + line for line in text]
    return "\n".join(lines)
