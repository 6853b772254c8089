"""What an option of a sweep may be: as lists, as ranges, as texts that say either; each fault has its word."""

from __future__ import annotations

import random
from array import array
from typing import Any

import pytest

from zoo.errors import OptionInvalid
from zoo.hyperparameters import FinetuneOptions
from zoo.options import schema
from zoo.sweeps.values import Listed, Range, read_values

OPTIONS = {one.name: one for one in schema(FinetuneOptions)}


@pytest.mark.parametrize(
    ("name", "said", "values"),
    [
        ("lr", [1e-5, "3e-5", 1e-5], Listed((1e-5, 3e-5))),
        ("lr", "1e-5, 3e-5", Listed((1e-5, 3e-5))),
        ("lr", 1, Listed((1.0,))),
        ("lr", "1e-5..1e-3", Range(1e-5, 1e-3, log=True, whole=False)),
        ("lr", "1e-4..2e-4", Range(1e-4, 2e-4, log=False, whole=False)),
        ("lr", "1e-5..1e-3:linear", Range(1e-5, 1e-3, log=False, whole=False)),
        ("batch_size", {"low": 8, "high": 16, "scale": "log"}, Range(8, 16, log=True, whole=True)),
        ("method", "full,lora", Listed(("full", "lora"))),
        ("seed", range(3), Listed((0, 1, 2))),
        ("seed", array("i", [3, 4]), Listed((3, 4))),
        ("epochs", "auto,3", Listed((None, 3.0))),
        ("activation_checkpointing", [True, "no"], Listed((True, False))),
    ],
)
def test_values_are_read(name: str, said: Any, values: Listed | Range) -> None:
    assert read_values(OPTIONS[name], said) == values
    assert read_values(OPTIONS[name], values.said()) == values


@pytest.mark.parametrize(
    ("name", "said", "message"),
    [
        ("lr", "0..1", "--lr is '0', but takes a number, more than 0"),
        ("lr", "1e-3..1e-5", "the range of lr is from 1e-3 to 1e-5"),
        ("lr", {"low": 1, "hihg": 2}, "the range of lr has 'hihg'"),
        ("lr", {"low": 1}, "the range of lr has no high"),
        ("lr", "1..2:lg", "the scale of lr is 'lg'"),
        ("lr", "", "lr has no values"),
        ("lr", [], "lr has no values"),
        ("lr", "1e-5..", "--lr is '1e-5..'"),
        ("lr", "1e-5...1e-3", "--lr is '1e-5...1e-3'"),
        ("lr", "1e-5,,3e-5", "value 2 of lr is empty"),
        ("lr", {"low": "auto", "high": 1}, "the range of lr is from auto to 1"),
        ("warmup", "0..0.5:log", "begins at 0.0, which has no logarithm"),
        ("method", "1..2", "method is given a range"),
        ("batch_size", [16, 2.5], "--batch-size is 2.5"),
    ],
)
def test_what_is_no_value_has_one_message(name: str, said: Any, message: str) -> None:
    with pytest.raises(OptionInvalid) as raised:
        read_values(OPTIONS[name], said)
    assert message in raised.value.message
    assert raised.value.hint


def test_what_is_drawn_is_within_the_range() -> None:
    draws = random.Random(1)
    rate = Range(1e-5, 1e-3, log=True, whole=False)
    drawn = [rate.draw(draws) for _ in range(400)]
    assert all(isinstance(one, float) and 1e-5 <= one <= 1e-3 for one in drawn)
    assert 0.4 < sum(one < 1e-4 for one in drawn if one) / 400 < 0.6  # half of it below, by logarithms
    size = Range(8, 11, log=False, whole=True)
    assert {size.draw(draws) for _ in range(200)} == {8, 9, 10, 11}
