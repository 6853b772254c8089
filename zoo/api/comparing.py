"""Runs and models held against one another, from Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.api.data_files import data_as_files
from zoo.api.run import Run
from zoo.api.sources import by_role, source_of
from zoo.catalog import Catalog
from zoo.jobs import Job, Place

if TYPE_CHECKING:
    from zoo.comparison import Comparison


def compare(
    *runs: str | Run,
    data: Any = None,
    metric: str = "",
    task: str = "",
    input: str = "",
    label: str = "",
    columns: Mapping[str, str] = {},
    separator: str = "",
    classes: str | Path = "",
    merge_labels: bool = False,
    device: str = "auto",
    precision: str = "auto",
) -> Comparison:
    """Hold runs and models against one another on the same rows, which each answers once, in this process.

    The result has the figures of each with 95% intervals, a paired test of each two (McNemar's where rows are right or
    wrong, else a paired bootstrap; corrected for the number of tests), the rows that are not answered alike, the
    settings that differ, what each took, and which to take.

    Args:
        *runs: two or more runs, or names of runs, of heads of runs, or of models. A run that has judged a model stands
            for that model.
        data: labelled rows, as for `evaluate`. Without them the rows are those that all were judged on; where these
            are not the same, the recorded figures are compared, and `untested` says why there is no test.
        metric: the figure that is tested; that of the task if not given.
        task: what the models answer; needed only where one knows several.
        input: column of the inputs; found by its usual names if not given.
        label: column of the labels, or whatever the targets are; likewise.
        columns: names of columns by role, for a task that has others.
        separator: what stands between the labels of a text that holds several.
        classes: a file that says which class each value of a mask is.
        merge_labels: whether labels that look the same are one class.
        device: where the models answer.
        precision: that they compute in.

    Raises:
        ZooError: a name stands for nothing, the data cannot serve, or a model cannot answer.
    """
    from zoo.comparison import compare_models
    from zoo.comparison.subjects import find_subjects

    catalog, names, place = (
        Catalog.load(),
        [run.name if isinstance(run, Run) else run for run in runs],
        Place(device=device, precision=precision),
    )
    if data is None:
        return compare_models(names, metric=metric, place=place, catalog=catalog)
    source = source_of(data, by_role(columns, input, label), separator, classes, merge_labels)
    first, *_ = find_subjects(names, catalog)
    job = Job(verb="evaluate", model=first.model or first.name, task=task, source=source)
    with data_as_files(job, catalog) as (file_job, _folder):
        comparison = compare_models(
            names,
            source=file_job.source,
            task=task,
            metric=metric,
            place=place,
            catalog=catalog,
        )
    return comparison if file_job is job else msgspec.structs.replace(comparison, data="the data given")
