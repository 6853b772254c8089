"""The data set of the quickstart is what its README says."""

from __future__ import annotations

import csv
import re
from collections import Counter
from importlib.resources import files
from itertools import combinations, product

import pytest

FOLDER = files("zoo") / "quickstart"
INTENTS = {
    "account_access",
    "billing_question",
    "cancel_subscription",
    "delivery_status",
    "product_fault",
    "refund_request",
}


def rows(split: str) -> list[dict[str, str]]:
    text = (FOLDER / f"customer_messages_{split}.csv").read_bytes().decode("utf-8", errors="strict")
    return list(csv.DictReader(text.splitlines(keepends=True), strict=True))


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9']+", text.lower()))


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the words of both that both have."""
    return len(one & other) / len(one | other)


TRAIN, TEST = rows("train"), rows("test")


@pytest.mark.parametrize("split", ["train", "test"])
def test_files_are_plain_utf8_with_a_text_and_a_label_in_each_row(split: str) -> None:
    content = (FOLDER / f"customer_messages_{split}.csv").read_bytes()

    assert content.startswith(b"text,label\n")
    assert b"\r" not in content
    assert content.endswith(b"\n")
    assert all({"text", "label"} == row.keys() and None not in row.values() for row in rows(split))
    assert all(row["text"] == row["text"].strip() and row["text"].isprintable() for row in rows(split))


def test_there_are_enough_rows_and_each_intent_has_its_share() -> None:
    assert len(TRAIN) >= 360
    assert len(TEST) >= 150
    for split in (TRAIN, TEST):
        counts = Counter(row["label"] for row in split)
        share = len(split) / len(INTENTS)
        assert INTENTS == counts.keys()
        assert all(0.8 * share <= count <= 1.2 * share for count in counts.values())


def test_the_readme_gives_the_counts() -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    train, test = (Counter(row["label"] for row in split) for split in (TRAIN, TEST))

    assert f"{len(TRAIN) + len(TEST)} short messages" in readme
    assert f"{len(TRAIN)} to train on, {len(TEST)} held out" in readme
    for intent in INTENTS:
        assert re.search(rf"^\| {intent} \|.*\| {train[intent]} \| {test[intent]} \|$", readme, re.MULTILINE)


def test_lengths_vary_between_a_few_words_and_several_sentences() -> None:
    lengths = sorted(len(row["text"].split()) for row in TRAIN + TEST)

    assert (2, 42) == (lengths[0], lengths[-1])
    assert 12 == lengths[len(lengths) // 2]


def test_no_two_messages_are_alike_within_a_split() -> None:
    for split in (TRAIN, TEST):
        for one, other in combinations([words(row["text"]) for row in split], 2):
            assert overlap(one, other) < 0.5, (one, other)


def test_held_out_messages_share_few_words_with_any_other() -> None:
    train, test = ([words(row["text"]) for row in split] for split in (TRAIN, TEST))
    for one, other in product(train, test):
        assert overlap(one, other) < 0.4, (one, other)


def test_no_opening_is_a_template() -> None:
    openings = Counter(" ".join(row["text"].lower().split()[:3]) for row in TRAIN + TEST)

    assert max(openings.values()) <= len(TRAIN + TEST) // 50
