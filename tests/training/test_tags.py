"""Of all tags that may follow one another, the most probable ones are found; other schemes are read as they are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from zoo.hub_config import TOKENS
from zoo.metrics.tags import conlleval_spans, iob2_tags, strict_spans
from zoo.training.head import HeadConfig
from zoo.training.text.tags import TagDecoder, iob2_head

TYPES = ("person", "place")
TAGS = iob2_tags(TYPES)
DECODER = TagDecoder(iob2_head(TYPES))


def is_well_formed(tags: tuple[str, ...]) -> bool:
    return conlleval_spans(tags) == strict_spans(tags)


def test_the_most_probable_tags_that_may_follow_one_another_are_found() -> None:
    draws = np.random.default_rng(3)
    corrected = 0
    for _ in range(30):
        probabilities = draws.dirichlet([0.4] * len(TAGS), 4).astype(np.float32)
        best = DECODER.best(probabilities)
        allowed = DECODER.allowed(probabilities, best)
        paths = (path for path in itertools.product(range(len(TAGS)), repeat=4) if is_well_formed(named(path)))
        expected = max(paths, key=lambda path: np.log(probabilities[range(4), path]).sum())
        assert tuple(allowed) == expected
        corrected += allowed is not best
        assert DECODER.spans(allowed) == strict_spans(named(expected))
    assert 0 < corrected < 30


def named(path: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(TAGS[index] for index in path)


def test_a_word_of_probability_one_and_a_single_word() -> None:
    certain = np.eye(len(TAGS), dtype=np.float32)[[2, 2, 0]]  # inside, inside, outside: that cannot be
    assert strict_spans(named(tuple(DECODER.allowed(certain, DECODER.best(certain))))) in ([], [(0, 2, "person")])
    assert DECODER.allowed(certain[:1], [2]) != [2]


@pytest.mark.parametrize(
    ("labels", "tags", "spans"),
    [
        (("I-PER", "B-PER", "O"), "I-PER I-PER B-PER O I-PER", [(0, 2, "PER"), (2, 3, "PER"), (4, 5, "PER")]),
        (("O", "S-x", "B-x", "I-x", "E-x"), "S-x B-x I-x E-x B-x", [(0, 1, "x"), (1, 4, "x"), (4, 5, "x")]),
        (
            ("O", "U-x", "B-x", "I-x", "L-x"),
            "U-x U-x B-x L-x I-x",
            [(0, 1, "x"), (1, 2, "x"), (2, 4, "x"), (4, 5, "x")],
        ),
        (("O", "verb", "noun"), "verb verb noun O noun", [(0, 2, "verb"), (2, 3, "noun"), (4, 5, "noun")]),
    ],
)
def test_tags_of_other_schemes_are_read_as_they_are(
    labels: tuple[str, ...], tags: str, spans: list[tuple[int, int, str]]
) -> None:
    decoder = TagDecoder(HeadConfig(problem_type=TOKENS, labels=labels))
    probabilities = np.eye(len(labels), dtype=np.float32)[[labels.index(tag) for tag in tags.split()]]
    best = decoder.best(probabilities)
    assert decoder.allowed(probabilities, best) is best
    assert decoder.spans(best) == spans


def test_what_a_head_of_tags_is() -> None:
    head = iob2_head(TYPES)
    assert str(head) == "spans of 2 labels"
    assert HeadConfig.from_transformers(head.to_transformers()) == head
    assert "problem_type" not in head.to_transformers()
    assert HeadConfig.from_transformers({"architectures": ["XForTokenClassification"], "id2label": {"0": "O"}}) == (
        HeadConfig(problem_type=TOKENS, labels=("O",))
    )
