"""Whose labels a look at them can doubt: of rows with labels, by a model that makes one vector of an input."""

from __future__ import annotations

from zoo.answers import BaseAnswer
from zoo.card import Card
from zoo.data import load
from zoo.data.layout import parts_of
from zoo.enough_rows import check_judged_labels
from zoo.errors import Unsupported
from zoo.job_paths import existing
from zoo.plugin_checks import BODY
from zoo.plugins import load_plugin
from zoo.runs.request import DataRequest
from zoo.sources import Source
from zoo.tasks.task import POOLED, Task


def label_data(source: Source, card: Card, task: Task) -> DataRequest:
    """Check the rows whose labels are to be looked at, and the model that shall do it.

    Args:
        source: as a person names them; of a folder that is divided into parts those to train on.
        card: of the model.
        task: that the labels are for.

    Raises:
        Unsupported: the model has learnt nothing, or makes no vectors, or the task has no such labels.
        DatasetInvalid: the rows cannot be read, or are too few.
    """
    if card.weights is None:
        raise Unsupported(f"{card.name} has learnt nothing yet", card.training_advice)
    chooses = task.answer.log_odds is not BaseAnswer.log_odds and task.target is not None
    if not chooses or not task.needs >= POOLED:
        raise Unsupported(
            f"{task.name} has no labels of whole inputs that could be doubted one by one",
            "--labels takes data with a label, or several, in each row; zoo tasks lists the tasks",
        )
    if BODY not in load_plugin(card.plugin).hooks:
        raise Unsupported(
            f"plugin {card.plugin} gives no body, and so no vectors of inputs that labels could be read from",
            "choose a model of another plugin",
        )
    path, _, _ = parts_of(existing(source.data))
    columns = dict(source.columns)
    dataset = load(path, task, columns=columns, trained=card.columns, merge=source.merge_labels)
    check_judged_labels(str(path), len(dataset.examples))
    return DataRequest(
        path=str(path),
        sha256=dataset.sha256,
        columns=columns,
        separator=source.separator,
        classes=str(source.classes),
        merge_labels=source.merge_labels,
    )
