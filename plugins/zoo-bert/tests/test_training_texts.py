"""No text is cut unless somebody asks for it or the model cannot read more, and then it is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo import Example
from zoo.runs.events import AnyEvent, Noted, Warned
from zoo.testing import PluginHooks
from zoo.training.objectives import Classification, MaskedLanguageModelling

plugin = PluginHooks("bert")

Objective = Classification | MaskedLanguageModelling
Train = Callable[..., tuple[Objective, list[str]]]


def examples(*lengths: int) -> tuple[Example, ...]:
    """One of each length in tokens, `[CLS]` and `[SEP]` included."""
    return tuple(Example("late " * (n - 2), "ab"[i % 2], i + 1) for i, n in enumerate(lengths))


@pytest.fixture
def train(make_run, minilm: Path) -> Train:
    """An objective on MiniLM, and what its run was told."""

    def build(*lengths: int, verb: str = "finetune", held_out: tuple[int, ...] = (), **options: Any) -> Any:
        events: list[AnyEvent] = []
        labels = ("a", "b") if verb == "finetune" else ()
        arguments = {"train": examples(*lengths), "eval": examples(*held_out), "labels": labels, "emit": events.append}
        run = make_run("all-minilm-l6-v2", verb=verb, weights=minilm, options=options, **arguments)
        objective = getattr(plugin, verb)(run)
        levels = {Noted: "note", Warned: "warning"}
        return objective, [f"{levels[type(e)]}: {e.message}" for e in events if isinstance(e, Noted | Warned)]

    return build


def lengths_of(objective: Any, *lengths: int) -> list[int]:
    return [objective.length(feature) for feature in objective.features(examples(*lengths))]


@pytest.mark.parametrize("verb", ["finetune", "pretrain"])
def test_the_limit_is_the_smallest_that_cuts_no_text(verb: str, train: Train, tmp_path: Path) -> None:
    objective, messages = train(20, 173, 30, 20, verb=verb)

    assert [20, 173, 30, 20] == lengths_of(objective, 20, 173, 30, 20)
    assert [173, 173] == lengths_of(objective, 173, 400)  # what turns up later
    assert [
        "note: tokens: the longest text has 173, none is cut (limit 173)",
        "note: tokens: a limit of 173 takes about 1.2 times the computing of --max-tokens 128, "
        "with which 1 of 4 texts (25.0%) is cut",
    ] == messages
    objective.export(objective.module.eval(), tmp_path)
    assert 173 == json.loads((tmp_path / "tokenizer_config.json").read_text())["model_max_length"]


def test_held_out_texts_count(train: Train) -> None:
    objective, _ = train(20, 30, held_out=(200,))
    assert [200] == lengths_of(objective, 200)


def test_short_texts_leave_the_limit_as_it_was(train: Train) -> None:
    objective, messages = train(20, 30)
    assert [128] == lengths_of(objective, 400)
    assert 64 == objective.micro_batch_size
    assert ["note: tokens: the longest text has 30, none is cut (limit 128)"] == messages


def test_what_the_model_was_made_for_is_never_exceeded_unasked(train: Train) -> None:
    objective, messages = train(20, 257, 300)
    assert [256, 256] == lengths_of(objective, 257, 300)
    assert (
        "warning: 2 of 3 texts (66.7%) are cut at 256 tokens, which is what all-minilm-l6-v2 was made for; "
        "the longest has 300; --max-tokens takes up to 512"
    ) == messages[0]


def test_a_limit_that_was_asked_for_tells_what_it_cuts(train: Train) -> None:
    objective, messages = train(20, 64, 65, 173, max_tokens=64)
    assert [20, 64, 64, 64] == lengths_of(objective, 20, 64, 65, 173)
    assert [
        "warning: 2 of 4 texts (50.0%) are cut at 64 tokens; the longest has 173; --max-tokens auto cuts none"
    ] == messages

    objective, messages = train(20, 300, max_tokens=512)
    assert [300] == lengths_of(objective, 300)
    assert "note: tokens: the longest text has 300, none is cut (limit 512)" == messages[0]
    assert ["note: tokens: the longest text has 20, none is cut (limit 512)"] == train(20, max_tokens=512)[1]


def test_long_texts_are_computed_in_smaller_parts(train: Train) -> None:
    assert (32, 16) == (train(256)[0].micro_batch_size, train(20, max_tokens=512)[0].micro_batch_size)
