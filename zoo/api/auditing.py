"""Auditing a model, from Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.api.model_names import name_of_finished
from zoo.api.run import Run
from zoo.api.sources import by_role, source_of
from zoo.api.starting import start_job
from zoo.jobs import Job, Place


def audit(
    model: str | Run,
    data: Any = None,
    *,
    held_out: Any = None,
    shadows: int = 0,
    task: str = "",
    input: str = "",
    label: str = "",
    target: str = "",
    columns: Mapping[str, str] = {},
    separator: str = "",
    classes: str | Path = "",
    merge_labels: bool = False,
    name: str = "",
    device: str = "auto",
    on: str = "",
    requeue: bool = False,
    now: bool = False,
    **options: Any,
) -> Run:
    """Look whether a model gives away which rows it learnt from, in a worker process.

    `Run.metrics` are the figures of the strongest attack, `Run.report` has all of them with their intervals, and what
    they mean in words.

    Args:
        model: name of a finished run or of a model that chooses labels; or a run that has finished.
        data: rows that it learnt from; those of its run if not given.
        held_out: rows like them that it did not learn from; those that its run held out if not given.
        shadows: models that are trained as it was, each on half of the rows, for a stronger attack; an even number from
            4 on, or 0.
        task: what the model answers; needed only where it has several heads.
        input: column of the inputs; found by its usual names if not given.
        label: column of the labels; likewise.
        target: the same, where the target is no label.
        columns: names of columns by role, for a task that has others.
        separator: what stands between the labels of a text that holds several.
        classes: a file that says which class each value of a mask is.
        merge_labels: whether labels that look the same are one class.
        name: of the run.
        device: where it is attacked, in fp32: auto, cpu, cuda, cuda:N, mps or xpu.
        on: the place that the run is handed over to, of those that `zoo places` lists; this machine if not given.
        requeue: whether it goes on by itself when that place has ended it.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.
        **options: of the model's predict ability.

    Raises:
        ZooError: whatever is found to be wrong before the worker starts.
    """
    source = source_of(
        data, by_role(columns, input, label or target), separator, classes, merge_labels, eval_data=held_out
    )
    job = Job(
        verb="audit",
        model=name_of_finished(model),
        task=task,
        source=source,
        place=Place(device=device, precision="fp32", on=on, requeue=requeue, now=now),
        options=options,
        name=name,
        auditing={"shadows": shadows},
    )
    return start_job(job)
