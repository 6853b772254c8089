"""Whether more rows would help, from Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.api.model_names import name_of_finished
from zoo.api.run import Run
from zoo.api.sources import by_role, source_of
from zoo.api.starting import start_job
from zoo.jobs import Job, Place


def data_curve(
    model: str | Run,
    data: Any,
    *,
    eval_data: Any = None,
    task: str = "",
    input: str = "",
    label: str = "",
    target: str = "",
    columns: Mapping[str, str] = {},
    separator: str = "",
    merge_labels: bool = False,
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    on: str = "",
    requeue: bool = False,
    now: bool = False,
    **options: Any,
) -> Run:
    """Fine-tune a model on ever more of the rows, and say what more than there are would bring, in a worker process.

    `Run.metrics` have the main figure with all rows, and what is foretold with two and four times as many (`..._at_2x`,
    `..._at_4x`); `Run.report` has all sizes with their intervals, and curves.

    Args:
        model: name of a model, or of a finished run; or a run that has finished.
        data: rows to learn from, as for `zoo.finetune`.
        eval_data: rows that judge; a fifth of the data if not given.
        task: what is learnt; needed only where neither the model nor the data say it.
        input: column of the inputs; found by its usual names if not given.
        label: column of the labels; likewise.
        target: the same, where the target is no label.
        columns: names of columns by role, for a task that has others.
        separator: what stands between the labels of a text that holds several.
        merge_labels: whether labels that look the same are one class.
        name: of the run.
        device: auto, cpu, cuda, cuda:N, mps or xpu.
        precision: auto, fp32, bf16 or fp16.
        on: the place that the run is handed over to, of those that `zoo places` lists; this machine if not given.
        requeue: whether it goes on by itself when that place has ended it.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.
        **options: of the model's finetune ability.

    Raises:
        ZooError: whatever is found to be wrong before the worker starts.
    """
    source = source_of(
        data, by_role(columns, input, label or target), separator, merge_labels=merge_labels, eval_data=eval_data
    )
    job = Job(
        verb="curve",
        model=name_of_finished(model),
        task=task,
        source=source,
        place=Place(device=device, precision=precision, on=on, requeue=requeue, now=now),
        options=options,
        name=name,
    )
    return start_job(job)
