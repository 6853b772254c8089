"""What the counts of an inspection mean for training, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from zoo.data.columns import target_of_another_task
from zoo.data.layout import deeper_root
from zoo.data.report import Inspection, Part, Repeats
from zoo.data.table import conversion
from zoo.hyperparameters import TrainingOptions
from zoo.kinds.facts import Finding
from zoo.kinds.kind import TARGET
from zoo.plurals import counted, name_list
from zoo.tasks.task import Task

_LEVELS = ("error", "warning", "info")


def find(inspection: Inspection, task: Task) -> Inspection:
    """The same inspection with its findings."""
    findings = [*_of_part(inspection.train, task)]
    if inspection.eval:
        findings += [*_of_part(inspection.eval, task), *_of_both(inspection, task)]
    if task.target:
        findings += [*_of_missing_target(inspection.train, task), *task.target.findings(inspection)]
    findings.sort(key=lambda finding: _LEVELS.index(finding.level))
    return msgspec.structs.replace(inspection, findings=tuple(findings))


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
            + f"; the first is {first.located_reason}",
        )
    if part.faults:
        sorts = ", ".join(f"{count:,} {sort}" for sort, count in part.fault_sorts.items())
        yield Finding(
            "warning",
            f"{part.path}: {counted(part.faults, 'fault')} in {part.unit}s that are used all the same"
            f"{f' ({sorts})' if sorts else ''}, the first is {part.first_fault}",
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
    if part.reading_note:
        yield Finding("info", f"{part.path}: {part.reading_note}")
    yield from task.input.findings(part)
    yield from _of_class_folders(part)


def _of_missing_target(part: Part, task: Task) -> Iterator[Finding]:
    """What data without targets are good for."""
    if part.mapping.get(TARGET):
        return
    if task.target and task.target.without:
        yield Finding("info", f"{part.path} has no {task.target} column: {task.target.without}")
        return
    lacking = f"{task.target} column" if part.is_numbered else "class folders"
    if other := target_of_another_task(part.columns, task):
        yield Finding("warning", f"{part.path} has no {lacking} for {task.name}; {other}")
    else:
        yield Finding("warning", f"{part.path} has no {lacking}: it serves to pretrain and predict only")


def _of_encoding(part: Part) -> Iterator[Finding]:
    encoding = part.encoding
    if encoding.first_invalid:
        invalid = encoding.first_invalid
        where = f"row {invalid.row}" if invalid.row else "the header"
        whole = invalid.row == 0 or encoding.invalid_lines > TrainingOptions().max_rejected * part.rows
        yield Finding(
            "error" if whole else "warning",
            f"{part.path} is not UTF-8: byte {invalid.offset} ({invalid.value}), in {where}, cannot be decoded; "
            f"lines with such bytes: {encoding.invalid_lines:,}; if the file is WINDOWS-1252, convert it with: "
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


def _of_class_folders(part: Part) -> Iterator[Finding]:
    if part.empty_classes:
        yield Finding(
            "warning",
            f"{part.path}: class folders without {part.unit}s, which are left out: {name_list(part.empty_classes)}",
        )
    if part.repeated_folders and (deeper := deeper_root(Path(part.path))):
        yield Finding(
            "warning",
            f"{part.path}: every {part.unit} stands in {deeper}; if the classes are the folders in it, use {deeper}",
        )
    elif part.repeated_folders:
        yield Finding(
            "warning",
            f"{part.path}: every class folder holds the folders {name_list(part.repeated_folders)}; if those are the "
            "classes, use one of the folders that hold them, and name another with --eval",
        )


def _of_both(inspection: Inspection, task: Task) -> Iterator[Finding]:
    evaluation = inspection.eval
    if evaluation:
        yield from _of_groups(inspection.train, evaluation, task.input.group)
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


def _of_groups(train: Part, evaluation: Part, group: str) -> Iterator[Finding]:
    """What both parts hold some rows of."""
    shared = tuple(name for name in evaluation.groups if name in train.groups)
    if not shared:
        return
    rows = sum(evaluation.groups[name] for name in shared)
    which = f"{len(shared):,} of the {counted(len(evaluation.groups), group)} of the evaluation data"
    where = f"{'is' if len(shared) == 1 else 'are'} in the training data, too"
    yield Finding(
        "warning",
        f"{which} {where}, with {counted(rows, evaluation.unit)} here ({name_list(shared)}): the "
        f"figures are better than they would be for {group}s that were never met",
    )


def _pairs(repeats: Repeats) -> str:
    """The first few pairs, by name or by number."""
    if repeats.first[0].names:
        return ", ".join(" and ".join(pair.names) for pair in repeats.first)
    return "rows " + ", ".join(f"{pair.row} and {pair.other_row}" for pair in repeats.first)
