"""Whisper as it listens: a window is encoded once, then its text is written token by token with what was kept of it.

It computes what transformers' WhisperForConditionalGeneration computes (Radford et al. 2022, arXiv:2212.04356,
section 2.2), with these savings: weights are laid out once, queries, keys and values come of one product, keys and
values of the window are made once for all tokens, and rows whose text has ended are dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from zoo import StoreInvalid, Unsupported
from zoo.training.packed_linear import ACTIVATIONS, IDENTITY, Activation, Linear, LinearFactory
from zoo.training.precisions import DTYPES
from zoo.training.pretrained import WeightsReader

ROOM = 64
"""Tokens by which what is kept of a text grows."""
_EPS = 1e-5
"""Of the layer norms, that of torch."""
_ROWS = 8
"""Texts that weights of the decoder are laid out for."""
_SIZES = {
    "width": "d_model",
    "bands": "num_mel_bins",
    "vocabulary": "vocab_size",
    "moments": "max_source_positions",
    "positions": "max_target_positions",
    "encoder_layers": "encoder_layers",
    "encoder_heads": "encoder_attention_heads",
    "encoder_inner": "encoder_ffn_dim",
    "decoder_layers": "decoder_layers",
    "decoder_heads": "decoder_attention_heads",
    "decoder_inner": "decoder_ffn_dim",
}
"""Ours, and their names in config.json."""

Norm = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class WhisperShape:
    """How large a network is."""

    width: int
    bands: int
    """Of pitch."""
    vocabulary: int
    moments: int
    """Vectors that the encoder makes of a window; half as many as it has spectra."""
    positions: int
    """Most tokens of a text."""
    encoder_layers: int
    encoder_heads: int
    encoder_inner: int
    decoder_layers: int
    decoder_heads: int
    decoder_inner: int
    activation: str

    @classmethod
    def of(cls, config: dict[str, Any]) -> WhisperShape:
        """As `config.json` states it.

        Raises:
            StoreInvalid: a size is missing, or is none.
            Unsupported: it is a variant that is not computed here.
        """
        sizes: dict[str, int] = {}
        for ours, theirs in _SIZES.items():
            size = config.get(theirs)
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise StoreInvalid(f"config.json has {theirs} {size!r}", "it must be a whole number from 1")
            sizes[ours] = size
        activation = config.get("activation_function", "gelu")
        odd = "scale_embedding" if config.get("scale_embedding") else ""
        odd = odd or ("" if activation in ACTIVATIONS else f"activation_function {activation}")
        if odd:
            raise Unsupported(f"this Whisper has {odd}, which is not computed here", "choose another model")
        return cls(activation=activation, **sizes)


@dataclass(frozen=True)
class _Block:
    """A layer; all take and give tensors of shape (..., width)."""

    attention_norm: Norm
    query_key_value: Linear
    attended: Linear
    feed_forward_norm: Norm
    up: Linear
    down: Linear

    def rest(self, attended: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """What follows attention to its own vectors, or to a window's."""
        x = x + attended
        return x + self.down(self.up(self.feed_forward_norm(x)))


@dataclass(frozen=True)
class _Crossing:
    """How a layer of the decoder looks at a window."""

    norm: Norm
    query: Linear
    key_value: Linear
    attended: Linear


