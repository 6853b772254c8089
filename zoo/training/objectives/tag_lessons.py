"""What a teacher says of the words of a text, for a pupil that may divide it into other words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.answers import Answer, TaggedSpans
from zoo.errors import Unsupported
from zoo.metrics.tags import BEGIN, INSIDE
from zoo.training.objectives.pooled import SMALLEST
from zoo.training.text.tags import Array

Words = Sequence[tuple[int, int]]
"""First character of each word, and the one after its last."""


def tag_lesson(answer: Answer, words: Words, tags: Sequence[str]) -> Array:
    """Logarithm of the probability of each tag of a pupil's words; zeros where the teacher has no such word.

    A word learns from the teacher's word that its first character lies in, or the first one that it covers. Where the
    teacher's begins before it, it goes on what that one begins.

    Args:
        answer: of the teacher, with probabilities.
        words: of the pupil.
        tags: of the pupil, of the scheme IOB2.

    Returns:
        Half precision, shape (words, tags).

    Raises:
        Unsupported: the teacher does not say how probable tags are.
    """
    if not isinstance(answer, TaggedSpans) or answer.probabilities is None or answer.words is None:
        raise Unsupported(
            "the teacher does not say how probable each tag is", "choose one of a plugin that takes --probabilities"
        )
    of_tag = {tag: index for index, tag in enumerate(answer.probabilities.labels)}
    said = answer.probabilities.array()
    probabilities = np.zeros((len(said), len(tags)), np.float32)
    for index, tag in enumerate(tags):
        if tag in of_tag:
            probabilities[:, index] = said[:, of_tag[tag]]
    begins = [index for index, tag in enumerate(tags) if tag.startswith(BEGIN)]
    inside = [tags.index(INSIDE + tags[index][len(BEGIN) :]) for index in begins]
    lesson = np.zeros((len(words), len(tags)), np.float16)
    at = 0
    for number, (start, end) in enumerate(words):
        while at < len(answer.words) and answer.words[at][1] <= start:
            at += 1
        if at == len(answer.words):
            break
        if answer.words[at][0] < end:
            own = probabilities[at].copy()
            if start > answer.words[at][0]:
                own[inside] += own[begins]
                own[begins] = 0
            lesson[number] = np.log(own.clip(SMALLEST, 1))
    return lesson
