"""What the counts of an inspection mean for training, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from zoo.data.report import Finding, Inspection, Part, Repeats
from zoo.data.spelling import listed, quoted, told_apart
from zoo.data.table import conversion, shown
from zoo.hyperparameters import TrainingOptions
from zoo.plurals import counted
from zoo.tasks.task import Task

FEW_ROWS = 8
"""Below this many rows of a class, results vary from one draw of the data to the next."""
DOMINANT_SHARE = 0.8
TRUNCATED_SHARE = 0.05
_KINDS_SHOWN = 5
_LEVELS = ("error", "warning", "info")


def find(inspection: Inspection, task: Task) -> Inspection:
    """The same inspection with its findings."""
    found = [*_of_part(inspection.train, task)]
    if inspection.eval:
        found += [*_of_part(inspection.eval, task), *_of_both(inspection)]
    if task.labelled:
        found += _of_labels(inspection)
    found.sort(key=lambda finding: _LEVELS.index(finding.level))
    return msgspec.structs.replace(inspection, findings=tuple(found))


def _of_part(part: Part, task: Task) -> Iterator[Finding]:
    if not part.rows:
        yield Finding("error", f"{part.path} has no {part.unit}s")
    elif part.rejected_rows == part.rows:
        yield Finding("error", f"{part.path} has no usable {part.unit}")
    yield from _of_encoding(part)
    if part.rejected_rows:
        limit = TrainingOptions().max_rejected
        over = part.rejected_rows > limit * part.rows
        first = part.rejected[0]
        yield Finding(
            "error" if over else "warning",
            f"{part.path}: {counted(part.rejected_rows, part.unit)} cannot be used"
            + (f", more than the {limit:.0%} a run accepts" if over else " and will be set aside")
            + f"; the first is {_numbered(part, first.row)}{first.reason}",
        )
    if part.conflicts.rows:
        yield Finding(
            "warning",
            f"{part.path}: {counted(part.conflicts.rows, part.unit, 'repeat')} an earlier {task.input} under another "
            f"label ({_pairs(part.conflicts)})",
        )
    if part.duplicates.rows:
        yield Finding(
            "info",
            f"{part.path}: {counted(part.duplicates.rows, part.unit, 'repeat')} an earlier {task.input}"
            f" ({_pairs(part.duplicates)})",
        )
    yield from _of_lengths(part)
    yield from _of_images(part)
    yield from _of_class_folders(part)


def _of_encoding(part: Part) -> Iterator[Finding]:
    encoding = part.encoding
    if encoding.first_invalid:
        invalid = encoding.first_invalid
        where = f"row {invalid.row}" if invalid.row else "the header"
        yield Finding(
            "error",
            f"{part.path} is not UTF-8: byte {invalid.offset} ({invalid.value}), in {where}, cannot be decoded, "
            f"nor can {counted(encoding.invalid_lines, 'line')} in all; if the file is WINDOWS-1252, convert it with: "
            + conversion(Path(part.path), "WINDOWS-1252"),
        )
    for marks, what in (
        (encoding.replacement_characters, "U+FFFD: characters were lost in an earlier conversion"),
        (encoding.mojibake, "UTF-8 that was once read as Windows-1252, such as 'Ã©' for 'é'"),
        (encoding.control_characters, "control characters"),
    ):
        if marks.rows:
            yield Finding(
                "warning",
                f"{part.path}: {counted(marks.rows, 'row', 'hold')} {what}; the first is row {marks.first_row}",
            )


def _of_lengths(part: Part) -> Iterator[Finding]:
    lengths = part.lengths
    if lengths and lengths.truncated_share:
        yield Finding(
            "warning" if lengths.truncated_share > TRUNCATED_SHARE else "info",
            f"{part.path}: {lengths.truncated_share:.1%} of the inputs are longer than the {lengths.max_tokens} tokens "
            "that are read; what comes after is not seen",
        )


def _of_images(part: Part) -> Iterator[Finding]:
    images = part.images
    if images is None:
        return
    if images.enlarged:
        yield Finding(
            "info",
            f"{part.path}: {counted(images.enlarged, 'image')} of less than the {images.shorter_side} pixels the "
            "model sees; enlarging adds no detail",
        )
    if images.other_files:
        kinds = ", ".join(
            f"{count:,} {extension}" for extension, count in list(images.other_files.items())[:_KINDS_SHOWN]
        )
        yield Finding("info", f"{part.path}: files that are no images by their names are left out ({kinds})")


def _of_class_folders(part: Part) -> Iterator[Finding]:
    if part.empty_classes:
        yield Finding(
            "warning",
            f"{part.path}: class folders without images, which are left out: {shown(part.empty_classes)}",
        )
    if part.repeated_folders:
        yield Finding(
            "warning",
            f"{part.path}: every class folder holds the folders {shown(part.repeated_folders)}; if those are the "
            "classes, use one of the folders that hold them, and name another with --eval",
        )


def _of_both(inspection: Inspection) -> Iterator[Finding]:
    evaluation = inspection.eval
    if evaluation and 0 < inspection.overlap.rows == evaluation.rows - evaluation.rejected_rows:
        yield Finding(
            "warning",
            f"every {evaluation.unit} of the evaluation data is in the training data, too: the figures will say how "
            "well it is remembered, and nothing about new data",
        )
    elif evaluation and inspection.overlap.rows:
        yield Finding(
            "warning",
            f"{counted(inspection.overlap.rows, evaluation.unit)} of the evaluation data also found in the training "
            f"data, which flatters every figure (training and evaluation {_pairs(inspection.overlap)})",
        )
    names = told_apart(count.label for count in inspection.labels)
    unseen = tuple(names[count.label] for count in inspection.labels if count.eval_rows and not count.rows)
    if unseen and inspection.train.mapping.label:
        yield Finding("error", f"labels of the evaluation data that are not in the training data: {shown(unseen)}")
    unjudged = tuple(names[count.label] for count in inspection.labels if count.rows and not count.eval_rows)
    if unjudged and evaluation and evaluation.mapping.label:
        yield Finding("warning", f"labels without evaluation data, which are not judged: {shown(unjudged)}")


def _of_labels(inspection: Inspection) -> Iterator[Finding]:
    part = inspection.train
    if not part.mapping.label:
        lacking = "class folders" if part.unit == "image" else "label column"
        yield Finding("warning", f"{part.path} has no {lacking}: it serves to pretrain and predict only")
        return
    yield from _of_variants(inspection)
    counts = {count.label: count.rows for count in inspection.labels if count.rows}
    rows = sum(counts.values())
    if len(counts) == 1:
        yield Finding("error", f"{part.path} has one class only: every {part.unit} is {quoted(next(iter(counts)))}")
        return
    if len(counts) * 2 > rows > FEW_ROWS:
        yield Finding(
            "warning",
            f"{counted(len(counts), 'different label')} on {counted(rows, part.unit)}: "
            f"is {part.mapping.label} the right column?",
        )
        return
    names = told_apart(counts)
    single = tuple(names[label] for label, found in counts.items() if found == 1)
    if single:
        judged = "" if inspection.eval else ", which nothing will judge"
        yield Finding("warning", f"labels with one {part.unit} only, too few to learn from{judged}: {shown(single)}")
    few = tuple(names[label] for label, found in counts.items() if 1 < found < FEW_ROWS)
    if few:
        yield Finding(
            "warning", f"labels with fewer than {FEW_ROWS} {part.unit}s, hard to learn or to judge: {shown(few)}"
        )
    largest, most = max(counts.items(), key=lambda item: item[1], default=("", 0))
    if most > DOMINANT_SHARE * rows:
        yield Finding(
            "warning",
            f"{most / rows:.0%} of the {part.unit}s are {quoted(largest)}: look at macro F1 rather than accuracy, "
            "and consider --class-weights auto",
        )


def _of_variants(inspection: Inspection) -> Iterator[Finding]:
    variants = inspection.variants
    if not variants:
        return
    if inspection.merged:
        yield Finding("info", f"labels that look alike are merged under the first: {listed(variants)}")
    else:
        yield Finding(
            "warning",
            f"labels that look alike are classes of their own: {listed(variants)}; --merge-labels makes them one",
        )


def _numbered(part: Part, row: int) -> str:
    """Which row; an image of a folder is named by the reason."""
    return "" if part.unit == "image" else f"row {row}: "


def _pairs(repeats: Repeats) -> str:
    """The first few pairs, by name or by number."""
    if repeats.first[0].names:
        return ", ".join(" and ".join(pair.names) for pair in repeats.first)
    return "rows " + ", ".join(f"{pair.row} and {pair.other_row}" for pair in repeats.first)
