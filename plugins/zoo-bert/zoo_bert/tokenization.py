"""Texts to token ids: with the tokenizer a model came with, or one learnt from the training rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from zoo import TrainingRun, Unsupported
from zoo.training.text.tokenizer_files import FILE, learnt_tokenizer, load_tokenizer
from zoo.training.text.vocabulary import CONTINUED, SPECIAL, learn

if TYPE_CHECKING:
    from zoo import PredictionRun

LONGEST_WORD = 100
"""Characters of a word; longer ones are unknown as a whole. transformers has no switch for it."""


def tokenizer_of(run: TrainingRun | PredictionRun) -> Tokenizer:
    """The tokenizer that came with the weights; a model without any learns one from its training rows.

    Raises:
        StoreInvalid: it cannot be read.
        Unsupported: transformers would read another one from the result of the training.
    """
    if run.weights is None:
        assert isinstance(run, TrainingRun)
        return learnt_tokenizer(run, lambda texts: learn(texts, run.options.vocabulary_size), SPECIAL)
    tokenizer = load_tokenizer(run.weights, SPECIAL)
    if isinstance(run, TrainingRun) and not _usual(tokenizer):  # then the result could not be written down
        raise Unsupported(f"{run.weights / FILE} does not prepare texts as BERT does", "choose another model")
    return tokenizer


def _usual(tokenizer: Tokenizer) -> bool:
    """Whether it does what transformers makes of the name BertTokenizer, its vocabulary and a few switches."""
    model, prepares = tokenizer.model, (tokenizer.normalizer, tokenizer.pre_tokenizer)
    if not isinstance(model, WordPiece) or [type(one) for one in prepares] != [BertNormalizer, BertPreTokenizer]:
        return False
    return model.continuing_subword_prefix == CONTINUED and model.max_input_chars_per_word == LONGEST_WORD


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
