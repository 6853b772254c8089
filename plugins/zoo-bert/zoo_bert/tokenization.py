"""Word pieces: the vocabulary a model came with, or one learnt from the training rows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import BertWordPieceTokenizer, Tokenizer

from zoo import RunFailed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from zoo import TrainingRun

FILE = "tokenizer.json"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""Their ids are 0 to 4 in a vocabulary learnt here."""
WAIT_S = 600.0


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read `tokenizer.json`; padding and truncation, which the file may ask for, are ours to do."""
    tokenizer = Tokenizer.from_file(str(folder / FILE))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def tokenizer_of(run: TrainingRun) -> Tokenizer:
    """The tokenizer that came with the weights; a model without any learns one from its training rows.

    The learnt one is kept in the run's folder: a resumed run reads it, and so do the other processes of a run.
    """
    if run.weights is not None:
        return load_tokenizer(run.weights)
    folder = run.folder / "tokenizer"
    if run.rank == 0 and not (folder / FILE).exists():
        folder.mkdir(exist_ok=True)
        partial = folder / f".{FILE}"
        learn((example.input for example in run.train), run.options.vocabulary_size).save(str(partial))
        partial.replace(folder / FILE)
    waited_since = time.monotonic()
    while not (folder / FILE).exists():
        if time.monotonic() - waited_since > WAIT_S:
            raise RunFailed("the first process did not learn a vocabulary in time", "see the log for what it does")
        time.sleep(0.1)
    return load_tokenizer(folder)


def learn(texts: Iterator[str], size: int) -> Tokenizer:
    """Learn a lower-case WordPiece vocabulary, normalised as BERT's is."""
    trainer = BertWordPieceTokenizer(lowercase=True)
    trainer.train_from_iterator(
        texts, vocab_size=size, min_frequency=2, special_tokens=list(SPECIAL), show_progress=False
    )
    tokenizer: Tokenizer = trainer._tokenizer
    return tokenizer


def encode(tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    """Token ids of each text, `[CLS]` and `[SEP]` included, cut to `max_tokens`."""
    tokenizer.enable_truncation(max_tokens)
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]


def for_transformers(tokenizer: Tokenizer, max_tokens: int) -> PreTrainedTokenizerFast:
    """The tokenizer as transformers saves and loads it."""
    from transformers import PreTrainedTokenizerFast

    tokenizer.no_truncation()
    roles = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=max_tokens, **roles)
