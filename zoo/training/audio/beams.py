"""Beam search: the likeliest words of a list that the outputs of a network spell (Collobert et al. 2016, section 2.3).

The search is that of flashlight-text, a library of C++ without dependencies.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import DatasetInvalid, Unsupported
from zoo.normalizers import normalized
from zoo.training.audio.letters import BLANK, Spelled
from zoo.training.head import HeadConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPACE = " "
THRESHOLD = 50.0
"""Texts that are less likely than the best one by so many nats are given up."""


def words_in(path: str, head: HeadConfig) -> list[str]:
    """The words of a file, as a head spells them, each once; those that it has no letters for are left out.

    Args:
        path: of a text, with any number of words a line.
        head: names the letters.

    Raises:
        DatasetInvalid: it cannot be read, or there is no such word in it.
    """
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DatasetInvalid(
            f"the words of {path} cannot be read: {reason}", "name a text file with a word a line"
        ) from error
    letters = set(head.labels) - {SPACE}
    words = [word for word in dict.fromkeys(normalized(text, head.normalizer).split()) if letters.issuperset(word)]
    if not words:
        known = "".join(sorted(letters - {head.labels[BLANK]}))
        raise DatasetInvalid(
            f"{path} has no word that can be spelled in the letters of the model: {known}",
            "name a text file with a word a line",
        )
    return words


class WordBeams:
    """Finds words of a list in the outputs of a network.

    Args:
        words: spelled in letters of the head.
        head: names the letters.
        size: texts that are followed at once.

    Raises:
        Unsupported: flashlight-text is not installed, or the head writes no spaces.
    """

    def __init__(self, words: Iterable[str], head: HeadConfig, size: int) -> None:
        try:
            beams: Any = importlib.import_module("flashlight.lib.text.decoder")
        except ImportError as error:
            raise Unsupported("a list of words needs flashlight-text", "pip install 'zoo-models[beams]'") from error
        if SPACE not in head.labels:
            raise Unsupported("a list of words needs a model that writes spaces between words", "leave --words out")
        self._words = tuple(words)
        index = {letter: number for number, letter in enumerate(head.labels)}
        self._space = index[SPACE]
        trie = beams.Trie(len(head.labels), self._space)
        for number, word in enumerate(self._words):
            trie.insert([index[letter] for letter in word], number, 0.0)
        trie.smear(beams.SmearingMode.MAX)
        options = beams.LexiconDecoderOptions(
            beam_size=size,
            beam_size_token=len(head.labels),
            beam_threshold=THRESHOLD,
            lm_weight=0.0,
            word_score=0.0,
            unk_score=-math.inf,
            sil_score=0.0,
            log_add=False,
            criterion_type=beams.CriterionType.CTC,
        )
        self._decoder = beams.LexiconDecoder(options, trie, beams.ZeroLM(), self._space, BLANK, -1, [], False)

    def spelled(self, chances: NDArray[np.float32], start: float, step: float) -> list[Spelled]:
        """The letters of the likeliest words with times, with a space behind each word.

        Args:
            chances: logarithms of probabilities, shape (moments, letters).
            start: of the first moment, in seconds.
            step: seconds between two.
        """
        chances = np.ascontiguousarray(chances, np.float32)
        texts = self._decoder.decode(chances.ctypes.data, *chances.shape)
        if not texts:
            return []
        letters: list[Spelled] = []
        begin = 0
        path, ends = texts[0].tokens[1:-1], texts[0].words[1:]  # what is added at both ends is no moment
        for last, number in ((min(at + 1, len(path)), word) for at, word in enumerate(ends) if word >= 0):
            first = next((at for at in range(begin, last) if path[at] not in (BLANK, self._space)), last - 1)
            letters += _spread(self._words[number], start + first * step, start + last * step)
            begin = last
        return letters


def _spread(word: str, start: float, end: float) -> list[Spelled]:
    """Its letters evenly over its time (the search writes two alike without the blank between), and a space."""
    length = (end - start) / len(word)
    spread = [Spelled(letter, start + at * length, start + (at + 1) * length) for at, letter in enumerate(word)]
    return [*spread, Spelled(SPACE, end, end)]
