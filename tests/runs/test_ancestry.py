"""Which runs a model has come of."""

from __future__ import annotations

from pathlib import Path

import msgspec

from zoo.data.example import Example
from zoo.data.splitting import input_key
from zoo.runs import store as runs
from zoo.runs.ancestry import makers, parent_of
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.result import MANIFEST, ResultManifest
from zoo.runs.store import RunFolder
from zoo.runs.trained_on import count_trained_on, record

LEARNT, PICKED_BY = Example("a parent has learnt this", "a", 1), Example("the run has learnt this", "a", 2)


def make(name: str, model: str, verb: str = "finetune") -> RunFolder:
    return runs.create(
        RunRequest(
            name=name,
            verb=verb,  # type: ignore[arg-type]
            model=f"bert/{model}",
            plugin="bert",
            task="text-classification",
            data=DataRequest(path="/rows.csv"),
        )
    )


def test_what_was_picked_comes_of_the_one_that_was_taken(store: Path) -> None:
    record(make("small-own", "bert-tiny"), [input_key(LEARNT)])
    picked = make("picked", "bert-small", "pick")  # the largest of those that were tried
    record(picked, [input_key(PICKED_BY)])
    record(make("further", "picked"), [])

    assert parent_of(picked) == ""
    assert [folder.name for folder in makers("further")] == ["further", "picked"]
    picked.model_folder.mkdir()
    manifest = ResultManifest(
        name="picked", plugin="bert", base="bert-tiny", parent="small-own", verb="finetune", task="text-classification"
    )
    (picked.model_folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))

    assert [folder.name for folder in makers("further")] == ["further", "picked", "small-own"]
    assert count_trained_on("further", [LEARNT, PICKED_BY]) == 2
    assert count_trained_on("small-own", [LEARNT, PICKED_BY]) == 1
    assert list(makers("bert-tiny")) == []


def test_names_that_were_given_anew_lead_nowhere_twice(store: Path) -> None:
    make("one", "other")
    make("other", "one")
    assert [folder.name for folder in makers("one")] == ["one", "other"]
