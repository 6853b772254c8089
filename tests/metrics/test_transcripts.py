"""Error rates are those of the least number of changes, as the field counts them."""

from __future__ import annotations

import random
from itertools import product

import pytest

from zoo.blocks import Paragraph, SpanMark, Spans
from zoo.metrics import TranscriptMetrics
from zoo.normalizers import normalized
from zoo.word_errors import error_rate, marked_errors


def distance(one: list[str], other: list[str]) -> int:
    """By the recurrence of Wagner and Fischer 1974."""
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, start=1):
        before, row[0] = row[0], i
        for j, right in enumerate(other, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1]


def test_rates_are_those_of_the_fewest_changes() -> None:
    draw = random.Random(1)
    metrics, words, errors, characters, character_errors = TranscriptMetrics(), 0, 0, 0, 0
    for _ in range(200):
        said, heard = (" ".join(draw.choices(["a", "bb", "c"], k=draw.randrange(1, 8))) for _ in range(2))
        metrics.update(said, heard)
        words, errors = words + len(said.split()), errors + distance(said.split(), heard.split())
        characters, character_errors = characters + len(said), character_errors + distance(list(said), list(heard))

    figures = metrics.compute()

    assert figures["wer"] == errors / words
    assert figures["cer"] == character_errors / characters
    kinds = figures["substitutions"] + figures["deletions"] + figures["insertions"]
    assert kinds == pytest.approx(figures["wer"])
    assert figures["wer_low"] < figures["wer"] < figures["wer_high"]


def test_the_interval_holds_the_true_rate_as_often_as_it_says() -> None:
    draw, held = random.Random(2), 0
    for _ in range(60):
        metrics = TranscriptMetrics()
        for _ in range(40):
            metrics.update("a b c d", " ".join(word if draw.random() > 0.2 else "x" for word in "abcd"))
        figures = metrics.compute()
        held += figures["wer_low"] <= 0.2 <= figures["wer_high"]

    assert 51 <= held <= 60


def test_parts_that_are_merged_give_what_one_gives() -> None:
    pairs = [("one two three", "one too three"), ("four", ""), ("five six", "five six seven"), ("eight", "eight")]
    whole, first, second = TranscriptMetrics(), TranscriptMetrics(), TranscriptMetrics()
    for number, (said, heard) in enumerate(pairs):
        whole.update(said, heard, loss=float(number), weight=2)
        (first if number < 2 else second).update(said, heard, loss=float(number), weight=2)

    first.merge(second)

    assert first.compute() == whole.compute()
    assert first.report() == whole.report()
    assert whole.compute()["insertions"] == 1 / 7
    assert whole.compute()["deletions"] == 1 / 7


def test_the_report_has_the_worst_word_by_word() -> None:
    metrics = TranscriptMetrics()
    for errors in range(14):
        metrics.update("w " * 15, "w " * (15 - errors) + "x " * errors)

    reading, *texts = metrics.report()

    assert isinstance(reading, Paragraph)
    assert ("Most errors", "normaliser words") == (reading.title, reading.text.rpartition("; ")[2])
    assert [len(block.spans) for block in texts if isinstance(block, Spans)] == list(range(13, 3, -1))
    assert TranscriptMetrics().report() == ()


def test_words_that_were_heard_wrongly_stand_beside_those_that_were_said() -> None:
    block = marked_errors("the cat sat on it", "the bat sat right it too too", "4 errors:")

    assert block == Spans(
        text="4 errors: the cat→bat sat on→right it ∅→too ∅→too",
        spans=(
            SpanMark(14, 21, "substitution"),
            SpanMark(26, 34, "substitution"),
            SpanMark(38, 43, "insertion"),
            SpanMark(44, 49, "insertion"),
        ),
        labelled=False,
    )
    assert marked_errors("one two", "two") == Spans(
        text="one→∅ two", spans=(SpanMark(0, 5, "deletion"),), labelled=False
    )
    assert marked_errors("", "uh").text == "∅→uh"
    assert marked_errors("same", "same").spans == ()


def test_nothing_said_has_no_rate() -> None:
    metrics = TranscriptMetrics()
    metrics.update("...", "uh")

    assert metrics.compute() == {}
    assert error_rate("", "uh huh") == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't  STOP, it's 5 o\u2019clock!", "don't stop it's 5 o'clock"),
        ("'quoted' rock 'n' roll", "quoted rock n roll"),
        ("Straße \uff28ello café", "strasse hello café"),
        ("well-known e-mail", "well known e mail"),
        ("…", ""),
    ],
)
def test_case_and_punctuation_do_not_count(text: str, words: str) -> None:
    assert normalized(text, "words") == words
    assert normalized(words, "words") == words


def test_none_changes_white_space_alone() -> None:
    assert normalized(" A  b,\nC ", "none") == "A b, C"


def test_all_normalizers_can_be_repeated() -> None:
    texts = ("Mr. O'Neil's colour, ten o'clock", "  ", "日本 語", "a''b")
    for name, text in product(("words", "none"), texts):
        once = normalized(text, name)
        assert normalized(once, name) == once
