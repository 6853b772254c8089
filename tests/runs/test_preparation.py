"""What a run works with stays the same, however often it is resumed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.weights_factory import weights, write_files
from zoo.card import Ability, Card, FolderSource
from zoo.runs import store as runs
from zoo.runs.attempt import Worker
from zoo.runs.events import Noted
from zoo.runs.log import read_events
from zoo.runs.preparation import fetch_weights
from zoo.runs.request import DataRequest, RunRequest

TASK = "text-classification"
OWN, PACKED = {"model.safetensors": b"as published"}, {"model.gguf": b"packed"}


@pytest.fixture
def worker(store: Path) -> Worker:
    data = DataRequest(path="/nowhere.csv")
    request = RunRequest(name="r", verb="finetune", model="toy/bird", plugin="toy", task=TASK, data=data)
    return Worker(runs.create(request), request, rank=0, world_size=1)


def test_a_resumed_run_stays_with_the_weights_it_began_with(worker: Worker, tmp_path: Path) -> None:
    own, packed = tmp_path / "own", tmp_path / "packed"
    alternative = weights(PACKED, FolderSource(path=str(write_files(packed, PACKED))))
    card = Card(
        name="bird",
        task=TASK,
        family="toy",
        summary="a toy",
        abilities=(Ability(verb="predict", task=TASK),),
        weights=msgspec.structs.replace(
            weights(OWN, FolderSource(path=str(own))),
            alternatives=(msgspec.structs.replace(alternative, variant="4 bits"),),
        ),
    )

    assert packed == fetch_weights(worker, card)
    write_files(own, OWN)
    assert packed == fetch_weights(worker, card)

    notes = [event.message for event in read_events(worker.folder)[0] if isinstance(event, Noted)]
    assert ["the weights of bird are those in 4 bits"] == notes
