"""What the counts of an inspection mean for training, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from zoo.data.report import Finding, Inspection, Part, Repeats
from zoo.data.table import conversion, shown
from zoo.hyperparameters import TrainingOptions
from zoo.task import Task

FEW_ROWS = 8
"""Below this many rows of a class, results vary from one draw of the data to the next."""
DOMINANT_SHARE = 0.8
TRUNCATED_SHARE = 0.05
_LEVELS = ("error", "warning", "info")


def find(inspection: Inspection, task: Task) -> Inspection:
    """The same inspection with its findings."""
    found = [*_of_part(inspection.train)]
    if inspection.eval:
        found += [*_of_part(inspection.eval), *_of_both(inspection)]
    if task.labelled:
        found += _of_labels(inspection)
    found.sort(key=lambda finding: _LEVELS.index(finding.level))
    return msgspec.structs.replace(inspection, findings=tuple(found))


def _of_part(part: Part) -> Iterator[Finding]:
    if not part.rows:
        yield Finding("error", f"{part.path} has no rows")
    elif part.rejected_rows == part.rows:
        yield Finding("error", f"{part.path} has no usable row")
    yield from _of_encoding(part)
    if part.rejected_rows:
        limit = TrainingOptions().max_rejected
        over = part.rejected_rows > limit * part.rows
        first = part.rejected[0]
        yield Finding(
            "error" if over else "warning",
            f"{part.path}: {_rows(part.rejected_rows)} cannot be used"
            + (f", more than the {limit:.0%} a run accepts" if over else " and will be set aside")
            + f"; the first is row {first.row}: {first.reason}",
        )
    if part.conflicts.rows:
        yield Finding(
            "warning",
            f"{part.path}: {_rows(part.conflicts.rows, 'repeat')} an earlier text under another label"
            f" ({_pairs(part.conflicts)})",
        )
    if part.duplicates.rows:
        yield Finding(
            "info", f"{part.path}: {_rows(part.duplicates.rows, 'repeat')} an earlier text ({_pairs(part.duplicates)})"
        )
    yield from _of_lengths(part)


def _of_encoding(part: Part) -> Iterator[Finding]:
    encoding = part.encoding
    if encoding.first_invalid:
        invalid = encoding.first_invalid
        where = f"row {invalid.row}" if invalid.row else "the header"
        yield Finding(
            "error",
            f"{part.path} is not UTF-8: byte {invalid.offset} ({invalid.value}), in {where}, cannot be decoded, "
            f"nor can {encoding.invalid_lines:,} line(s) in all; if the file is WINDOWS-1252, convert it with: "
            + conversion(Path(part.path), "WINDOWS-1252"),
        )
    for marks, what in (
        (encoding.replacement_characters, "U+FFFD: characters were lost in an earlier conversion"),
        (encoding.mojibake, "UTF-8 that was once read as Windows-1252, such as 'Ã©' for 'é'"),
        (encoding.control_characters, "control characters"),
    ):
        if marks.rows:
            yield Finding(
                "warning", f"{part.path}: {_rows(marks.rows, 'hold')} {what}; the first is row {marks.first_row}"
            )


def _of_lengths(part: Part) -> Iterator[Finding]:
    lengths = part.lengths
    if lengths and lengths.truncated_share and lengths.truncated_share > TRUNCATED_SHARE:
        yield Finding(
            "warning",
            f"{part.path}: {lengths.truncated_share:.1%} of the inputs are longer than the {lengths.max_tokens} tokens "
            "the model takes; what comes after is not seen",
        )


def _of_both(inspection: Inspection) -> Iterator[Finding]:
    if inspection.overlap.rows:
        pairs = ", ".join(f"{pair.row} and {pair.other_row}" for pair in inspection.overlap.first)
        yield Finding(
            "warning",
            f"{_rows(inspection.overlap.rows)} of the evaluation data also found in the training data, which flatters "
            f"every figure (training and evaluation rows {pairs})",
        )
    unseen = tuple(count.label for count in inspection.labels if count.eval_rows and not count.rows)
    if unseen and inspection.train.mapping.label:
        yield Finding("error", f"labels of the evaluation data that are not in the training data: {shown(unseen)}")


def _of_labels(inspection: Inspection) -> Iterator[Finding]:
    part = inspection.train
    if not part.mapping.label:
        yield Finding("warning", f"{part.path} has no label column: it serves to pretrain and predict only")
        return
    counts = {count.label: count.rows for count in inspection.labels if count.rows}
    rows = sum(counts.values())
    if len(counts) == 1:
        yield Finding("error", f"{part.path} has one class only: every row is {next(iter(counts))!r}")
        return
    if len(counts) * 2 > rows > FEW_ROWS:
        yield Finding(
            "warning",
            f"{len(counts):,} different labels on {_rows(rows)}: is {part.mapping.label} the right column?",
        )
        return
    few = tuple(label for label, found in counts.items() if found < FEW_ROWS)
    if few:
        yield Finding("warning", f"labels with fewer than {FEW_ROWS} rows, hard to learn or to judge: {shown(few)}")
    largest, most = max(counts.items(), key=lambda item: item[1], default=("", 0))
    if most > DOMINANT_SHARE * rows:
        yield Finding(
            "warning",
            f"{most / rows:.0%} of the rows are {largest!r}: look at macro F1 rather than accuracy, "
            "and consider --class-weights auto",
        )


def _rows(count: int, verb: str = "") -> str:
    if count == 1:
        return f"1 row {verb}s" if verb else "1 row"
    return f"{count:,} rows {verb}".rstrip()


def _pairs(repeats: Repeats) -> str:
    return "rows " + ", ".join(f"{pair.row} and {pair.other_row}" for pair in repeats.first)
