"""Attention to what stands before, within one text of a row."""

from __future__ import annotations

import torch
from torch.nn import functional


def block_causal(segments: torch.Tensor) -> torch.Tensor | None:
    """Who sees whom where several texts share a row.

    Args:
        segments: int of shape (batch, tokens): which text of the row a token belongs to, from 1; 0 is padding, which
            only ends rows.

    Returns:
        Bool of shape (batch, 1, tokens, tokens), true where the token of the row sees that of the column: one of the
        same text that does not come later. Padding sees padding, so that no row of it is empty. None where each row is
        known to hold one text, as padding then comes after whatever counts.
    """
    if segments.is_cpu and int(segments.max()) <= 1:  # elsewhere the processor would wait for the answer
        return None
    tokens = segments.shape[1]
    causal = torch.ones(tokens, tokens, dtype=torch.bool, device=segments.device).tril()
    return (segments[:, None, :, None] == segments[:, None, None, :]) & causal


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None, dropout: float = 0.0
) -> torch.Tensor:
    """Softmax(Q K^T / sqrt(width of a head)) V (Vaswani et al. 2017, section 3.2), causal where there is no mask.

    Args:
        query: shape (batch, heads, tokens, width of a head).
        key: shape (batch, heads of keys, tokens, width of a head); each serves as many heads as there are more.
        value: of the same shape.
        mask: as `block_causal` makes it.
        dropout: share of the weights that is dropped.

    Returns:
        Shape (batch, tokens, heads * width of a head).
    """
    shared = query.shape[1] // key.shape[1]
    if shared > 1:
        key, value = key.repeat_interleave(shared, 1), value.repeat_interleave(shared, 1)
    attended = functional.scaled_dot_product_attention(query, key, value, mask, dropout, is_causal=mask is None)
    return attended.transpose(1, 2).flatten(2)
