"""Texts to token ids: with the tokenizer a model came with, or one learnt from the training rows."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from zoo import StoreInvalid, Unsupported
from zoo_bert.vocabulary import CONTINUED, SPECIAL, learn

if TYPE_CHECKING:
    from zoo import TrainingRun

FILE = "tokenizer.json"
LONGEST_WORD = 100
"""Characters of a word; longer ones are unknown as a whole. transformers has no switch for it."""


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read `tokenizer.json`; padding and truncation, which the file may ask for, are ours to do.

    Raises:
        StoreInvalid: the file is missing, unreadable or without BERT's special tokens.
    """
    path = folder / FILE
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise StoreInvalid(
            f"{path} cannot be read as a tokenizer: {error}", "fetch or train the model again"
        ) from error
    missing = [token for token in SPECIAL if tokenizer.token_to_id(token) is None]
    if missing:
        raise StoreInvalid(f"{path} lacks {', '.join(missing)}", "BERT needs them; choose another model")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def tokenizer_of(run: TrainingRun) -> Tokenizer:
    """The tokenizer that came with the weights; a model without any learns one from its training rows.

    The learnt one is kept beside the checkpoints and goes with them: a resumed run reads it. The processes of a run
    each learn the same one.
    """
    if run.weights is not None:
        tokenizer = load_tokenizer(run.weights)
        if not _usual(tokenizer):  # then the result could not be written down
            raise Unsupported(f"{run.weights / FILE} does not prepare texts as BERT does", "choose another model")
        return tokenizer
    kept = run.checkpoints_folder / FILE
    if kept.exists():
        return load_tokenizer(run.checkpoints_folder)
    tokenizer = learn([example.input for example in run.train], run.options.vocabulary_size)
    if run.rank == 0 and not run.dry_run:
        _keep(tokenizer, kept)
    return tokenizer


def _usual(tokenizer: Tokenizer) -> bool:
    """Whether it does what transformers makes of the name BertTokenizer, its vocabulary and a few switches."""
    model, of_words = tokenizer.model, isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
    pieces = isinstance(model, WordPiece) and model.continuing_subword_prefix == CONTINUED
    return (
        of_words
        and pieces
        and model.max_input_chars_per_word == LONGEST_WORD
        and isinstance(tokenizer.normalizer, BertNormalizer)
    )


def _keep(tokenizer: Tokenizer, path: Path) -> None:
    """Write a tokenizer whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{path.name}")
    with partial.open("w", encoding="utf-8") as file:
        file.write(tokenizer.to_str())
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def id_of(tokenizer: Tokenizer, token: str) -> int:
    """The id of a token the vocabulary holds."""
    found = tokenizer.token_to_id(token)
    assert found is not None, token
    return found


class EncodedText(NamedTuple):
    """A text as a model reads it."""

    ids: list[int]
    """Of the tokens, `[CLS]` and `[SEP]` included."""
    truncated: bool
    """Whether the text has more than these."""


def encode(tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int) -> list[EncodedText]:
    """Each text as token ids, cut to `max_tokens`."""
    tokenizer.enable_truncation(max_tokens)
    return [
        EncodedText(encoding.ids, len(encoding.ids) == max_tokens and bool(encoding.overflowing))
        for encoding in tokenizer.encode_batch_fast(list(texts))
    ]


def save_tokenizer(tokenizer: Tokenizer, max_tokens: int, folder: Path) -> None:
    """Write a tokenizer as transformers saves and loads it, one that cuts texts to `max_tokens`."""
    tokenizer.no_truncation()
    tokenizer.save(str(folder / FILE))
    normalizer = tokenizer.normalizer
    stated = {
        "do_lower_case": normalizer.lowercase,
        "strip_accents": normalizer.strip_accents,
        "tokenize_chinese_chars": normalizer.handle_chinese_chars,
        "model_max_length": max_tokens,
        "tokenizer_class": "BertTokenizer",
        **{f"{token[1:-1].lower()}_token": token for token in SPECIAL},
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(stated, indent=2) + "\n", encoding="utf-8")
