"""From data and models to the request of a run that picks one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from zoo.data.layout import Parts
from zoo.pick_jobs import _names, _of_parts
from zoo.sources import Source


def card(plugin: str, name: str) -> Any:
    return SimpleNamespace(name=name, full_name=f"{plugin}/{name}")


def test_each_model_has_a_name_of_its_own_which_is_not_that_of_the_floor() -> None:
    cards = [card("bert", "tiny"), card("bert", "floor"), card("hub", "a/b"), card("bert", "a-b"), card("gpt", "Tiny")]
    assert _names(cards) == ["tiny", "bert-floor", "a-b", "bert-a-b", "gpt-Tiny"]
    same = [card("x", "x-a/b"), card("x", "x/a-b"), card("x", "x-a-b")]
    assert len(set(_names(same))) == 3


def test_parts_of_data_that_are_not_looked_at_are_told() -> None:
    train, val, test = Path("/pets/train"), Path("/pets/val"), Path("/pets/test")
    unseen = "val is not looked at: rows to choose by are held out of train"
    whole = Source(data="/pets", eval_data=test)
    assert list(_of_parts(Parts(train, val, test), whole)) == [unseen]
    assert list(_of_parts(Parts(train, val), Source(data="/pets"))) == [
        "val is the test, as there is no part of that name"
    ]
    assert list(_of_parts(Parts(train, None, test), whole)) == []
    assert list(_of_parts(Parts(Path("/rows.csv")), Source(data="/rows.csv"))) == []
