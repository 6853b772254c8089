"""Texts to token ids, and token ids to batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from tokenizers import Tokenizer


def id_of(tokenizer: Tokenizer, token: str) -> int:
    """The id of a token that the vocabulary holds."""
    number = tokenizer.token_to_id(token)
    assert number is not None, token
    return number


class EncodedText(NamedTuple):
    """A text as a model reads it."""

    ids: list[int]
    """Of the tokens, special ones included."""
    truncated: bool
    """Whether the text has more than these."""


def encode(tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int) -> list[EncodedText]:
    """Each text as token ids, cut to `max_tokens`."""
    tokenizer.enable_truncation(max_tokens)
    return encode_cut(tokenizer, texts, max_tokens)


def encode_cut(tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int) -> list[EncodedText]:
    """The same with a tokenizer that cuts to `max_tokens` already; several threads may do it at once."""
    encodings = tokenizer.encode_batch_fast(list(texts))
    return [
        EncodedText(ids, len(ids) == max_tokens and bool(encoding.overflowing))
        for encoding, ids in zip(encodings, [encoding.ids for encoding in encodings], strict=True)
    ]


def pad(sequences: Sequence[Sequence[int]], pad_id: int, *, multiple: int = 1) -> dict[str, torch.Tensor]:
    """Pad token ids to the longest, and on to a multiple.

    Returns:
        `input_ids`, int64 of shape (batch, tokens), and, where anything is padded, `attention_mask`, bool of the same
        shape, true where a token is.
    """
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    longest = -(-int(lengths.max()) // multiple) * multiple
    batch = {"input_ids": torch.tensor([[*one, *[pad_id] * (longest - len(one))] for one in sequences])}
    if int(lengths.min()) < longest:
        batch["attention_mask"] = torch.arange(longest) < lengths[:, None]
    return batch
