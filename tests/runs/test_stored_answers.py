"""Answers that a model keeps are compared where it is loaded on a machine of another kind, once, with a word."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from zoo import Card, Classification, Options, PredictionRun, Rejected, Score
from zoo.kinds.image import IMAGE
from zoo.kinds.record import Record
from zoo.kinds.text import TEXT
from zoo.runs import stored_answers
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.store import create
from zoo.runs.stored_answers import FILE, FOLDER, compare_stored_answers, store_answers, usual_number
from zoo.tasks import get_task

TEXTS = [f"text {i}" for i in range(64)]
Said = list[str]


class Sure:
    """Says one label with one probability."""

    def __init__(self, probability: float) -> None:
        self._answer = Classification((Score("a", probability), Score("b", 1 - probability)))
        self.asked: list[Any] = []

    def predict(self, inputs: list[Any]) -> list[Any]:
        self.asked += inputs
        return [self._answer] * len(inputs)


class Broken:
    """Fails."""

    def predict(self, inputs: list[Any]) -> list[Any]:
        raise RuntimeError("no such kernel")


@pytest.fixture
def said() -> Said:
    return []


@pytest.fixture
def make_run(tmp_path: Path, said: Said) -> Callable[..., PredictionRun]:
    def make(task: str = "text-classification") -> PredictionRun:
        card = Card(name="small", task=task, family="f", summary="s", abilities=(), plugin="p")
        return PredictionRun(
            card=card,
            task=get_task(task),
            weights=tmp_path,
            options=Options(),
            device="cpu",
            precision="int8",
            note=said.append,
        )

    return make


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_answers, "cpu_model", lambda: "another processor")


def test_the_same_machine_asks_nothing(make_run: Callable[..., PredictionRun], said: Said) -> None:
    run, model = make_run(), Sure(0.9)
    assert store_answers(run.weights, run, TEXTS, model.predict(TEXTS)) == 64
    again = Sure(0.2)
    compare_stored_answers(run, again)
    assert (again.asked, said) == ([], [])


def test_another_machine_says_what_differs_once(
    make_run: Callable[..., PredictionRun], said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    store_answers(run.weights, run, TEXTS, Sure(0.9).predict(TEXTS))
    elsewhere(monkeypatch)

    model = Sure(0.8)
    compare_stored_answers(run, model)
    compare_stored_answers(run, model)

    assert model.asked == TEXTS
    (words,) = said
    assert words.startswith("small answers otherwise than on ")
    assert words.endswith(", cpu in int8: 64 of 64 stored answers differ by more than 0.05, at most 0.1")


def test_answers_that_are_nearly_the_same_are_no_news(
    make_run: Callable[..., PredictionRun], said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    store_answers(run.weights, run, TEXTS, Sure(0.9).predict(TEXTS))
    elsewhere(monkeypatch)
    compare_stored_answers(run, Sure(0.89))
    assert said == []


def test_files_are_kept_within_bounds(
    make_run: Callable[..., PredictionRun], tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run("image-classification")
    pictures = [tmp_path / f"{name}.PNG" for name in ("small", "large", "gone")]
    pictures[0].write_bytes(b"one")
    pictures[1].write_bytes(bytes(stored_answers.MOST_BYTES))
    paths = list(map(str, pictures))
    assert store_answers(run.weights, run, paths, [*Sure(0.9).predict(paths[:2]), Rejected("gone")]) == 1
    elsewhere(monkeypatch)

    model = Sure(0.9)
    compare_stored_answers(run, model)
    (kept,) = model.asked
    assert Path(kept).read_bytes() == b"one"
    assert Path(kept).is_relative_to(run.weights)


def test_files_that_are_parts_of_inputs_are_kept_too(
    make_run: Callable[..., PredictionRun], tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = msgspec.structs.replace(get_task("image-classification"), input=Record("question", image=IMAGE, text=TEXT))
    run = dataclasses.replace(make_run(), task=asked)
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"one")
    inputs = [{"image": str(path), "text": "what is it?"} for path in (picture, tmp_path / "gone.png")]
    assert store_answers(run.weights, run, inputs, Sure(0.9).predict(inputs)) == 1
    stored = msgspec.json.decode((run.weights / FOLDER / FILE).read_bytes())
    assert stored["rows"][0]["input"] == {"image": "1-image.png", "text": "what is it?"}
    elsewhere(monkeypatch)

    model = Sure(0.9)
    compare_stored_answers(run, model)
    (kept,) = model.asked
    assert kept["text"] == "what is it?"
    assert Path(kept["image"]).read_bytes() == b"one"


def test_no_folder_is_made_where_nothing_is_kept(make_run: Callable[..., PredictionRun], tmp_path: Path) -> None:
    run = make_run("image-classification")
    gone = [str(tmp_path / "gone.png")]
    assert store_answers(run.weights, run, gone, Sure(0.9).predict(gone)) == 0
    assert list(run.weights.iterdir()) == []


def test_none_are_kept_of_a_model_that_comes_from_one_that_learnt_privately(
    store: Path, make_run: Callable[..., PredictionRun]
) -> None:
    def run_of(name: str, model: str, before: bool | None = None, **options: object) -> None:
        data = DataRequest(path="/nowhere.csv")
        task = "text-classification"
        make = partial(RunRequest, verb="finetune", plugin="p", task=task, data=data, private_before=before)
        create(make(name=name, model=model, options=options))

    run_of("private", "p/plain", private="eps=8")
    run_of("child", "p/private")
    run_of("open", "p/plain", before=False)
    card = make_run().card
    numbers = {name: usual_number(msgspec.structs.replace(card, name=name)) for name in ("private", "child", "open")}
    assert numbers == {"private": 0, "child": 0, "open": 64}


@pytest.mark.parametrize("damaged", [True, False])
def test_whatever_is_wrong_is_a_word(
    make_run: Callable[..., PredictionRun], said: Said, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    run = make_run()
    store_answers(run.weights, run, TEXTS, Sure(0.9).predict(TEXTS))
    path = run.weights / "stored_answers" / "answers.json"
    if damaged:
        path.write_text(json.dumps({"rows": 3}))
    elsewhere(monkeypatch)
    compare_stored_answers(run, Broken())
    (words,) = said
    assert words.startswith("the stored answers of small could not be compared: ")
