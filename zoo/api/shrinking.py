"""Making a model smaller, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.api.model_names import name_of_finished, names_of_finished
from zoo.api.run import Run
from zoo.api.sources import by_role, source_of
from zoo.api.starting import start_job
from zoo.jobs import Job, Place


def shrink(
    run: str | Run,
    data: Any,
    *,
    formats: str | Sequence[str] = "",
    into: str | Run | Sequence[str | Run] = "",
    prune: float = 0.0,
    train: str | Path = "",
    train_epochs: float | None = None,
    metric: str = "",
    max_drop: float = 0.01,
    target: str = "size",
    stored_answers: int | None = None,
    task: str = "",
    input: str = "",
    label: str = "",
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
    """Make the model of a run smaller, in a worker process, and keep it only if it answers as well.

    Args:
        run: a run that has finished, or the name of its model.
        data: labelled data that the model has not learnt from.
        formats: what is tried, of `bf16`, `int8`, `int8-tensor`, `int4` and `onnx-int8`; all but the last if not given.
        into: a smaller model, or several, to be trained on its answers and tried, too.
        prune: share of the feed-forward units, and of the attention heads where a configuration can say so, that are
            taken out of each layer of a transformer; it is fine-tuned after.
        train: what such a one learns from, with or without labels; what the model learnt from if not given.
        train_epochs: passes over it; as many as `finetune` takes if not given.
        metric: the figure that must not drop; that of the task if not given.
        max_drop: the most that it may; the whole 95% interval of the paired difference has to stay within.
        target: `size` takes the smallest of those that keep the figure, `latency` the one that answers soonest.
        stored_answers: how many answers are kept in the model folder with their inputs, which are rows of the data; 64
            if not given, and none where the model or one before it learnt privately.
        task: what the model answers; needed only where it has several heads.
        input: column of the inputs; found by its usual names if not given.
        label: column of the labels, or whatever the targets are; likewise.
        columns: names of columns by role, for a task that has others.
        separator: what stands between the labels of a text that holds several.
        classes: a file that says which class each value of a mask is.
        merge_labels: whether labels that look the same are one class.
        name: of the run and of the smaller model.
        device: where both are measured; the model as it is computes in fp32.
        on: the place that the run is handed over to, of those that `zoo places` lists; this machine if not given.
        requeue: whether it goes on by itself when that place has ended it.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.
        **options: of the model's predict ability.

    Raises:
        ZooError: whatever is found to be wrong before the worker starts; the run itself fails with `GateNotPassed`
            where nothing smaller answers as well.
    """
    source = source_of(data, by_role(columns, input, label), separator, classes, merge_labels)
    job = Job(
        verb="shrink",
        model=name_of_finished(run),
        task=task,
        source=source,
        place=Place(device=device, precision="fp32", on=on, requeue=requeue, now=now),
        options=options,
        name=name,
        shrinking={
            "formats": formats if isinstance(formats, str) else ",".join(formats),
            "into": names_of_finished(into),
            "prune": prune,
            "train": str(train),
            "train_epochs": train_epochs,
            "metric": metric,
            "max_drop": max_drop,
            "target": target,
            "stored_answers": stored_answers,
        },
    )
    return start_job(job)
