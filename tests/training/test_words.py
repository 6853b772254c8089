"""Words stand where the text has them, and each is decided by one window, whatever the length of the text."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from zoo.training.text.vocabulary import learn
from zoo.training.text.words import TextWords, read_words
from zoo.words import spaced_words

TEXT = "Ada Lovelace (1815-1852) wrote to Babbage's friends, unforgettably."


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """Word pieces of lower-case text, few enough that most words have several."""
    return learn([TEXT.lower(), "the cat sat on the mat"] * 3, 60)


def read(tokenizer: Tokenizer, text: str, max_tokens: int = 512) -> TextWords:
    (words,) = read_words(tokenizer, [text], max_tokens)
    return words


def parts(text: str, words: TextWords) -> list[str]:
    return [text[start:end] for start, end in words.words]


def test_words_are_what_stands_between_white_space_and_punctuation(tokenizer: Tokenizer) -> None:
    expected = "Ada|Lovelace|(|1815|-|1852|)|wrote|to|Babbage|'|s|friends|,|unforgettably|."
    words = read(tokenizer, TEXT)
    assert "|".join(parts(TEXT, words)) == expected
    (window,) = words.windows
    assert len(window.places) == expected.count("|") + 1 < len(window.ids) - 2
    pieces = [tokenizer.id_to_token(window.ids[place]) for place in window.places]
    assert not any(piece.startswith("##") for piece in pieces)


@pytest.mark.parametrize("max_tokens", [8, 11, 16, 40])
def test_windows_decide_each_word_once_and_show_the_most_around_it(tokenizer: Tokenizer, max_tokens: int) -> None:
    text = " ".join([TEXT] * 5)
    whole, words = read(tokenizer, text), read(tokenizer, text, max_tokens)
    (window,) = whole.windows
    assert words.words == whole.words
    first = [one.ids[place] for one in words.windows for place in one.places]
    assert first == [window.ids[place] for place in window.places]
    assert all(len(one.ids) <= max_tokens for one in words.windows)
    assert all(one.ids[0] == window.ids[0] and one.ids[-1] == window.ids[-1] for one in words.windows)
    margin = (max_tokens - 2) // 4 // 2
    assert all(min(one.places) > margin for one in words.windows[1:] if one.places)
    assert all(max(one.places) < len(one.ids) - 1 - margin for one in words.windows[:-1] if one.places)


def test_a_text_without_words_has_a_window_all_the_same(tokenizer: Tokenizer) -> None:
    for text in ("", " \n", "\u200b"):
        words = read(tokenizer, text)
        assert words.words == []
        assert [len(window.ids) for window in words.windows] == [2]


def test_accents_and_characters_of_no_script_stay_where_they_are(tokenizer: Tokenizer) -> None:
    assert parts("Zoe\u0308 in 東京!", read(tokenizer, "Zoe\u0308 in 東京!")) == ["Zoe\u0308", "in", "東", "京", "!"]


def test_a_tokenizer_that_divides_at_blanks_alone_gives_no_larger_words() -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)]
    )
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    text = "Paris, (Ulm) näht 東京"
    assert parts(text, read(tokenizer, text)) == ["Paris", ",", "(", "Ulm", ")", "näht", "東", "京"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada Lovelace was born in London.", "Ada Lovelace was born in London ."),
        ("Google's (new) phone, they said: don't!", "Google 's ( new ) phone , they said : don't !"),
        ("the U.S. Army and Mr. X of Acme Inc. met.", "the U.S. Army and Mr. X of Acme Inc. met ."),
        ("@user : #tag http://a.org/b :) ...", "@user : #tag http://a.org/b :) ..."),
        ("\u201cBob\u2019s,\u201d he said", "\u201c Bob \u2019s , \u201d he said"),
        ("", ""),
    ],
)
def test_words_that_stand_apart_keep_the_punctuation_inside_of_them(
    text: str, words: str, tokenizer: Tokenizer
) -> None:
    assert " ".join(text[start:end] for start, end in spaced_words(text)) == words
    (read,) = read_words(tokenizer, [text], 512, spaced=True)
    assert read.words == spaced_words(text)
    assert sum(len(window.places) for window in read.windows) == len(read.words)
