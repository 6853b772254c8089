"""The shape of a GPT-2 or a Llama by its configuration, and which variants are computed here; imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from zoo import Unsupported

GPT2, LLAMA = "gpt2", "llama"
"""Values of `model_type`, and families of cards."""
ARCHITECTURES = {GPT2: "GPT2LMHeadModel", LLAMA: "LlamaForCausalLM"}
"""transformers' names of the networks."""
BODY = {GPT2: "transformer.", LLAMA: "model."}
"""Begins the names of the body's tensors."""
CONV1D = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
"""End the names of tensors that files of GPT-2 have as (inputs, outputs)."""
ACTIVATIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu")
"""By their names in config.json."""
ROPE_TYPES = ("default", "linear", "llama3")
_UNSUPPORTED = {
    GPT2: ("add_cross_attention", "scale_attn_by_inverse_layer_idx"),
    LLAMA: ("mlp_bias", "sliding_window"),
}
"""Switches of variants that are not computed here."""
CONFIG_NAMES = {
    GPT2: {
        "layers": "n_layer",
        "width": "n_embd",
        "heads": "n_head",
        "positions": "n_positions",
        "vocabulary": "vocab_size",
    },
    LLAMA: {
        "layers": "num_hidden_layers",
        "width": "hidden_size",
        "heads": "num_attention_heads",
        "feed_forward": "intermediate_size",
        "positions": "max_position_embeddings",
        "vocabulary": "vocab_size",
    },
}
"""What a configuration must state: our name of each, and that of transformers."""


@dataclass(frozen=True)
class Shape:
    """What config.json says of the architecture."""

    family: str
    layers: int
    width: int
    heads: int
    key_value_heads: int
    """Keys and values that the heads share among them (Ainslie et al. 2023, arXiv:2305.13245)."""
    head_width: int
    feed_forward: int
    vocabulary: int
    positions: int
    eps: float
    """Of the norms."""
    activation: str
    tied: bool
    """Whether the output layer is the table of tokens."""
    attention_bias: bool
    dropout: float = 0.0

    @classmethod
    def of(cls, config: dict[str, Any]) -> Shape:
        """Read it.

        Raises:
            Unsupported: something is missing or does not fit together, or it is a variant that is not computed here.
        """
        family = str(config.get("model_type"))
        if family not in CONFIG_NAMES:
            raise Unsupported(f"this is a {family!r} model, neither GPT-2 nor Llama", "choose another plugin")
        sizes = _sizes(config, family)
        shape = _gpt2(config, sizes) if family == GPT2 else _llama(config, sizes)
        _check(config, shape)
        return shape


def inverse_frequencies(config: dict[str, Any], head_width: int) -> list[float]:
    """Angle by which each pair of a head's numbers is turned from one position to the next, in radians.

    Su et al. 2021 (arXiv:2104.09864), section 3.2.2; the scalings are those of transformers' modeling_rope_utils.

    Returns:
        As many as half of the head's width.
    """
    rope = rope_of(config)
    base = rope["rope_theta"]
    frequencies = [base ** (-2 * i / head_width) for i in range(head_width // 2)]
    if rope["rope_type"] == "linear":
        return [frequency / rope["factor"] for frequency in frequencies]
    if rope["rope_type"] == "llama3":
        return [_stretched(frequency, rope) for frequency in frequencies]
    return frequencies


def rope_of(config: dict[str, Any]) -> dict[str, Any]:
    """What a Llama's configuration says of rotary positions, in the words of transformers 5."""
    stated = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = stated.get("rope_type") or stated.get("type") or "default"
    theta = stated.get("rope_theta") or config.get("rope_theta") or 10_000.0
    return {**stated, "rope_type": kind, "rope_theta": float(theta)}


def _stretched(frequency: float, rope: dict[str, Any]) -> float:
    """Llama 3.1's way of reading longer texts than it was first trained on: slow turns become slower still."""
    factor, low, high = (rope[key] for key in ("factor", "low_freq_factor", "high_freq_factor"))
    turns = rope["original_max_position_embeddings"] * frequency / (2 * math.pi)
    smooth = min(1.0, max(0.0, (turns - low) / (high - low)))
    return float(frequency * (smooth + (1 - smooth) / factor))


def _sizes(config: dict[str, Any], family: str) -> dict[str, int]:
    names = CONFIG_NAMES[family]
    sizes = {ours: config.get(theirs) for ours, theirs in names.items()}
    bad = [names[ours] for ours, size in sizes.items() if not isinstance(size, int) or size < 1]
    if bad:
        raise Unsupported(f"config.json states no {', '.join(bad)}", "it is damaged; choose another model")
    return {name: int(size or 0) for name, size in sizes.items()}


def _gpt2(config: dict[str, Any], sizes: dict[str, int]) -> Shape:
    return Shape(
        family=GPT2,
        **sizes,
        key_value_heads=sizes["heads"],
        head_width=sizes["width"] // sizes["heads"],
        feed_forward=config.get("n_inner") or 4 * sizes["width"],
        eps=config.get("layer_norm_epsilon", 1e-5),
        activation=config.get("activation_function", "gelu_new"),
        tied=config.get("tie_word_embeddings", True),
        attention_bias=True,
        dropout=config.get("resid_pdrop", 0.1),
    )


def _llama(config: dict[str, Any], sizes: dict[str, int]) -> Shape:
    return Shape(
        family=LLAMA,
        **sizes,
        key_value_heads=config.get("num_key_value_heads") or sizes["heads"],
        head_width=config.get("head_dim") or sizes["width"] // sizes["heads"],
        eps=config.get("rms_norm_eps", 1e-6),
        activation=config.get("hidden_act", "silu"),
        tied=config.get("tie_word_embeddings", False),
        attention_bias=bool(config.get("attention_bias")),
    )


def _check(config: dict[str, Any], shape: Shape) -> None:
    variants = [key for key in _UNSUPPORTED[shape.family] if config.get(key)]
    rope = rope_of(config)
    if rope["rope_type"] not in ROPE_TYPES:
        variants.append(f"rope_type {rope['rope_type']}")
    if config.get("scale_attn_weights") is False:
        variants.append("scale_attn_weights false")
    if shape.activation not in ACTIVATIONS:
        variants.append(f"activation {shape.activation}")
    if variants:
        raise Unsupported(f"this {shape.family} is a variant: {', '.join(variants)}", "choose another model")
    if shape.width % shape.heads or shape.heads % shape.key_value_heads or shape.head_width % 2:
        raise Unsupported(
            f"{shape.heads} heads ({shape.key_value_heads} of keys) do not fit a width of {shape.width}",
            "config.json is damaged; choose another model",
        )
