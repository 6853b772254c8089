"""What a teacher says of words reaches those of a pupil, whatever the tags of the one and the words of the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zoo.answers import ProbabilityTable, Quantity, TaggedSpans
from zoo.errors import Unsupported
from zoo.hub_config import TOKENS
from zoo.metrics.tags import iob2_tags
from zoo.training.head import HeadConfig
from zoo.training.objectives.tag_lessons import tag_lesson
from zoo.training.text.tags import TagDecoder, iob2_head

TAGS = iob2_tags(("place", "person"))
TEXT = "Ada don't London-based"


def answer(words: list[str], probabilities: list[list[float]], tags: tuple[str, ...] = TAGS) -> TaggedSpans:
    return TaggedSpans(
        TEXT, (), words=places_of(words), probabilities=ProbabilityTable.of(np.array(probabilities), tags)
    )


def places_of(words: list[str]) -> tuple[tuple[int, int], ...]:
    """Of words in the order of the text."""
    places, end = [], 0
    for word in words:
        start = TEXT.index(word, end)
        end = start + len(word)
        places.append((start, end))
    return tuple(places)


def taught(said: TaggedSpans, words: list[str]) -> list[list[float]]:
    """Probabilities that the pupil's words are taught, to three digits; None where none are."""
    lesson = tag_lesson(said, places_of(words), TAGS)
    assert lesson.dtype == np.float16
    return [np.exp(row.astype(float)).round(3).tolist() if row.any() else [] for row in lesson]


PERSON, PLACE, OTHER = [0.1, 0, 0, 0.7, 0.2], [0.2, 0.5, 0.3, 0, 0], [1.0, 0, 0, 0, 0]


def test_the_same_words_are_taught_as_they_are() -> None:
    words = ["Ada", "don't", "London-based"]
    assert taught(answer(words, [PERSON, OTHER, PLACE]), words) == pytest.approx(
        np.array([PERSON, OTHER, PLACE]), abs=2e-3
    )


def test_parts_of_a_word_go_on_what_it_begins() -> None:
    said = answer(["Ada", "don't", "London-based"], [PERSON, OTHER, PLACE])
    lesson = taught(said, ["Ada", "don", "'", "t", "London", "-", "based"])
    assert lesson[3] == OTHER
    assert lesson[4] == pytest.approx(PLACE, abs=2e-3)
    assert lesson[5] == lesson[6] == pytest.approx([0.2, 0, 0.8, 0, 0], abs=2e-3)


def test_a_word_of_several_learns_from_the_first_and_what_the_teacher_leaves_out_is_not_learnt() -> None:
    said = answer(["don", "'", "London"], [OTHER, PERSON, PLACE])
    lesson = taught(said, ["Ada", "don't", "London-based"])
    assert lesson[0] == []
    assert lesson[1] == OTHER
    assert lesson[2] == pytest.approx(PLACE, abs=2e-3)


def test_tags_are_known_by_their_names() -> None:
    order = [2, 4, 0, 3, 1]
    names, mixed = tuple(TAGS[i] for i in order), [[PLACE[i] for i in order]]
    assert taught(answer(["Ada"], mixed, names), ["Ada"])[0] == pytest.approx(PLACE, abs=2e-3)


@pytest.mark.parametrize("said", [TaggedSpans(TEXT, ()), Quantity(value=1.0)])
def test_an_answer_without_probabilities_teaches_nothing(said: Any) -> None:
    with pytest.raises(Unsupported, match="does not say how probable each tag is"):
        tag_lesson(said, places_of(["Ada"]), TAGS)


@pytest.mark.parametrize(
    ("labels", "said", "expected"),
    [
        # BILOU: a single word begins, the last goes on
        (("O", "B-a", "I-a", "L-a", "U-a"), [[0.1, 0.3, 0.1, 0.1, 0.4]], [[0.1, 0.7 + 0.2, 0.0]]),
        # without letters: what follows its own type goes it on
        (("O", "a"), [[0.2, 0.8], [0.5, 0.5]], [[0.2, 0.8, 0.0], [0.5, 0.1, 0.4]]),
    ],
)
def test_other_schemes_are_told_as_iob2(
    labels: tuple[str, ...], said: list[list[float]], expected: list[list[float]]
) -> None:
    tags, probabilities = TagDecoder(HeadConfig(problem_type=TOKENS, labels=labels)).iob2(np.array(said))
    assert tags == ("O", "B-a", "I-a")
    assert probabilities == pytest.approx(np.array(expected))


def test_iob2_is_told_as_it_is() -> None:
    said = np.array([PERSON, PLACE])
    tags, probabilities = TagDecoder(iob2_head(("place", "person"))).iob2(said)
    assert tags == TAGS
    assert probabilities is said
