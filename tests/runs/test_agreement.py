"""Two forms of a model answer alike where they say the same: number by number, letter by letter, pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zoo.answers import (
    Classification,
    Detections,
    Embedding,
    GeneratedText,
    Prediction,
    Rejected,
    Score,
    SegmentedImage,
    TaggedSpans,
    Transcript,
)
from zoo.runs.agreement import agreement_of, difference


def mask(indexes: np.ndarray) -> SegmentedImage:
    return SegmentedImage.of_indexes(indexes, ("sky", "sea"))


HALVES = np.repeat([[0], [1]], 50, axis=0).repeat(100, axis=1)
"""Of 100 x 100 pixels."""


def changed(pixels: int) -> np.ndarray:
    """As many of sky as of sea, so that shares stay as they are."""
    indexes = HALVES.copy()
    indexes[0, : pixels // 2], indexes[-1, : pixels // 2] = 1, 0
    return indexes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Transcript("one two"), Transcript("two one")),
        (Transcript("a" * 5000), Transcript("a" * 4999 + "b")),
        (GeneratedText("ab", "end", 2), GeneratedText("ba", "end", 2)),
        (mask(HALVES), mask(HALVES[::-1])),
        (mask(HALVES), mask(changed(12))),
        (mask(HALVES), mask(HALVES[:, :50])),
        (Embedding((1.0, 2.0)), Embedding((1.0, math.nan))),
        (Embedding((1.0, 2.0)), Embedding((math.nan, 2.0))),
        (Embedding((math.inf, 2.0)), Embedding((math.inf, 2.0))),
        (Rejected("too short"), Transcript("")),
    ],
)
def test_what_is_said_otherwise_does_not_agree(one: Prediction, other: Prediction) -> None:
    same = Embedding((0.5, 0.5))
    agreement = agreement_of([same, one, same], [same, other, same])
    assert not agreement.agrees
    assert agreement.changed == 1
    assert agreement.largest > 1e-3


@pytest.mark.parametrize(
    "answer",
    [Transcript("one two"), mask(HALVES), Embedding((0.5, 2e6)), Rejected("too short")],
)
def test_the_same_agrees(answer: Prediction) -> None:
    assert agreement_of([answer], [answer])[:3] == (1, 0, 0.0)


@pytest.mark.parametrize("answer", [Detections((), 90, 80), TaggedSpans("a", ()), Transcript("a")])
def test_that_there_were_no_numbers_to_compare_is_said(answer: Prediction) -> None:
    agreement = agreement_of([answer, Embedding((0.5, 2.0))], [answer, Embedding((0.5, 2.0))])
    assert agreement == (2, 0, 0.0, 1)
    assert str(agreement).endswith("; 1 of them had no numbers to compare")


def test_a_few_pixels_between_two_labels_are_rounding() -> None:
    assert agreement_of([mask(HALVES)], [mask(changed(8))]) == (1, 0, pytest.approx(8e-4), 0)


def test_labels_that_were_cut_off_may_count_or_not() -> None:
    one = Classification((Score("a", 0.5), Score("b", 0.3)))
    other = Classification((Score("a", 0.5), Score("c", 0.3)))
    assert difference(one, other) == pytest.approx(0.3)
    assert difference(one, other, of_common=True) == 0
    assert difference(one, Classification((Score("c", 1.0),)), of_common=True) == 1
