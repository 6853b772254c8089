"""Picking a model for data, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.api.model_names import names_of_finished
from zoo.api.run import Run
from zoo.api.sources import by_role, source_of
from zoo.api.starting import start_picking
from zoo.jobs import Job, Place


def pick(
    data: Any,
    *,
    models: str | Run | Sequence[str | Run] = "",
    under: str = "",
    within: str = "",
    finalists: int = 2,
    ties: str = "smaller",
    test: Any = None,
    metric: str = "",
    epochs: float | None = None,
    test_share: float = 0.15,
    validation_share: float = 0.15,
    seed: int = 42,
    task: str = "",
    input: str = "",
    label: str = "",
    columns: Mapping[str, str] = {},
    separator: str = "",
    classes: str | Path = "",
    merge_labels: bool = False,
    name: str = "",
    device: str = "auto",
    precision: str = "auto",
    on: str = "",
    requeue: bool = False,
    now: bool = False,
) -> Run:
    """Try models on labelled data, in a worker process, and keep the one that does best.

    Each body is asked once; the better ones are fine-tuned on few rows, the better of these on more, and the finalists
    on all. Rows that are held out choose; others, which chose nothing, are judged once, in the end.

    Args:
        data: labelled rows: a path, or what Python holds, with a task then.
        models: which take part, by their names, or runs that have finished; all that learn the task and whose weights
            are here if not given.
        under: the most that the weights of one may take, such as `100MB`.
        within: the longest that fine-tuning one on all rows may take here, such as `10min`.
        finalists: how many are fine-tuned on all rows.
        ties: `smaller` takes the smallest of those that no test tells apart from the best, `best` that one.
        test: rows that choose nothing; a share of the data if not given.
        metric: the figure that decides; that of the task if not given.
        epochs: passes over the rows of each fine-tuning; as many as `finetune` takes if not given.
        test_share: of the rows, where there is no test.
        validation_share: of the other rows, to choose by.
        seed: of which rows are held out, and of their order.
        task: what is learnt; found by the data if not given.
        input: column of the inputs; found by its usual names if not given.
        label: column of the labels, or whatever the targets are; likewise.
        columns: names of columns by role, for a task that has others.
        separator: what stands between the labels of a text that holds several.
        classes: a file that says which class each value of a mask is.
        merge_labels: whether labels that look the same are one class.
        name: of the run and of the model that is picked.
        device: where models train and answer.
        precision: in which.
        on: the place that the run is handed over to, of those that `zoo places` lists; this machine if not given.
        requeue: whether it goes on by itself when that place has ended it.
        now: whether to start beside the runs that compute on the same accelerator, and not after them.

    Raises:
        ZooError: whatever is found to be wrong before the worker starts.
    """
    source = source_of(data, by_role(columns, input, label), separator, classes, merge_labels, eval_data=test)
    place = Place(device=device, precision=precision, on=on, requeue=requeue, now=now)
    job = Job(verb="pick", model="", task=task, source=source, place=place, name=name)
    picking = {
        "models": names_of_finished(models),
        "under": under,
        "within": within,
        "finalists": finalists,
        "ties": ties,
        "metric": metric,
        "epochs": epochs,
        "test_share": test_share,
        "validation_share": validation_share,
        "seed": seed,
    }
    return start_picking(job, picking)
