"""What is seen of inputs without any network."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from zoo.kinds import INPUT_KINDS
from zoo.kinds.image import IMAGE
from zoo.kinds.text import TEXT


def test_words_that_are_rare_say_more() -> None:
    vectors = TEXT.plain_vectors(iter(["a cat sat", "a cat ran", "a dog ran"]))
    assert vectors is not None
    learnt, vectors_of = vectors
    asked = vectors_of(iter(["a dog", "nothing known"]))
    assert np.linalg.norm(learnt, axis=1) == pytest.approx([1, 1, 1])
    assert learnt[0] @ learnt[1] > learnt[0] @ learnt[2]
    assert not asked[1].any()


def test_colours_and_edges_tell_pictures_apart() -> None:
    red, blue = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    striped = Image.fromarray(np.tile(np.array([[0] * 4 + [255] * 4], np.uint8), (32, 8))).convert("RGB")
    vectors = IMAGE.plain_vectors(iter([red, blue, striped]))
    assert vectors is not None
    learnt, vectors_of = vectors
    assert np.allclose(learnt[0], vectors_of(iter([red]))[0])
    assert np.linalg.norm(learnt[0] - learnt[1]) > 0.1
    assert np.linalg.norm(learnt[2] - learnt[1]) > 0.1


def test_what_has_such_vectors_says_what_they_are_of() -> None:
    for kind in INPUT_KINDS:
        assert bool(kind.plainly) == (kind.plain_vectors(["a", "b"]) is not None) or kind is IMAGE