class _Layers:
    """Makes layers of the tensors of a model.

    Args:
        shape: of the network.
        weights: to be read from.
        make: makes linear layers.
    """

    def __init__(self, shape: WhisperShape, weights: WeightsReader, make: LinearFactory) -> None:
        self._shape, self._weights, self.make = shape, weights, make

    def block(self, name: str, inner: int) -> _Block:
        width, activation = self._shape.width, ACTIVATIONS[self._shape.activation]
        return _Block(
            attention_norm=self.norm(f"{name}.self_attn_layer_norm"),
            query_key_value=self.joined(f"{name}.self_attn", "qkv"),
            attended=self.linear(f"{name}.self_attn.out_proj", width, width),
            feed_forward_norm=self.norm(f"{name}.final_layer_norm"),
            up=self.linear(f"{name}.fc1", inner, width, activation),
            down=self.linear(f"{name}.fc2", width, inner),
        )

    def linear(self, name: str, outputs: int, inputs: int, activation: Activation = IDENTITY) -> Linear:
        return self.make(*self._weights.pair(name, outputs, inputs), activation)

    def joined(self, name: str, parts: str) -> Linear:
        """Several projections as one; keys have no biases."""
        width = self._shape.width
        weights = [self._weights.take(f"{name}.{part}_proj.weight", width, width) for part in parts]
        biases = [
            torch.zeros(width) if part == "k" else self._weights.take(f"{name}.{part}_proj.bias", width)
            for part in parts
        ]
        return self.make(torch.cat(weights), torch.cat(biases))

    def convolution(self, name: str, inputs: int) -> Linear:
        """Over three places, as a product of what stands at these."""
        width = self._shape.width
        weight = self._weights.take(f"{name}.weight", width, inputs, 3)
        return self.make.plain(
            weight.flatten(1), self._weights.take(f"{name}.bias", width), ACTIVATIONS[self._shape.activation]
        )

    def norm(self, name: str) -> Norm:
        width = self._shape.width
        weight, bias = (self.table(f"{name}.{part}", width) for part in ("weight", "bias"))
        return lambda x: functional.layer_norm(x, (width,), weight, bias, _EPS)

    def table(self, name: str, *shape: int) -> torch.Tensor:
        return self.make.placed(self._weights.take(name, *shape))


class Encoder:
    """From the spectra of windows to vectors.

    Args:
        shape: of the network.
        weights: to be read from.
        device: where to compute.
        precision: in which.
    """

    def __init__(self, shape: WhisperShape, weights: WeightsReader, device: torch.device, precision: str) -> None:
        self._heads = shape.encoder_heads
        layers = _Layers(shape, weights, LinearFactory(device, precision, shape.moments))
        self._first = layers.convolution("model.encoder.conv1", shape.bands)
        self._second = layers.convolution("model.encoder.conv2", shape.width)
        self._positions = layers.table("model.encoder.embed_positions.weight", shape.moments, shape.width)
        self._blocks = [
            layers.block(f"model.encoder.layers.{i}", shape.encoder_inner) for i in range(shape.encoder_layers)
        ]
        self._norm = layers.norm("model.encoder.layer_norm")

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        """Encode windows.

        Args:
            features: shape (windows, frames, bands), of the device and type that is computed with.

        Returns:
            Shape (windows, frames / 2, width).
        """
        x = self._second(_neighbours(self._first(_neighbours(features, 1)), 2)) + self._positions
        for block in self._blocks:
            query, key, value = _by_head(block.query_key_value(block.attention_norm(x)), 3, self._heads)
            attended = functional.scaled_dot_product_attention(query, key, value)
            x = block.rest(block.attended(attended.transpose(1, 2).flatten(2)), x)
        return self._norm(x)


