"""What a split promises, whatever the data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from zoo.data import Dataset, Example, split
from zoo.errors import OptionInvalid


def dataset(*rows: tuple[str, str | None]) -> Dataset:
    examples = tuple(Example(text, label, number) for number, (text, label) in enumerate(rows, start=1))
    return Dataset("data.csv", examples, {"input": "text", "label": "label"})


MIXED = dataset(*((f"text {i}", "abc"[min(i % 10, 2)]) for i in range(1000)))


def test_each_label_is_divided_in_the_same_share_and_order_is_kept() -> None:
    train, evaluation = split(MIXED, 0.2, seed=7)
    assert Counter(example.label for example in evaluation) == {"a": 20, "b": 20, "c": 160}
    assert sorted([*train, *evaluation], key=lambda example: example.row) == list(MIXED.examples)
    assert [e.row for e in train] == sorted(e.row for e in train)
    assert [e.row for e in evaluation] == sorted(e.row for e in evaluation)


def test_the_same_seed_gives_the_same_split_in_another_process() -> None:
    program = (
        "from zoo.data import *\n"
        "rows = tuple(Example(f'text {i}', 'abc'[min(i % 10, 2)], i + 1) for i in range(1000))\n"
        "print([e.row for e in split(Dataset('d', rows, {'input': 'text', 'label': 'label'}), 0.2, 7)[1]])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "3"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == str([example.row for example in split(MIXED, 0.2, 7)[1]])


def test_another_seed_gives_another_split() -> None:
    assert split(MIXED, 0.2, 7) != split(MIXED, 0.2, 8)


def test_which_rows_are_held_out_does_not_depend_on_their_order() -> None:
    turned = Dataset("data.csv", MIXED.examples[::-1], MIXED.columns)
    assert set(split(MIXED, 0.1, 1)[1]) == set(split(turned, 0.1, 1)[1])


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_every_label_with_two_texts_is_on_both_sides(share: float) -> None:
    rows = dataset(*((f"{label} {i}", label) for label, n in {"a": 2, "b": 3, "c": 50}.items() for i in range(n)))
    for seed in range(20):
        for side in split(rows, share, seed):
            assert {example.label for example in side} == {"a", "b", "c"}


def test_a_label_with_one_text_is_trained_on() -> None:
    rows = dataset(("only", "a"), *((f"text {i}", "b") for i in range(10)), ("same", "c"), ("same", "c"))
    train, evaluation = split(rows, 0.3, 0)
    assert {example.label for example in train} == {"a", "b", "c"}
    assert {example.label for example in evaluation} == {"b"}


def test_the_same_text_is_never_on_both_sides() -> None:
    rows = dataset(*((f"text  {i % 40}" if i % 3 else f" text {i % 40}\n", "ab"[i % 2]) for i in range(400)))
    for seed in range(10):
        train, evaluation = ({" ".join(example.input.split()) for example in side} for side in split(rows, 0.25, seed))
        assert train & evaluation == set()
        assert evaluation


def test_many_copies_of_one_text_do_not_swell_the_held_out_part() -> None:
    rows = dataset(*((("copy" if i < 500 else f"text {i}"), "a") for i in range(1000)), ("x", "b"), ("y", "b"))
    for seed in range(10):
        assert len(split(rows, 0.1, seed)[1]) in (101, 501 - 400)


def test_no_label_loses_all_its_rows_where_labels_contradict_each_other() -> None:
    for seed in range(50):
        rows = dataset(("one", "a"), ("one", "b"), ("two", "a"), ("two", "b"), ("three", "a"), ("four", "a"))
        train, _ = split(rows, 0.5, seed)
        assert {example.label for example in train} == {"a", "b"}


def test_unlabelled_rows_are_divided_too() -> None:
    train, evaluation = split(dataset(*((f"text {i}", None) for i in range(100))), 0.1, 0)
    assert (len(train), len(evaluation)) == (90, 10)


def test_nothing_is_held_out_of_a_single_row_or_with_a_share_of_none() -> None:
    assert split(dataset(("only", None)), 0.5, 0)[1] == ()
    assert split(MIXED, 0, 0) == (MIXED.examples, ())


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_out_of_bounds_is_refused(share: float) -> None:
    with pytest.raises(OptionInvalid, match="share"):
        split(MIXED, share, 0)
