"""wav2vec 2.0 (Baevski et al. 2020, arXiv:2006.11477) and networks like it, as transformers has them.

What a network makes of a recording does not depend on those beside it in a batch.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from torch import nn

from zoo import Card, Unsupported
from zoo.training import Dropout
from zoo.training.transformers_network import load_network, read_config

if TYPE_CHECKING:
    from numpy.typing import NDArray


class PaddedGroupNorm(nn.GroupNorm):
    """A norm of each channel over the time of a recording, without what fills it up."""

    lengths: torch.Tensor | None = None
    """Moments of each recording that count, shape (batch,)."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Normalise.

        Args:
            input: shape (batch, channels, moments); there are as many groups as channels.
        """
        assert self.lengths is not None
        inside = torch.arange(input.shape[-1], device=input.device) < self.lengths[:, None]
        counts = self.lengths[:, None, None].float()
        x = input.float() * inside[:, None]
        mean = x.sum(-1, keepdim=True) / counts
        centred = (x - mean) * inside[:, None]
        variance = centred.square().sum(-1, keepdim=True) / counts
        scale = self.weight.float()[:, None] * torch.rsqrt(variance + self.eps)
        return (centred * scale + self.bias.float()[:, None]).to(input.dtype)


class ComputedConvolutions(nn.Module):
    """Stands where the convolutions were, whose vectors come with the batch."""

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """From shape (batch, moments, channels) to (batch, channels, moments)."""
        return vectors.transpose(1, 2)


def make_network(auto: Any, card: Card, weights: Path | None, **settings: Any) -> Any:
    """A network in float32; a head that the weights lack begins with random numbers from torch's generator.

    Args:
        auto: an Auto class of transformers, which says what head it has.
        card: of the model.
        weights: folder of its files; None for random numbers alone.
        **settings: entries of the configuration that shall be others.

    Raises:
        Unsupported: transformers has no such network of this architecture, or nothing says what it is without weights.
        StoreInvalid: the weights are unreadable, or of another network.
    """
    if weights is None and "class" in card.architecture:  # of the Hub
        raise Unsupported(f"{card.name} is known by its weights, and cannot begin without them", "choose another model")
    config: Any = read_config(weights) if weights else transformers.Wav2Vec2Config(**card.architecture)
    config.update(settings)
    network = load_network(auto, weights, config) if weights else auto.from_config(config, dtype=torch.float32)
    for name, layer in list(network.named_modules()):
        if type(layer) is nn.Dropout:
            network.set_submodule(name, Dropout(layer.p))
    if config.feat_extract_norm == "group":
        first = network.base_model.feature_extractor.conv_layers[0]
        norm = PaddedGroupNorm(first.layer_norm.num_groups, first.layer_norm.num_channels, first.layer_norm.eps)
        norm.load_state_dict(first.layer_norm.state_dict())
        first.layer_norm = norm
    return network


def moments(config: Any, samples: Any) -> Any:
    """How many vectors the convolutions give for so many samples, a number or a tensor of them."""
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        samples = (samples - kernel) // stride + 1
    return samples


def receptive_field(config: Any) -> int:
    """Samples that one vector sees."""
    samples = 1
    for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
        samples = (samples - 1) * stride + kernel
    return samples


def stride(config: Any) -> int:
    """Samples between two vectors."""
    return int(np.prod(config.conv_stride))


def heard(base: Any, samples: torch.Tensor, lengths: torch.Tensor, hidden: torch.Tensor | None, **more: Any) -> Any:
    """What a network without head gives, as transformers returns it.

    Args:
        base: the network.
        samples: shape (batch, samples), filled up with zeros; after `ComputedConvolutions`, the vectors of the
            convolutions, shape (batch, moments, channels).
        lengths: samples or moments of each that are none of these, shape (batch,).
        hidden: moments that the transformer does not see, bool of shape (batch, moments); None where it sees all.
        **more: arguments of transformers.
    """
    if isinstance(base.feature_extractor, ComputedConvolutions):
        # transformers sums the mask up, and computes the moments from that
        mask = (receptive_field(base.config) + (lengths - 1) * stride(base.config))[:, None]
    else:
        first = base.feature_extractor.conv_layers[0]
        if isinstance(norm := getattr(first, "layer_norm", None), PaddedGroupNorm):
            norm.lengths = (lengths - base.config.conv_kernel[0]) // base.config.conv_stride[0] + 1
        mask = (torch.arange(samples.shape[1], device=samples.device) < lengths[:, None]).long()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Support for mismatched key_padding_mask")  # that of WavLM
        return base(samples, attention_mask=mask, mask_time_indices=hidden, **more)


def convolved(extractor: nn.Module, config: Any, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors that the convolutions make of one recording, shape (moments, channels).

    Args:
        extractor: the convolutions.
        config: of the network.
        samples: shape (samples,).
    """
    for layer in extractor.modules():
        if isinstance(layer, PaddedGroupNorm):
            layer.lengths = torch.tensor([(len(samples) - config.conv_kernel[0]) // config.conv_stride[0] + 1])
    with torch.inference_mode():
        vectors: NDArray[np.float32] = extractor(torch.from_numpy(samples)[None])[0].T.numpy()
    return vectors


def hidden_moments(count: int, share: float, span: int, seed: int, least: int = 0) -> torch.Tensor:
    """Draw which moments of a recording are hidden: spans that may overlap (section 3.1 of the paper).

    Args:
        count: moments there are.
        share: of them that spans begin to cover, overlaps counted twice.
        span: moments of each; at most a quarter of all.
        seed: of what is drawn.
        least: spans that there are in any case.

    Returns:
        Bool, shape (count,).
    """
    random = np.random.default_rng(seed)
    span = max(1, min(span, count // 4))
    spans = min(max(least, int(share * count / span + random.random())), count - span + 1)
    hidden = torch.zeros(count, dtype=torch.bool)
    for start in random.choice(count - span + 1, spans, replace=False):
        hidden[start : start + span] = True
    return hidden
