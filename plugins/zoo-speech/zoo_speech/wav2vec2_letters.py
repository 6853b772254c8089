"""The vocabulary of a CTC head as transformers keeps it (`vocab.json`), and as zoo has it: the blank first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import transformers

from zoo import StoreInvalid
from zoo.training.audio.letters import BLANK_NAME
from zoo.training.head import SPEECH, HeadConfig
from zoo_speech.wav2vec2_cards import VOCABULARY

_BLANK, _SPACES = "<pad>", ("|", "\N{LOWER ONE EIGHTH BLOCK}")
"""What stands in the file for the blank, and for a space: the first that is no letter of the data."""
_NORMALIZER = "words"
"""By which texts are spelled where the configuration does not say."""


class PublishedLetters(NamedTuple):
    """What the outputs of a head are, with the blank first."""

    head: HeadConfig
    order: list[int]
    """Number of each among the outputs as they were published."""


def read_letters(folder: Path, outputs: int, normalizer: str, *, learns: bool) -> PublishedLetters:
    """The letters of a published head.

    Args:
        folder: of the model.
        outputs: of the head.
        normalizer: that the configuration names; empty for none.
        learns: whether the head is to learn on: capital letters are then those of what the normaliser spells, unless
            the head has both.

    Raises:
        StoreInvalid: the vocabulary cannot be read.
    """
    try:
        tokenizer: Any = transformers.Wav2Vec2CTCTokenizer.from_pretrained(folder, local_files_only=True)
        blank = int(tokenizer.pad_token_id)
        names = ["" for _ in range(outputs)]
        for letter, number in tokenizer.get_vocab().items():
            if number < outputs:
                names[number] = _letter(str(letter), tokenizer)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreInvalid(f"{folder / VOCABULARY} cannot be read: {error}", "fetch it again") from error
    if not 0 <= blank < outputs:
        raise StoreInvalid(f"{folder / VOCABULARY} has the blank as {blank} of {outputs} outputs", "fetch it again")
    names[blank] = BLANK_NAME
    order = [blank, *(number for number in range(outputs) if number != blank)]
    labels = tuple(names[number] for number in order)
    if learns and not normalizer:
        labels = _spelled(labels)
    return PublishedLetters(HeadConfig(problem_type=SPEECH, labels=labels, normalizer=normalizer or _NORMALIZER), order)


def _letter(token: str, tokenizer: Any) -> str:
    if token == tokenizer.word_delimiter_token:
        return str(tokenizer.replace_word_delimiter_char)
    return token.lower() if tokenizer.do_lower_case else token


def _spelled(labels: Sequence[str]) -> tuple[str, ...]:
    """Letters without regard to case, where that keeps all of them apart."""
    folded = tuple(label.casefold() if len(label) == 1 else label for label in labels)
    return folded if len({*folded}) == len({*labels}) else tuple(labels)


def save_letters(folder: Path, labels: Sequence[str]) -> None:
    """Write the files of a tokenizer of transformers.

    Args:
        folder: of the result.
        labels: of the head, the blank first.
    """
    space = next(name for name in _SPACES if name not in labels)
    names = [_BLANK, *(space if label == " " else label for label in labels[1:])]
    path = folder / VOCABULARY
    vocabulary = {name or f"<unused{number}>": number for number, name in enumerate(names)}
    path.write_text(json.dumps(vocabulary, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    tokenizer = transformers.Wav2Vec2CTCTokenizer(
        str(path), bos_token=None, eos_token=None, unk_token=_BLANK, pad_token=_BLANK, word_delimiter_token=space
    )
    tokenizer.save_pretrained(folder)
