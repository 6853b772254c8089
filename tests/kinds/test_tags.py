"""Tags of every scheme say the same spans, the scheme shows in them, and what breaks it is reported."""

from __future__ import annotations

import random

import pytest

from zoo.kinds.tags import BrokenTag, TaggedWords, is_tag, scheme_of, spans_of_words

SCHEMES = ("IOB1", "IOB2", "BIOES", "BILOU", "IO")
Sentence = list[tuple[int, int, str]]


def written(spans: Sentence, words: int, scheme: str) -> list[str]:
    """The tags that a scheme has for spans of words (first, last, label)."""
    tags = ["O"] * words
    single, last = {"BIOES": "SE", "BILOU": "UL"}.get(scheme, "BI")
    ends: dict[int, str] = {}
    for begin, end, label in spans:
        first = "B" if scheme != "IOB1" or ends.get(begin) == label else "I"
        for word in range(begin, end + 1):
            tags[word] = f"I-{label}"
        tags[begin] = f"{first}-{label}"
        if scheme in ("BIOES", "BILOU"):
            tags[end] = f"{single if begin == end else last}-{label}"
        ends[end + 1] = label
    return [tag[2:] or tag for tag in tags] if scheme == "IO" else tags


def drawn(draw: random.Random, words: int, *, apart: bool) -> Sentence:
    spans, word = [], 0
    while word < words:
        length = draw.randint(1, 3)
        if draw.random() < 0.5 and word + length <= words:
            spans.append((word, word + length - 1, draw.choice(["person", "creative-work"])))
            word += length + apart
        else:
            word += 1
    return spans


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_says_the_same_spans(scheme: str) -> None:
    draw = random.Random(7)
    sentences = [(drawn(draw, words := draw.randint(1, 12), apart=scheme == "IO"), words) for _ in range(300)]
    tags = [written(spans, words, scheme) for spans, words in sentences]
    assert scheme_of(tags) == scheme
    for (spans, _), of_sentence in zip(sentences, tags, strict=True):
        assert list(spans_of_words(of_sentence, scheme)) == [TaggedWords(*span) for span in spans]


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ("O O O", ""),
        ("B-a I-a O B-a", "IOB2"),
        ("I-a O I-a B-a", "IOB1"),
        ("B I O", "IOB2"),
        ("B_a I_a O", "IOB2"),
        ("a a O b", "IO"),
        ("NNP NN E-mail", "IO"),
        ("B-a M-a E-a S-b", "BIOES"),
        ("B-a B-a B-a B-a S-a I-a", "IOB2"),
    ],
)
def test_the_scheme_shows_in_the_tags(tags: str, scheme: str) -> None:
    assert scheme_of([tags.split()]) == scheme


@pytest.mark.parametrize(
    ("tags", "scheme", "spans"),
    [
        (
            "O I-a I-a",
            "IOB2",
            [TaggedWords(1, 2, "a", "begins with I-a after O, where IOB2 has B-")],
        ),
        ("I-a", "IOB2", [TaggedWords(0, 0, "a", "begins with I-a at the beginning, where IOB2 has B-")]),
        (
            "B-a I-b",
            "IOB2",
            [TaggedWords(0, 0, "a"), TaggedWords(1, 1, "b", "begins with I-b after B-a, where IOB2 has B-")],
        ),
        ("B-a O", "BIOES", [TaggedWords(0, 0, "a", "ends with B-a, where BIOES has S-")]),
        (
            "B-a I-a B-a L-a",
            "BILOU",
            [TaggedWords(0, 1, "a", "ends with I-a, where BILOU has L-"), TaggedWords(2, 3, "a")],
        ),
        ("S-a", "IOB2", [TaggedWords(0, 0, "a", "has S-a, which is no tag of IOB2")]),
        (
            "B-a 0 I-a",
            "IOB2",
            [
                BrokenTag(1, "0"),
                TaggedWords(0, 0, "a"),
                TaggedWords(2, 2, "a", "begins with I-a after 0, where IOB2 has B-"),
            ],
        ),
        ("B-a,B-b I-b", "IOB2", [TaggedWords(0, 0, "a"), TaggedWords(0, 1, "b")]),
        (
            "B-a E-a,L-a",
            "BIOES",
            [TaggedWords(0, 1, "a"), TaggedWords(1, 1, "a", "has E-a,L-a, which is no tag of BIOES")],
        ),
        ("B I O B", "IOB2", [TaggedWords(0, 1, "span"), TaggedWords(3, 3, "span")]),
    ],
)
def test_what_breaks_a_scheme_is_reported(tags: str, scheme: str, spans: list[TaggedWords | BrokenTag]) -> None:
    assert list(spans_of_words(tags.split(), scheme)) == spans


@pytest.mark.parametrize(
    ("text", "expected"), [("O", True), ("B-x", True), ("U_x", True), ("person", False), ("", False)]
)
def test_a_tag_is_told_from_a_word(text: str, expected: bool) -> None:
    assert is_tag(text) is expected


def test_no_tags_whatever_they_are_fail() -> None:
    draw = random.Random(3)
    pieces = ["B-a", "I-a", "E-a", "L-b", "S-b", "U", "O", "x", "", ",", "|", "B-a,I-b", "E-a,I-a", "-"]
    for _ in range(3000):
        tags = [draw.choice(["", ",", "|"]).join(draw.choices(pieces, k=draw.randint(1, 3))) for _ in range(5)]
        for scheme in (*SCHEMES, "", scheme_of([tags])):
            for span in spans_of_words(tags, scheme):
                assert isinstance(span, BrokenTag) or 0 <= span.first <= span.last < len(tags)
