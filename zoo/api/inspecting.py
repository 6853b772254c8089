"""Looking at labels, from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from zoo.api.model_names import name_of_finished
from zoo.api.run import Run
from zoo.api.sources import by_role, source_of
from zoo.api.starting import start_job
from zoo.jobs import Job, Place


def inspect_labels(
    model: str | Run,
    data: Any,
    *,
    out: str | os.PathLike[str] = "",
    task: str = "",
    input: str = "",
    label: str = "",
    target: str = "",
    columns: Mapping[str, str] = {},
    separator: str = "",
    merge_labels: bool = False,
    name: str = "",
    device: str = "auto",
    on: str = "",
    requeue: bool = False,
    now: bool = False,
    **options: Any,
) -> Run:
    """Find the rows whose label is most probably wrong, in a worker process.

    The model makes a vector of each input, and a linear classifier on these vectors says how probable each label of a
    row is, having learnt from other rows only. `Run.doubtful_labels` are the rows in doubt, the most doubtful first.

    Args:
        model: name of a model, or of a finished run; or a run that has finished.
        data: rows with a label, or several, each; as for `zoo.finetune`.
        out: a new file that the rows in doubt are written to: CSV, TSV or JSON lines, by its ending.
        task: what the labels are for; needed only where neither the model nor the data say it.
        input: column of the inputs; found by its usual names if not given.
        label: column of the labels; likewise.
        target: the same, where the target is no label.
        columns: names of columns by role, for a task that has others.
        separator: what stands between the labels of a text that holds several.
        merge_labels: whether labels that look the same are one class.
        name: of the run.
        device: where the model computes, in fp32: auto, cpu, cuda, cuda:N, mps or xpu.
        on: the place that the run is handed over to, of those that `zoo places` lists; this machine if not given.
        requeue: whether it goes on by itself when that place has ended it.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.
        **options: of the model's finetune ability that say how inputs are read, such as max_tokens.

    Raises:
        ZooError: whatever is found to be wrong before the worker starts.
    """
    source = source_of(data, by_role(columns, input, label or target), separator, merge_labels=merge_labels)
    job = Job(
        verb="inspect",
        model=name_of_finished(model),
        task=task,
        source=source,
        place=Place(device=device, precision="fp32", on=on, requeue=requeue, now=now),
        options=options,
        name=name,
        out=out,
    )
    return start_job(job)
