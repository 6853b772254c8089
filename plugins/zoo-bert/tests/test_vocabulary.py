"""A learnt vocabulary depends on the rows alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from zoo.training.text.vocabulary import ALPHABET, SMALLEST, SPECIAL, learn

CORPUS = [f"the {a}{b}ing of {b}{a}ed things, {a} and {b} n{i % 7}" for i, (a, b) in enumerate(
    (a, b) for a in ("walk", "talk", "jump", "read", "über") for b in ("re", "un", "mis", "out", "ov") for _ in range(3)
)]  # fmt: skip
IN_ANOTHER_PROCESS = """
import sys
from zoo.training.text.vocabulary import learn
sys.stdout.buffer.write(learn(sys.stdin.buffer.read().decode().splitlines(), 200).to_str().encode())
"""


@pytest.mark.slow
def test_every_process_learns_the_same_bytes() -> None:
    learnt = learn(CORPUS, 200).to_str().encode()
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        input="\n".join(CORPUS).encode(),
        capture_output=True,
        check=True,
    )
    assert learnt == done.stdout


def test_learning_again_gives_the_same_ids() -> None:
    first = learn(CORPUS, 300).get_vocab()
    assert all(first == learn(CORPUS, 300).get_vocab() for _ in range(10))


def test_special_tokens_come_first_and_nothing_else_is_special() -> None:
    tokenizer = learn(CORPUS, 200)
    assert [0, 1, 2, 3, 4] == [tokenizer.token_to_id(token) for token in SPECIAL]
    assert set(SPECIAL) == {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    assert (
        "hello" == tokenizer.decode(tokenizer.encode("hello [MASK]").ids, skip_special_tokens=True).replace(" ", "")[:5]
    )


def test_the_size_asked_for_is_the_most_that_is_learnt() -> None:
    assert 120 == learn(CORPUS, 120).get_vocab_size()


def test_text_is_lowered_and_stripped_of_accents() -> None:
    tokenizer = learn(CORPUS, 300)
    assert tokenizer.encode("uber").ids == tokenizer.encode("ÜBER").ids


def test_an_automatic_size_grows_with_the_text() -> None:
    words = [a + b + c + d for a in "bcdfghjklm" for b in "aeiou" for c in "npqrstvwxz" for d in ("", "ing", "ed")]
    rows = [" ".join(words[i % 30 :: 1 + i % 7]) for i in range(100)]
    count = sum(len(row.split()) for row in rows)
    assert count > 2 * 20 * SMALLEST
    assert learn(rows, count // 20).to_str() == learn(rows).to_str()
    assert learn(rows[:2], SMALLEST).to_str() == learn(rows[:2]).to_str()


def test_rare_characters_become_unknown_always_the_same_ones() -> None:
    characters = [chr(0x4E00 + i) for i in range(ALPHABET + 50)]
    tokenizer = learn(characters, 5_000)
    in_vocabulary = [character for character in characters if tokenizer.token_to_id(character) is not None]
    assert characters[:ALPHABET] == in_vocabulary


def test_a_single_row_is_enough() -> None:
    tokenizer = learn(["hello"])
    assert ["[CLS]", "[SEP]"] == [tokenizer.encode("hello").tokens[i] for i in (0, -1)]
