"""Generating with transformers' own cache of keys and values."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch.nn import functional
from transformers import DynamicCache

from zoo.training.text.causal import GeneratingNetwork


def can_cache(network: Any) -> bool:
    """Whether an architecture keeps keys and values of every token, as most do, rather than a state of its own."""
    accepted = inspect.signature(network.forward).parameters
    return (
        {"past_key_values", "attention_mask"} <= accepted.keys()
        and not network._is_stateful
        and network._supports_default_dynamic_cache()
    )


class CachedNetwork(GeneratingNetwork):
    """The prompts of a batch end at the same place: those that are shorter begin later.

    Args:
        network: of a class with an output layer for the next token, on its device, in the mode of prediction.
    """

    def __init__(self, network: Any) -> None:
        self._network = network
        accepted = inspect.signature(network.forward).parameters
        self._takes_positions = "position_ids" in accepted
        self._only_last = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
        self._cache: Any = None
        self._mask = torch.zeros(0, 0, dtype=torch.long)
        """1 for every token that was read, 0 before the first of a text, shape (batch, tokens)."""

    def prefill(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Read the prompts."""
        counts, width = lengths.tolist(), ids.shape[1]
        rows = [functional.pad(row[:count], (width - count, 0)) for row, count in zip(ids, counts, strict=True)]
        places = torch.arange(width, device=ids.device)
        self._mask = (places >= width - lengths.to(ids.device)[:, None]).long()
        self._cache = DynamicCache(config=self._network.config)
        return self._read(torch.stack(rows))

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """Read one more token of each."""
        self._mask = functional.pad(self._mask, (0, 1), value=1)
        return self._read(ids[:, None])

    def keep(self, rows: torch.Tensor) -> None:
        """Forget the other texts."""
        self._mask = self._mask[rows]
        self._cache.batch_select_indices(rows)

    def losses(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Of all tokens at once: what fills up stands after them."""
        scores = self._network(input_ids=ids, use_cache=False).logits.float()
        return functional.cross_entropy(scores[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")

    def _read(self, ids: torch.Tensor) -> torch.Tensor:
        inputs: dict[str, Any] = dict(self._only_last)
        if self._takes_positions:
            inputs["position_ids"] = (self._mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        output = self._network(
            input_ids=ids, attention_mask=self._mask, past_key_values=self._cache, use_cache=True, **inputs
        )
        scores: torch.Tensor = output.logits[:, -1].float()
        return scores
