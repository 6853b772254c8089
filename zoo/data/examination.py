"""An inspection of examples that are in memory: their labels and repeats, without a look at the files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from zoo.data.example import Dataset, Example
from zoo.data.findings import find
from zoo.data.layout import empty_classes, repeated_folders, table_in
from zoo.data.report import Inspection, Part
from zoo.data.tally import Occurrence, Tally, with_counts
from zoo.kinds.facts import ModelLimits
from zoo.kinds.kind import TARGET
from zoo.kinds.measure import NoMeasure
from zoo.tasks.task import Task


def examine(
    dataset: Dataset,
    keys: Sequence[bytes],
    task: Task,
    *,
    evaluation: Dataset | None = None,
    eval_keys: Sequence[bytes] = (),
) -> Inspection:
    """What an inspection of a data set finds in its labels and repeats.

    Args:
        dataset: the training data.
        keys: `input_key` of each of its examples.
        task: what it is for.
        evaluation: evaluation data of its own.
        eval_keys: likewise.
    """
    train_tally, eval_tally = Tally(task.target), Tally(task.target)
    inspection = Inspection(task=task.name, train=_part(dataset, keys, train_tally))
    if evaluation:
        eval_tally = Tally(task.target, against=train_tally.occurrences)
        inspection = msgspec.structs.replace(inspection, eval=_part(evaluation, eval_keys, eval_tally))
    inspection = with_counts(inspection, train_tally, eval_tally)
    if dataset.merged:
        inspection = msgspec.structs.replace(inspection, variants=dataset.merged, merged=True)
    return find(inspection, task)


def _part(dataset: Dataset, keys: Sequence[bytes], tally: Tally) -> Part:
    path = table_in(Path(dataset.path))
    base = f"{dataset.base}{os.sep}"
    measure = dataset.target.measure(ModelLimits()) if dataset.target else NoMeasure()
    for example, key in zip(dataset.examples, keys, strict=True):
        tally.add(key, Occurrence(example.row, example.target, _name(example, base)))
        if example.target is not None:
            measure.add(example.row, example.target, example.input)
    folder = path if dataset.has_class_folders and TARGET in dataset.columns else None
    part = Part(
        path=path.name,
        unit=dataset.unit,
        rows=len(dataset.examples),
        columns=tuple(dataset.columns.values()),
        mapping=dataset.columns,
        duplicates=tally.duplicates.result(),
        conflicts=tally.conflicts.result(),
        empty_classes=empty_classes(folder) if folder else (),
        repeated_folders=repeated_folders(folder) if folder else (),
        reading_note=dataset.reading_note,
        faults=len(dataset.faults),
        fault_sorts=_fault_sorts(dataset),
        first_fault=dataset.faults[0].located_reason if dataset.faults else "",
    )
    return measure.complete(part)


def _fault_sorts(dataset: Dataset) -> dict[str, int]:
    sorts = (dataset.target.fault_sort(fault.reason) for fault in dataset.faults) if dataset.target else ()
    return dict(Counter(filter(None, sorts)).most_common())


def _name(example: Example, base: str) -> str:
    """Of the file that an example names, as the data names it."""
    return example.input.removeprefix(base) if example.digest and isinstance(example.input, str) else ""
