"""BERT as a network that can be trained (Devlin et al. 2018, arXiv:1810.04805).

Its parameters have the names and shapes that transformers gives them, so what is saved of it is loaded there. It
computes what transformers' modules compute, without the five seconds that importing them takes; and where only the
first vector of a text is wanted, the last layer computes no other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from zoo.training import Dropout, Linear, linear
from zoo_bert.config import FUSED_FROM, Shape

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": functional.relu,
}


class _Linear(Linear):
    """Without numbers; `zoo_bert.loading` fills it."""

    def reset_parameters(self) -> None:
        """Leave it as it is."""


class _Embedding(nn.Embedding):
    """Without numbers, likewise."""

    def reset_parameters(self) -> None:
        """Leave it as it is."""


class _Embeddings(nn.Module):
    """Word, position and type, added up."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.word_embeddings: nn.Embedding = _Embedding(shape.vocabulary, shape.width)
        self.position_embeddings = _Embedding(shape.positions, shape.width)
        self.token_type_embeddings = _Embedding(shape.types, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, shape.eps)
        self.dropout = Dropout(dropout)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Positions and types are looked up for each text, so that each has a gradient of its own."""
        positions = torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)
        x = self.word_embeddings(input_ids) + self.position_embeddings(positions)
        x = x + self.token_type_embeddings(torch.zeros_like(input_ids))
        embedded: torch.Tensor = self.dropout(self.LayerNorm(x))
        return embedded


class _SelfAttention(nn.Module):
    """Softmax(Q K^T / sqrt(width of a head)) V, in several heads (Vaswani et al. 2017, section 3.2)."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self._heads = shape.heads
        self._scale = 1 / math.sqrt(shape.width // shape.heads)
        self.query, self.key, self.value = (_Linear(shape.width, shape.width) for _ in range(3))
        self.dropout = Dropout(dropout)

    def forward(self, queries: torch.Tensor, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """What `queries`, (batch, queries, width), gathers from `x`, (batch, tokens, width); shape of `queries`."""
        query, key, value = self._split(self.query(queries)), self._split(self.key(x)), self._split(self.value(x))
        if x.is_cpu and not torch.compiler.is_exporting() and x.shape[1] < FUSED_FROM:
            scores = (query * self._scale) @ key.transpose(-1, -2)
            attended = self.dropout(functional.softmax(scores if mask is None else scores + mask, -1)) @ value
        else:
            share = self.dropout.p if self.training else 0.0
            mask = mask if mask is None else mask.to(query.dtype)
            attended = functional.scaled_dot_product_attention(query, key, value, mask, share, scale=self._scale)
        gathered: torch.Tensor = attended.transpose(1, 2).reshape(queries.shape)
        return gathered

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, width) to (batch, heads, tokens, width of a head)."""
        return x.view(*x.shape[:2], self._heads, -1).transpose(1, 2)


class _AddAndNorm(nn.Module):
    """What ends both halves of a layer."""

    def __init__(self, inputs: int, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.dense = _Linear(inputs, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, shape.eps)
        self.dropout = Dropout(dropout)

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        normalised: torch.Tensor = self.LayerNorm(self.dropout(self.dense(x)) + residual)
        return normalised


class _Layer(nn.Module):
    """Attention, then two linear layers."""

    def __init__(self, shape: Shape, dropout: float, attention_dropout: float) -> None:
        super().__init__()
        attention = _SelfAttention(shape, attention_dropout)
        self.attention = nn.ModuleDict({"self": attention, "output": _AddAndNorm(shape.width, shape, dropout)})
        self.intermediate = nn.ModuleDict({"dense": _Linear(shape.width, shape.feed_forward)})
        self.output = _AddAndNorm(shape.feed_forward, shape, dropout)
        self._activation = ACTIVATIONS[shape.activation]

    def forward(self, queries: torch.Tensor, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """The vectors of the tokens `queries` among those of `x`; shape of `queries`."""
        attended = self.attention["output"](self.attention["self"](queries, x, mask), queries)
        output: torch.Tensor = self.output(self._activation(self.intermediate["dense"](attended)), attended)
        return output


class _Encoder(nn.Module):
    """The layers."""

    def __init__(self, shape: Shape, dropout: float, attention_dropout: float) -> None:
        super().__init__()
        self.layer = nn.ModuleList(_Layer(shape, dropout, attention_dropout) for _ in range(shape.layers))


class _Pooler(nn.Module):
    """What a classifier sees of the first token."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.dense = _Linear(shape.width, shape.width)

    def forward(self, first: torch.Tensor) -> torch.Tensor:
        """Shape (batch, width), as that of its argument."""
        return torch.tanh(self.dense(first))


class Bert(nn.Module):
    """Token ids to vectors."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        shape = Shape.of(config)
        hidden, attention = (config.get(f"{kind}_dropout_prob", 0.1) for kind in ("hidden", "attention_probs"))
        self.embeddings = _Embeddings(shape, hidden)
        self.encoder = _Encoder(shape, hidden, attention)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, *, first: bool = False
    ) -> torch.Tensor:
        """Compute the vectors of the last layer.

        Args:
            input_ids: int64 of shape (batch, tokens).
            attention_mask: of the same shape, false or 0 where a text is padded; None where none is.
            first: whether only those of the first tokens are wanted.

        Returns:
            Shape (batch, tokens, width); with `first`, (batch, width).
        """
        x: torch.Tensor = self.embeddings(input_ids)
        mask = None if attention_mask is None else _additive(attention_mask, x)
        *before, last = self.encoder.layer
        for layer in before:
            x = layer(x, x, mask)
        queries = x[:, :1] if first else x
        output: torch.Tensor = last(queries, x, mask)
        return output[:, 0] if first else output


def _additive(attention_mask: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """What is added to the scores, shape (batch, 1, 1, tokens): nothing, or minus infinity where a text is padded."""
    hidden = attention_mask[:, None, None, :] == 0
    return torch.zeros(hidden.shape, dtype=x.dtype, device=x.device).masked_fill(hidden, -torch.inf)


class ClassificationHead(nn.Module):
    """Logits of labels: a linear layer on the pooled first token (section 4.1)."""

    def __init__(self, config: dict[str, Any], labels: int) -> None:
        super().__init__()
        self.pooler = _Pooler(Shape.of(config))
        self.dropout = Dropout(_classifier_dropout(config))
        self.classifier = _Linear(config["hidden_size"], labels)

    def forward(self, first: torch.Tensor) -> torch.Tensor:
        """From the vectors of the first tokens, shape (batch, width), to (batch, labels)."""
        logits: torch.Tensor = self.classifier(self.dropout(self.pooler(first)))
        return logits


class TagHead(nn.Module):
    """Logits of tags: a linear layer on the vector of each token (section 5.3)."""

    def __init__(self, config: dict[str, Any], tags: int) -> None:
        super().__init__()
        self.dropout = Dropout(_classifier_dropout(config))
        self.classifier = _Linear(config["hidden_size"], tags)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From (batch, tokens, width) to (batch, tokens, tags)."""
        logits: torch.Tensor = self.classifier(self.dropout(x))
        return logits


def _classifier_dropout(config: dict[str, Any]) -> float:
    """Before the output layer of a classifier."""
    stated = config.get("classifier_dropout")
    return float(config.get("hidden_dropout_prob", 0.1) if stated is None else stated)


class LanguageModelHead(nn.Module):
    """Scores of word pieces: a linear layer, and one to the vocabulary, mostly the table of words itself."""

    def __init__(self, config: dict[str, Any], words: nn.Embedding) -> None:
        super().__init__()
        shape = Shape.of(config)
        tied = config.get("tie_word_embeddings", True)
        norm = nn.LayerNorm(shape.width, shape.eps)
        self.transform = nn.ModuleDict({"dense": _Linear(shape.width, shape.width), "LayerNorm": norm})
        self.decoder = None if tied else _Linear(shape.width, shape.vocabulary)
        if tied:
            self.bias = nn.Parameter(torch.zeros(shape.vocabulary))
        self._words = (words,)  # in a tuple, as the table belongs to the body
        self._activation = ACTIVATIONS[shape.activation]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From (tokens, width) to (tokens, vocabulary)."""
        x = self.transform["LayerNorm"](self._activation(self.transform["dense"](x)))
        if self.decoder is not None:
            scores: torch.Tensor = self.decoder(x)
            return scores
        return linear(x, self._words[0].weight, self.bias)
