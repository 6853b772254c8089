"""Figures of spans equal those of seqeval (strict, IOB2) and of conlleval, whose rules stand here once more."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

import zoo
from zoo.blocks import Table
from zoo.metrics.tagging import SpanMetrics
from zoo.metrics.tags import conlleval_spans, iob2_tags, plain_tags, strict_spans, tag_types

TAGS = ("O", "B-person", "I-person", "B-place", "I-place")
Sentence = tuple[list[str], list[str]]
"""Tags of the data, and of a model."""


def sentences(seed: int = 0, count: int = 200) -> list[Sentence]:
    """Well-formed tags beside others that a network gives: mostly the same, else any."""
    draw = random.Random(seed)
    pairs = []
    for _ in range(count):
        true = ["O"]
        while len(true) < draw.randint(2, 12):
            inside = f"I-{true[-1][2:]}"
            true.append(draw.choice([inside, inside, "O", *TAGS[1::2]] if true[-1] != "O" else ["O", *TAGS[1::2]]))
        pairs.append((true[1:], [tag if draw.random() < 0.7 else draw.choice(TAGS) for tag in true[1:]]))
    return pairs


def strict_entities(tags: list[str]) -> set[tuple[int, int, str]]:
    """seqeval 1.2 with mode="strict", scheme=IOB2: B starts, I of its type goes on, whatever else is outside."""
    entities, index = set(), 0
    while index < len(tags):
        start, index = index, index + 1
        if tags[start].startswith("B-"):
            while index < len(tags) and tags[index] == "I-" + tags[start][2:]:
                index += 1
            entities.add((start, index, tags[start][2:]))
    return entities


def f1_of(right: int, true: int, answered: int) -> tuple[float, float, float]:
    """Precision, recall and F1."""
    precision, recall = right / answered, right / true
    return precision, recall, 2 * precision * recall / (precision + recall)


def starts(before: str, tag: str) -> bool:
    """`startOfChunk` of conlleval.pl, for the tags B, I and O."""
    return tag[0] == "B" or (tag[0] == "I" and (before == "O" or before[2:] != tag[2:]))


def ends(before: str, tag: str) -> bool:
    """`endOfChunk` of conlleval.pl."""
    return before != "O" and (tag == "O" or tag[0] == "B" or before[2:] != tag[2:])


def conlleval(pairs: list[Sentence], of: str = "") -> tuple[float, float, float]:
    """Precision, recall and FB1 as conlleval.pl counts them, one line after the other; of one type or of all."""
    right = true = answered = 0
    correct = False
    before = ("O", "O")
    for tags in lines(pairs):
        gold_ends, answer_ends = (ends(*pair) for pair in zip(before, tags, strict=True))
        same_before, same_type = before[0][2:] == before[1][2:], tags[0][2:] == tags[1][2:]
        if correct:
            if gold_ends and answer_ends and same_before:
                right += of in before[0]
                correct = False
            elif gold_ends != answer_ends or not same_type:
                correct = False
        gold_starts, answer_starts = (starts(*pair) for pair in zip(before, tags, strict=True))
        correct = correct or (gold_starts and answer_starts and same_type)
        true += gold_starts and of in tags[0]
        answered += answer_starts and of in tags[1]
        before = tags
    return f1_of(right, true, answered)


def lines(pairs: list[Sentence]) -> Iterator[tuple[str, str]]:
    """A line a word; a line outside of everything ends a sentence."""
    for true, answered in pairs:
        yield from zip(true, answered, strict=True)
        yield "O", "O"


def judged(pairs: list[Sentence]) -> SpanMetrics:
    metrics = SpanMetrics(("person", "place"))
    for true, answered in pairs:
        metrics.update(strict_spans(true), strict_spans(answered), conlleval_spans(answered))
    return metrics


def test_strict_figures_equal_those_of_seqeval() -> None:
    pairs = sentences()
    entities = [(strict_entities(true), strict_entities(answered)) for true, answered in pairs]
    right = sum(len(true & answered) for true, answered in entities)
    precision, recall, f1 = f1_of(right, *(sum(len(one[side]) for one in entities) for side in (0, 1)))
    figures = judged(pairs).compute()
    assert {"span_f1": f1, "precision": precision, "recall": recall} == pytest.approx(
        {name: figures[name] for name in ("span_f1", "precision", "recall")}
    )


def test_the_figure_beside_it_equals_that_of_conlleval() -> None:
    pairs = sentences()
    metrics = judged(pairs)
    assert metrics.compute()["conlleval_f1"] == pytest.approx(conlleval(pairs)[2])
    assert metrics.compute()["conlleval_f1"] != pytest.approx(metrics.compute()["span_f1"], abs=0.01)
    (table,) = metrics.report()
    assert isinstance(table, Table)
    assert table.headers == ("type", "precision", "recall", "F1", "conlleval F1", "spans")
    assert [(row[0], row[4]) for row in table.rows] == [
        (label, pytest.approx(conlleval(pairs, label)[2])) for label in ("person", "place")
    ]


@pytest.mark.parametrize(
    ("tags", "strict", "loose"),
    [
        ("I-a I-a O", [], [(0, 2, "a")]),
        ("B-a I-b I-b", [(0, 1, "a")], [(0, 1, "a"), (1, 3, "b")]),
        ("B-a B-a I-a", [(0, 1, "a"), (1, 3, "a")], [(0, 1, "a"), (1, 3, "a")]),
        ("B-a-b I-a-b", [(0, 2, "a-b")], [(0, 2, "a-b")]),
        ("O O", [], []),
        ("", [], []),
    ],
)
def test_an_i_that_goes_nothing_on_begins_a_span_for_conlleval_only(
    tags: str, strict: list[object], loose: list[object]
) -> None:
    assert (strict_spans(tags.split()), conlleval_spans(tags.split())) == (strict, loose)


def test_the_other_schemes_are_read_by_the_rules_of_conlleval() -> None:
    bioes = ["S-a", "B-a", "E-a", "B-b", "I-b", "E-b", "I-b", "O", "E-a"]
    expected = [(0, 1, "a"), (1, 3, "a"), (3, 6, "b"), (6, 7, "b"), (8, 9, "a")]
    assert conlleval_spans(bioes) == expected
    assert conlleval_spans([tag.replace("S-", "U-").replace("E-", "L-") for tag in bioes]) == expected
    assert conlleval_spans(["M-a", "I-a"]) == [(0, 2, "a")]


@pytest.mark.parametrize(
    ("labels", "tags"),
    [
        (("O", "B-a-b", "I-a-b"), ("O", "B-a-b", "I-a-b")),
        (("B_LOC", "I_LOC", "O"), ("B-LOC", "I-LOC", "O")),
        (("S-x", "U-y"), ("S-x", "U-y")),
        (("O", "PER", "B-cell"), ("O", "I-PER", "I-B-cell")),
    ],
)
def test_labels_of_a_model_mean_tags(labels: tuple[str, ...], tags: tuple[str, ...]) -> None:
    assert plain_tags(labels) == tags
    assert plain_tags(iob2_tags(("x", "y"))) == ("O", "B-x", "I-x", "B-y", "I-y")
    assert tag_types(iob2_tags(("x", "y"))) == ("x", "y")


def test_merging_is_counting_together() -> None:
    whole, first, other = judged(sentences()), judged(sentences()[:50]), judged(sentences()[50:])
    first.merge(other)
    first.merge(SpanMetrics(()))
    assert first.compute() == whole.compute()
    assert first.report() == whole.report()


def test_what_has_no_value_is_left_out() -> None:
    metrics = SpanMetrics(("person",))
    assert metrics.compute() == {}
    assert metrics.report() == ()
    metrics.update([], [], loss=0.5, weight=4)
    assert metrics.compute() == {"loss": 0.5}
    metrics.update([(0, 1, "person")], [], loss=1.5, weight=4)
    assert metrics.compute() == {"span_f1": 0, "precision": 0, "recall": 0, "conlleval_f1": 0, "loss": 1.0}


def test_answers_are_held_against_spans_of_the_data() -> None:
    metrics = SpanMetrics(("person",))
    found = zoo.TaggedSpan(0, 3, "person", "Ada", 0.9)
    missed = zoo.SpanMark(4, 7, "place")
    metrics.add((zoo.SpanMark(0, 3, "person"), missed), zoo.TaggedSpans("Ada Ulm", (found,)))
    assert metrics.compute() == pytest.approx(
        {"span_f1": 2 / 3, "precision": 1.0, "recall": 0.5, "conlleval_f1": 2 / 3}
    )
    raw = (found, zoo.TaggedSpan(4, 7, "place", "Ulm", 0.4))
    metrics.add((missed,), zoo.TaggedSpans("Ada Ulm", (), raw))
    assert metrics.compute()["conlleval_f1"] == pytest.approx(4 / (3 + 3))
    (table,) = metrics.report()
    assert isinstance(table, Table)
    assert table.rows == (("person", 1.0, 1.0, 1.0, pytest.approx(2 / 3), 1), ("place", 0.0, 0.0, 0.0, 2 / 3, 2))
