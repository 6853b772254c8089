"""Learning from clients that keep their data, from Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.api.jobs import by_role
from zoo.api.run import Run
from zoo.api.starting import start_federated
from zoo.federated_jobs import Clients
from zoo.jobs import Job, Place
from zoo.sources import Source


def federate(
    model: str,
    clients: str | Path | Mapping[str, Any] = "",
    *,
    data: Any = None,
    by: str = "",
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
    precision: str = "auto",
    now: bool = False,
    **options: Any,
) -> Run:
    """Fine-tune a model on the labelled data of several clients, whose weights travel and whose rows do not: simulated
    here, in one worker process.

    Args:
        model: name of a card or of a finished run.
        clients: a folder, in which each folder or file has the data of one client; or a dict of the data of each, by
            names of clients, as for `finetune`.
        data: in the place of clients, data whose column `by` tells theirs apart; as for `finetune`.
        by: that column.
        task: what the result shall do; needed only where the model can be fine-tuned for several.
        input: column of the inputs; found by its usual names if not given.
        label: column of the labels; likewise.
        target: the same, where the target is no label.
        columns: names of columns by role, for a task that has others.
        separator: what stands between the labels of a text that holds several.
        classes: a file that says which class each value of a mask is.
        merge_labels: whether labels that look the same are one class.
        name: of the run and of the model that comes of it.
        device: auto, cpu, cuda, cuda:N, mps or xpu.
        precision: auto, fp32, bf16 or fp16.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.
        **options: how clients learn together (`zoo.FederationOptions`), and options of the model.

    Raises:
        ZooError: whatever is found to be wrong before the worker starts.
    """
    job = Job(
        verb="finetune",
        model=model,
        task=task,
        source=Source(
            data=data,
            columns=by_role(columns, input, label or target),
            separator=separator,
            classes=classes,
            merge_labels=merge_labels,
        ),
        place=Place(device=device, precision=precision, now=now),
        options=options,
        name=name,
    )
    return start_federated(job, Clients(data=clients, by=by))
