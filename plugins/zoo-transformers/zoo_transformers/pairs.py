"""Networks of transformers that read two texts at once, such as a question and what it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import torch

from zoo import PredictionRun
from zoo.training.precisions import DTYPES
from zoo.training.text.answering import batches_of
from zoo.training.text.texts import max_tokens_of
from zoo_transformers.network import load, read_config
from zoo_transformers.text import pad_id_of, read_tokenizer


class PairNetwork:
    """What makes pairs of texts into tokens, and computes them; those of one length at once, so that none is padded.

    Args:
        run: its options have `max_tokens` and `batch_tokens`.
        auto: the Auto class of transformers with the head.
        read: what is taken of an output of the network, of shape (batch, ...).
    """

    def __init__(self, run: PredictionRun, auto: Any, read: Callable[[Any], torch.Tensor]) -> None:
        self.tokenizer = read_tokenizer(run.weights)
        self.config = read_config(run.weights)
        self.config.pad_token_id = pad_id_of(self.tokenizer)
        most_tokens = max_tokens_of(run.card)
        self.max_tokens: int = min(most_tokens, run.options.max_tokens or most_tokens)
        self._read, self._batch_tokens = read, run.options.batch_tokens
        self._device = torch.device(run.device)
        network = load(auto, run.weights, self.config, with_head=True)
        self._network = network.to(self._device, DTYPES[run.precision]).eval()

    def encode(self, pairs: Sequence[tuple[str, str]], **chosen: Any) -> Any:
        """Tokens of pairs, cut to `max_tokens`.

        Args:
            pairs: first and second text.
            **chosen: of transformers' tokenizers: what is cut, and whether what was cut comes, too.

        Returns:
            The `BatchEncoding` of transformers.
        """
        firsts, seconds = zip(*pairs, strict=True)
        return self.tokenizer(list(firsts), list(seconds), max_length=self.max_tokens, **chosen)

    def outputs(self, encoded: Any) -> list[torch.Tensor]:
        """What the network says of every pair, float32 on the CPU, in order.

        Args:
            encoded: as `encode` gives it.
        """
        names = [name for name in self.tokenizer.model_input_names if name in encoded]
        rows: list[torch.Tensor] = [torch.empty(0)] * len(encoded["input_ids"])
        for batch in batches_of(enumerate(encoded["input_ids"]), self._batch_tokens):
            for _, block in groupby(batch, key=lambda item: len(item[1])):
                indices = [index for index, _ in block]
                inputs = {name: torch.tensor([encoded[name][index] for index in indices]) for name in names}
                with torch.inference_mode():
                    output = self._network(**{name: one.to(self._device) for name, one in inputs.items()})
                for index, row in zip(indices, self._read(output).float().cpu(), strict=True):
                    rows[index] = row
        return rows
