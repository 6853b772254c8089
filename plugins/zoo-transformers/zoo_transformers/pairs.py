"""Networks of transformers that read two texts at once, such as a question and what it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import torch
from tokenizers import Encoding

from zoo import PredictionRun
from zoo.training.precisions import DTYPES
from zoo.training.text.answering import batches_of
from zoo.training.text.texts import max_tokens_of
from zoo.training.token_budget import TokenBudget
from zoo.training.transformers_network import load_network, read_config
from zoo_transformers.text import pad_id_of, read_fast_tokenizer


class PairNetwork:
    """What makes pairs of texts into tokens, and computes them; those of one length at once, so that none is padded.

    Args:
        run: its options have `max_tokens` and `batch_tokens`.
        auto: the Auto class of transformers with the head.
        read: what is taken of an output of the network, of shape (batch, ...).
    """

    def __init__(self, run: PredictionRun, auto: Any, read: Callable[[Any], torch.Tensor]) -> None:
        self.tokenizer = read_fast_tokenizer(run.weights)
        self.config = read_config(run.weights)
        self.config.pad_token_id = pad_id_of(self.tokenizer)
        most_tokens = max_tokens_of(run.card)
        self.max_tokens: int = min(most_tokens, run.options.max_tokens or most_tokens)
        self._read, self._device = read, torch.device(run.device)
        self._budget = TokenBudget(run.options.batch_tokens, self._device, run.note)
        network = load_network(auto, run.weights, self.config, with_head=True)
        self._network = network.to(self._device, DTYPES[run.precision]).eval()

    def encode(self, pairs: Sequence[tuple[str, str]], **chosen: Any) -> list[Encoding]:
        """Tokens of pairs, cut to `max_tokens`; what was cut is in `overflowing`.

        Args:
            pairs: first and second text.
            **chosen: of transformers' tokenizers: which text is cut, and what its parts have in common.
        """
        firsts, seconds = zip(*pairs, strict=True)
        encoded = self.tokenizer(list(firsts), list(seconds), max_length=self.max_tokens, **chosen)
        encodings: list[Encoding] = encoded.encodings
        return encodings

    def outputs(self, encodings: Sequence[Encoding]) -> list[torch.Tensor]:
        """What the network says of every pair, float32 on the CPU, in order."""
        rows: list[torch.Tensor] = [torch.empty(0)] * len(encodings)
        for batch in batches_of(((index, one.ids) for index, one in enumerate(encodings)), self._budget):
            for _, block in groupby(batch, key=lambda item: len(item[1])):
                indices = [index for index, _ in block]
                for index, row in zip(indices, self._compute([encodings[index] for index in indices]), strict=True):
                    rows[index] = row
        return rows

    def _compute(self, encodings: Sequence[Encoding]) -> torch.Tensor:
        """The same for pairs of one length, shape (pairs, ...)."""
        names = [name for name in self.tokenizer.model_input_names if name in _OF_ENCODING]
        inputs = {name: torch.tensor([getattr(one, _OF_ENCODING[name]) for one in encodings]) for name in names}
        with torch.inference_mode():
            output = self._network(**{name: one.to(self._device) for name, one in inputs.items()})
        return self._read(output).float().cpu()


_OF_ENCODING = {"input_ids": "ids", "token_type_ids": "type_ids", "attention_mask": "attention_mask"}
"""Inputs of a network by what they are called in an encoding."""
