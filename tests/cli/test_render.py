"""An answer is rendered by its type, whatever plugin gave it."""

from __future__ import annotations

import zoo
from zoo.cli.render import render_answer


def test_a_classification_shows_its_five_most_probable_labels() -> None:
    scores = tuple(zoo.Score(f"label{i}", p) for i, p in enumerate((0.5, 0.25, 0.125, 0.0625, 0.05, 0.0125)))
    first, *bars = render_answer("so good", zoo.Classification(scores))

    assert "so good" == first
    assert ["label0", "label1", "label2", "label3", "label4"] == [line.split()[0] for line in bars]
    assert "  label0  ━━━━━━━━━━──────────  50.0%" == bars[0]


def test_a_filled_mask_shows_the_whole_text() -> None:
    answer = zoo.FilledMask("Paris is the capital.", (zoo.Score("capital", 1.0),))

    assert "Paris is the capital." == render_answer("Paris is the [MASK].", answer)[0]


def test_an_embedding_shows_its_length_and_its_beginning() -> None:
    _, line = render_answer("text", zoo.Embedding(tuple([0.5] * 384)))

    assert "  384 numbers: " + "+0.5000 " * 8 + "... (--json gives all)" == line


def test_a_rejected_input_shows_why() -> None:
    assert ["text", "  rejected: empty"] == render_answer("text", zoo.Rejected("empty"))


def test_texts_and_labels_from_outside_stay_on_their_line() -> None:
    lines = render_answer("two\nlines\x1b[31m", zoo.Classification((zoo.Score("a\x1b[2Jb\nc", 1.0),)))

    assert ["two lines", True] == [lines[0], lines[1].startswith("  ab c ")]
    assert ["a b", "  rejected: no good"] == render_answer("a\nb", zoo.Rejected("no\ngood\x1b[2J"))