class Decoder:
    """Writes what encoded windows say: all rows have as many tokens.

    Args:
        shape: of the network.
        weights: to be read from.
        device: where to compute.
        precision: in which.
        tied: whether the table of tokens scores the next one, too.
    """

    def __init__(
        self, shape: WhisperShape, weights: WeightsReader, device: torch.device, precision: str, *, tied: bool
    ) -> None:
        self._shape, self._device = shape, device
        # In float32 on a processor, whose kernels of bf16 take nine times as long for one token.
        self._attention_dtype = torch.float32 if device.type == "cpu" else DTYPES[precision]
        layers = _Layers(shape, weights, LinearFactory(device, precision, _ROWS))
        names = [f"model.decoder.layers.{i}" for i in range(shape.decoder_layers)]
        self._blocks = [layers.block(name, shape.decoder_inner) for name in names]
        of_windows = _Layers(shape, weights, LinearFactory(device, precision, shape.moments))
        self._crossings = [
            _Crossing(
                norm=layers.norm(f"{name}.encoder_attn_layer_norm"),
                query=layers.linear(f"{name}.encoder_attn.q_proj", shape.width, shape.width),
                key_value=of_windows.joined(f"{name}.encoder_attn", "kv"),
                attended=layers.linear(f"{name}.encoder_attn.out_proj", shape.width, shape.width),
            )
            for name in names
        ]
        self._norm = layers.norm("model.decoder.layer_norm")
        words = weights.take("model.decoder.embed_tokens.weight", shape.vocabulary, shape.width)
        self._words = layers.make.placed(words)
        self._positions = layers.table("model.decoder.embed_positions.weight", shape.positions, shape.width)
        self._output = layers.make(words if tied else weights.take("proj_out.weight", shape.vocabulary, shape.width))
        self._windows: list[tuple[torch.Tensor, torch.Tensor]] = []
        """Keys and values of each layer, each of shape (rows, heads, moments, width of a head)."""
        self._kept = torch.zeros(0)
        """Those of the texts, of shape (layers, 2, rows, heads, room, width of a head)."""
        self._tokens = 0

    def begin(self, encoded: torch.Tensor) -> None:
        """Listen to windows; what was written of others is forgotten.

        Args:
            encoded: shape (rows, moments, width).
        """
        heads = self._shape.decoder_heads
        self._windows = []
        for crossing in self._crossings:
            key, value = _by_head(crossing.key_value(encoded), 2, heads)
            self._windows.append(
                (key.to(self._attention_dtype).contiguous(), value.to(self._attention_dtype).contiguous())
            )
        self._tokens = 0
        self._kept = self._room(len(encoded), 1, encoded.to(self._attention_dtype))

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """Read one more token of every row.

        Args:
            ids: int64 of shape (rows,).

        Returns:
            Scores of the next one, float32 of shape (rows, vocabulary).
        """
        heads, at = self._shape.decoder_heads, self._tokens
        if at == self._kept.shape[4]:
            kept = self._room(len(ids), at + 1, self._kept)
            kept[..., :at, :] = self._kept
            self._kept = kept
        self._tokens = at + 1
        x = functional.embedding(ids, self._words) + self._positions[at]
        for i, (block, crossing) in enumerate(zip(self._blocks, self._crossings, strict=True)):
            parts = block.query_key_value(block.attention_norm(x)).view(len(ids), 3, heads, -1)
            self._kept[i, :, :, :, at] = parts[:, 1:].transpose(0, 1)
            keys, values = self._kept[i, :, :, :, : at + 1]
            x = x + block.attended(_attended(parts[:, 0], keys, values))
            query = crossing.query(crossing.norm(x)).view(len(ids), heads, -1)
            x = block.rest(crossing.attended(_attended(query, *self._windows[i])), x)
        return self._output(self._norm(x)).float()

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with some of the rows.

        Args:
            rows: their indices, ascending, int64 of shape (kept rows,).
        """
        self._windows = [(key[rows], value[rows]) for key, value in self._windows]
        self._kept = self._kept.index_select(2, rows)

    def _room(self, rows: int, tokens: int, like: torch.Tensor) -> torch.Tensor:
        shape = self._shape
        room = -(-tokens // ROOM) * ROOM
        width = shape.width // shape.decoder_heads
        return like.new_zeros(shape.decoder_layers, 2, rows, shape.decoder_heads, room, width)


def _neighbours(x: torch.Tensor, stride: int) -> torch.Tensor:
    """Each place with those before and after it: (rows, places, channels) to (rows, places / stride, channels * 3)."""
    return functional.pad(x, (0, 0, 1, 1)).unfold(1, 3, stride).flatten(2)


def _by_head(x: torch.Tensor, parts: int, heads: int) -> tuple[torch.Tensor, ...]:
    """Shape (rows, places, parts * width), to one of (rows, heads, places, width of a head) for each part."""
    return x.view(*x.shape[:2], parts, heads, -1).permute(2, 0, 3, 1, 4).unbind(0)


def _attended(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Of one token a row: (rows, heads, width of a head) to (rows, width)."""
    attended = functional.scaled_dot_product_attention(query[:, :, None].to(keys.dtype), keys, values)
    return attended.flatten(1).to(query.dtype)
