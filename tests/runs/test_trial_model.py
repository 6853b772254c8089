"""Models that are trained to judge rows: what is said of those that the first of them knows already."""

from __future__ import annotations

import msgspec

from zoo.card import Card
from zoo.data.example import Example
from zoo.data.splitting import input_key
from zoo.runs import store
from zoo.runs.attempt import Worker
from zoo.runs.events import Warned
from zoo.runs.log import read_events
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.trained_on import record
from zoo.runs.trial_model import warn_of_learnt
from zoo.tasks import get_task

TASK = get_task("text-classification")


def test_rows_that_the_first_model_has_learnt_are_told() -> None:
    request = RunRequest(
        name="parent",
        verb="finetune",
        model="toy/bird",
        plugin="toy",
        task=TASK.name,
        data=DataRequest(path="rows.csv", sha256=""),
    )
    record(store.create(request), [input_key(Example(text)) for text in ("one", "two")])
    folder = store.create(msgspec.structs.replace(request, name="child", model="toy/parent"))
    worker, rows = Worker(folder, folder.request, 0, 1), [Example("two"), Example("three")]

    for name in ("parent", "bird"):
        card = Card(name=name, task=TASK.name, family="f", summary="s", abilities=())
        warn_of_learnt(worker, card, rows)

    (warning,) = (event.message for event in read_events(folder)[0] if isinstance(event, Warned))
    assert warning.startswith("1 of 2 rows that judge is among those that parent was trained on")
