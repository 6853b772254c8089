"""Transcripts of the words of a list alone, found in outputs that spell something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zoo.errors import DatasetInvalid
from zoo.training.audio.beams import WordBeams, words_in
from zoo.training.audio.letters import letters_of, segments_of, text_of

pytest.importorskip("flashlight.lib.text.decoder")
WORDS = ["three", "eight", "two", "seven"]
HEAD = letters_of(WORDS, "words")
STEP = 0.01


def outputs(letters: str) -> np.ndarray:
    """Log-probabilities of a network that is nearly sure of a letter at each moment; `_` is the blank."""
    chances = np.full((len(letters), len(HEAD.labels)), -8.0, np.float32)
    for moment, letter in enumerate(letters):
        chances[moment, 0 if letter == "_" else HEAD.labels.index(letter)] = -0.01
    return chances


@pytest.fixture(scope="module")
def beams() -> WordBeams:
    return WordBeams(WORDS, HEAD, 50)


@pytest.mark.parametrize(
    ("letters", "text"),
    [
        ("_th_re_e ei_ght_", "three eight"),
        ("_thre_e_eight__", "three eight"),
        ("sevene", "seven"),
        ("_thre_", "three"),
        ("_sven__two", "seven two"),
        ("   two  two  ", "two two"),
        ("____", ""),
    ],
)
def test_words_of_the_list_are_found(beams: WordBeams, letters: str, text: str) -> None:
    assert text == text_of(beams.spelled(outputs(letters), 0, STEP))


def test_letters_have_the_times_they_are_heard_at(beams: WordBeams) -> None:
    found = beams.spelled(outputs("_two__" + "_" * 90 + "seven_"), 5.0, STEP)

    first, second = segments_of(found)
    assert ("two", "seven") == (text_of(first), text_of(second))
    assert [5.01, 5.04, 5.96, 6.01] == pytest.approx([first[0].start, first[2].end, second[0].start, second[4].end])


def test_a_file_has_words_as_the_model_spells_them(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("\ufeffThree\r\nSEVEN, seven\nzebra\n", encoding="utf-8")

    assert ["three", "seven"] == words_in(str(path), HEAD)


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file"), (b"\xff\xfe", "not UTF-8"), (b"zebra", "no word")]
)
def test_a_file_without_words_says_so(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(DatasetInvalid, match=reason):
        words_in(str(tmp_path / "words.txt"), HEAD)
