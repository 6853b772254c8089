"""Folds of a run: which rows are kept together, and what the run says of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from zoo.data import load
from zoo.runs.attempt import Worker
from zoo.runs.dealing import dealt
from zoo.runs.events import AnyEvent, Noted, Warned
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.store import RunFolder
from zoo.tasks import get_task

TASK = get_task("text-classification")


class Hearing(Worker):
    """A worker that is asked what it told."""

    def __init__(self, path: Path) -> None:
        data = DataRequest(path=str(path), sha256="")
        request = RunRequest(name="r", verb="finetune", model="m/m", plugin="m", task=TASK.name, data=data)
        super().__init__(RunFolder(path.parent), request, 0, 1)
        self.told: list[AnyEvent] = []

    def emit(self, event: AnyEvent) -> None:
        self.told.append(event)


@pytest.mark.parametrize(
    ("people", "together", "said"),
    [
        (12, True, ["rows with the same user_id are in the same fold"]),
        (
            4,
            False,
            ["rows with the same user_id are in several folds: it tells 4 groups apart, and there are 5 folds"],
        ),
        (1, False, []),
    ],
)
def test_rows_of_a_person_stay_together_where_there_are_as_many_as_folds(
    people: int, together: bool, said: Sequence[str], tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    lines = (f"text {row},{'ab'[row % 2]},u{row % people}" for row in range(60))
    path.write_text("text,label,user_id\n" + "\n".join(lines) + "\n")
    worker, dataset = Hearing(path), load(path, TASK)

    folds = dealt(worker, TASK, dataset, dataset.examples, 5)

    assert [event.message for event in worker.told if isinstance(event, Noted | Warned)] == said
    assert sorted(set(folds)) == [0, 1, 2, 3, 4]
    of_people = {(row % people, fold) for row, fold in enumerate(folds)}
    assert (len(of_people) == people) is together
