"""How likely words are after others: as the files of language models say, and as a search for words takes it."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo import LetterPredictOptions
from zoo.errors import DatasetInvalid
from zoo.training.audio.beams import word_beams
from zoo.training.audio.letters import letters_of, text_of
from zoo.training.audio.ngrams import read_ngrams

ARPA = """\\data\\
ngram 1=8
ngram 2=6
ngram 3=1

\\1-grams:
-1.2\t<UNK>
-99\t<s>\t-0.3
-0.9\t</s>
-0.8\tI\t-0.2
-0.8\tSEE\t-0.25
-0.9\tTHE\t-0.1
-0.8\tSEA
-2.0\tsee

\\2-grams:
-0.3\t<s> I\t-0.15
-0.4\t<s> THE
-0.2\tI SEE
-0.1\tTHE SEA
-0.5\tSEA </s>
-0.7\tSEE THE

\\3-grams:
-0.05\t<s> I SEE

\\end\\
"""
HEAD = letters_of(["i see the sea"], "words")


@pytest.fixture
def arpa(tmp_path: Path) -> Path:
    path = tmp_path / "words.arpa"
    path.write_text(ARPA, encoding="utf-8")
    return path


def test_scores_are_those_of_the_file_with_back_off(arpa: Path) -> None:
    ngrams = read_ngrams(str(arpa), str.casefold)

    assert (("i", "see", "the", "sea"), 3, True) == (ngrams.words, ngrams.order, ngrams.knows_others)
    scores = {
        (("<s>", "i"), "see"): -0.05,
        (("<s>",), "the"): -0.4,
        (("see",), "sea"): -0.25 - 0.8,
        (("<s>", "i"), "the"): -0.15 - 0.2 - 0.9,
        (("the", "sea"), "zebra"): -1.2,
        (("i", "see"), "the"): -0.7,
        ((), "see"): -0.8,
    }
    assert {key: ngrams.score(*key) for key in scores} == pytest.approx(
        {key: score * math.log(10) for key, score in scores.items()}
    )
    assert (("i", "see"), ("see",)) == (ngrams.after(("<s>", "i"), "see"), ngrams.after((), "see"))


def test_words_of_no_use_and_packed_files_are_read(arpa: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(ARPA.encode()))

    ngrams = read_ngrams(str(packed), lambda word: None if word == "THE" else word.casefold())

    assert ("i", "see", "sea") == ngrams.words
    assert ngrams.score(("the",), "sea") == ngrams.score((), "sea")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file"),
        (b"words\nand more\n", "has no n-grams of words that can be spelled"),
        (b"\\1-grams:\n-1 a b c\n", "is no ARPA file: line 2 has 3 words where 1 should stand"),
        (b"\\1-grams:\nx a\n", "is no ARPA file: line 2 has 'x' where a number should stand"),
        (b"\\1-grams:\n-1\ta\xff\n", "is no ARPA file: "),
        (gzip.compress(ARPA.encode(), mtime=0)[:90], "is compressed, and damaged or cut short"),
    ],
)
def test_what_is_no_such_file_is_told(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "a.arpa").write_bytes(content)
    with pytest.raises(DatasetInvalid, match=reason):
        read_ngrams(str(tmp_path / "a.arpa"), str.casefold)


def unsure(text: str) -> Any:
    """Log-probabilities of a network that is sure of each letter but `?`, which may be e or a."""
    chances = np.full((2 * len(text), len(HEAD.labels)), -12.0, np.float32)
    for place, letter in enumerate(text):
        for one in ("e", "a") if letter == "?" else (letter,):
            chances[2 * place, HEAD.labels.index(one)] = math.log(0.49 if letter == "?" else 0.98)
        chances[2 * place + 1, 0] = -0.01  # the blank between letters
    return chances


@pytest.mark.parametrize(
    ("heard", "text"), [("i se?", "i see"), ("the se?", "the sea"), ("i se? the se?", "i see the sea")]
)
def test_what_sounds_alike_is_told_apart_by_the_words_before(arpa: Path, heard: str, text: str) -> None:
    pytest.importorskip("flashlight.lib.text.decoder")
    beams = word_beams(LetterPredictOptions(language_model=str(arpa)), HEAD)

    assert beams is not None
    for _ in range(2):  # a search leaves nothing behind for the next one
        assert text == text_of(beams.spelled(unsure(heard), 0, 0.01))


def test_a_list_and_a_model_of_words_go_together(arpa: Path, tmp_path: Path) -> None:
    pytest.importorskip("flashlight.lib.text.decoder")
    (tmp_path / "words.txt").write_text("see tea\n")
    both = LetterPredictOptions(language_model=str(arpa), words=str(tmp_path / "words.txt"))
    beams = word_beams(both, HEAD)

    assert beams is not None
    assert ["see", "tea"] == [text_of(beams.spelled(unsure(heard), 0, 0.01)) for heard in ("se?", "te?")]

    arpa.write_text(ARPA.replace("-1.2\t<UNK>\n", ""))
    (tmp_path / "words.txt").write_text("tea\n")
    with pytest.raises(DatasetInvalid, match="knows no word of"):
        word_beams(both, HEAD)
    assert word_beams(LetterPredictOptions(), HEAD) is None
