"""Beam search: the likeliest words that the outputs of a network spell (Collobert et al. 2016, section 2.3).

The search is that of flashlight-text, a library of C++ without dependencies.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoo.errors import DatasetInvalid, Unsupported
from zoo.normalizers import normalized
from zoo.training.audio.letters import BLANK, Spelled
from zoo.training.audio.ngrams import BEGIN, END, Ngrams, read_ngrams
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


def word_beams(options: Any, head: HeadConfig) -> WordBeams | None:
    """What finds the words that a person has asked for; None where none were.

    Args:
        options: `zoo.LetterPredictOptions`.
        head: names the letters.

    Raises:
        DatasetInvalid: a file cannot be read, or has no word in the letters of the model.
        Unsupported: as `WordBeams`.
    """
    words: str = getattr(options, "words", "")
    model: str = getattr(options, "language_model", "")
    if not (words or model):
        return None
    listed = words_in(words, head) if words else None
    if not model:
        return WordBeams(listed or (), head, options.beam)
    ngrams = read_ngrams(model, lambda word: _spelling(word, head))
    known = set(ngrams.words)
    found = listed if listed and ngrams.knows_others else [word for word in listed or ngrams.words if word in known]
    if not found:
        raise DatasetInvalid(f"{model} knows no word of {words}", "name a model of such words, or leave one out")
    return WordBeams(found, head, options.beam, Language(ngrams, options.lm_weight, options.word_score))


def _spelling(word: str, head: HeadConfig) -> str | None:
    """A word as a head spells it; None where that is no word, or it has no letters for it."""
    spelling = normalized(word, head.normalizer)
    return spelling if spelling and set(head.labels).difference({SPACE}).issuperset(spelling) else None


class Language(NamedTuple):
    """How likely words are after others."""

    ngrams: Ngrams
    weight: float
    """Of these logarithms, beside those of what is heard."""
    word_score: float
    """Added for each word, in nats."""


class WordBeams:
    """Finds words in the outputs of a network.

    Args:
        words: spelled in letters of the head.
        head: names the letters.
        size: texts that are followed at once.
        language: how likely words are after others; None where all are alike.

    Raises:
        Unsupported: flashlight-text is not installed, or the head writes no spaces.
    """

    def __init__(self, words: Iterable[str], head: HeadConfig, size: int, language: Language | None = None) -> None:
        try:
            beams: Any = importlib.import_module("flashlight.lib.text.decoder")
        except ImportError as error:
            raise Unsupported("a beam search needs flashlight-text", "pip install 'zoo-models[beams]'") from error
        if SPACE not in head.labels:
            raise Unsupported(
                "a beam search needs a model that writes spaces between words", "leave --words and --language-model out"
            )
        self._words = tuple(words)
        index = {letter: number for number, letter in enumerate(head.labels)}
        self._space = index[SPACE]
        trie = beams.Trie(len(head.labels), self._space)
        for number, word in enumerate(self._words):
            alone = language.ngrams.score((), word) if language else 0.0
            trie.insert([index[letter] for letter in word], number, alone)
        trie.smear(beams.SmearingMode.MAX)
        options = beams.LexiconDecoderOptions(
            beam_size=size,
            beam_size_token=len(head.labels),
            beam_threshold=THRESHOLD,
            lm_weight=language.weight if language else 0.0,
            word_score=language.word_score if language else 0.0,
            unk_score=-math.inf,
            sil_score=0.0,
            log_add=False,
            criterion_type=beams.CriterionType.CTC,
        )
        self._language = _language_of(beams, language.ngrams, self._words) if language else beams.ZeroLM()
        self._decoder = beams.LexiconDecoder(options, trie, self._language, self._space, BLANK, -1, [], False)

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


def _language_of(beams: Any, ngrams: Ngrams, words: tuple[str, ...]) -> Any:
    """What the search asks about words, by their numbers."""

    class NgramLanguage(beams.LM):  # type: ignore[misc]  # the library has no types
        """The words before, which a state of the search stands for."""

        def __init__(self) -> None:
            super().__init__()
            self._before: dict[Any, tuple[str, ...]] = {}

        def start(self, start_with_nothing: bool) -> Any:
            state = beams.LMState()
            self._before = {state: () if start_with_nothing else ngrams.after((), BEGIN)}
            return state

        def score(self, state: Any, number: int) -> tuple[Any, float]:
            before, word, after = self._before[state], words[number], state.child(number)
            self._before[after] = ngrams.after(before, word)
            return after, ngrams.score(before, word)

        def finish(self, state: Any) -> tuple[Any, float]:
            score = ngrams.score(self._before[state], END)
            return state.child(len(words)), score if math.isfinite(score) else 0.0

    return NgramLanguage()


def _spread(word: str, start: float, end: float) -> list[Spelled]:
    """Its letters evenly over its time (the search writes two alike without the blank between), and a space."""
    length = (end - start) / len(word)
    spread = [Spelled(letter, start + at * length, start + (at + 1) * length) for at, letter in enumerate(word)]
    return [*spread, Spelled(SPACE, end, end)]
