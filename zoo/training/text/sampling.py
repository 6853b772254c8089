"""From scores to the next token: penalties and filters as transformers has them, then the likeliest, or a draw."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from zoo.tasks.options import GenerationOptions


def penalised(scores: torch.Tensor, seen: Sequence[Sequence[int]], penalty: float) -> torch.Tensor:
    """Scores in which tokens that have come already are less likely (Keskar et al. 2019, arXiv:1909.05858).

    Args:
        scores: shape (batch, vocabulary).
        seen: token ids of each row, those of its prompt included.
        penalty: divides positive scores and multiplies others; 1 changes nothing.
    """
    if penalty == 1:
        return scores
    scores = scores.clone()
    for row, ids in zip(scores, seen, strict=True):
        places = torch.tensor(sorted(set(ids)), device=scores.device)
        values = row[places]
        row[places] = torch.where(values < 0, values * penalty, values / penalty)
    return scores


def filtered(scores: torch.Tensor, *, temperature: float, top_k: int | None, top_p: float | None) -> torch.Tensor:
    """Scores to draw by, those of tokens that are left out being minus infinity; shape (batch, vocabulary).

    Args:
        scores: likewise.
        temperature: divides them.
        top_k: how many of the likeliest tokens remain; None for all.
        top_p: probability that those which remain have together, at least (Holtzman et al. 2020, arXiv:1904.09751);
            None for all.
    """
    scores = scores / temperature
    if top_k is not None:
        worst = scores.topk(min(top_k, scores.shape[-1])).values[:, -1:]
        scores = scores.masked_fill(scores < worst, -torch.inf)
    if top_p is not None and top_p < 1:
        ascending, order = scores.sort()
        beyond = ascending.softmax(-1).cumsum(-1) <= 1 - top_p
        beyond[:, -1] = False  # the likeliest one remains
        scores = scores.masked_fill(torch.zeros_like(beyond).scatter(-1, order, beyond), -torch.inf)
    return scores


class Sampler:
    """Chooses the next token of every row of a batch; what is drawn for a row depends on no other.

    Args:
        options: say how.
        rows: of the batch.
    """

    def __init__(self, options: GenerationOptions, rows: int) -> None:
        self._options = options
        self._generators = [torch.Generator().manual_seed(options.seed or 0) for _ in range(rows)]

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows."""
        self._generators = [self._generators[row] for row in rows]

    def next_tokens(self, scores: torch.Tensor, seen: Sequence[Sequence[int]]) -> torch.Tensor:
        """One token a row, int64 of shape (batch,), on the device of the scores.

        Args:
            scores: float32 of shape (batch, vocabulary).
            seen: token ids of each row so far.
        """
        options = self._options
        scores = penalised(scores, seen, options.repetition_penalty)
        if not options.temperature:
            return scores.argmax(-1)
        scores = filtered(scores, temperature=options.temperature, top_k=options.top_k, top_p=options.top_p)
        sums = scores.softmax(-1).cumsum(-1)
        draws = torch.tensor([[torch.rand((), generator=one).item()] for one in self._generators], device=sums.device)
        return torch.searchsorted(sums, draws * sums[:, -1:], right=True)[:, 0].clamp(max=scores.shape[-1] - 1)
