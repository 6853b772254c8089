"""Whisper as it is trained: transformers' network, asked for scores of the places that are learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers.cache_utils import DynamicCache, EncoderDecoderCache

from zoo import StoreInvalid
from zoo.training import Linear


class TrainableWhisper(nn.Module):
    """The network; an encoded window is as good as a window.

    Args:
        network: transformers' `WhisperForConditionalGeneration`.
    """

    network: Any

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def encoded(self, seen: torch.Tensor) -> torch.Tensor:
        """What the encoder makes of windows.

        Args:
            seen: shape (windows, frames, bands).

        Returns:
            Shape (windows, moments, width).
        """
        vectors: torch.Tensor = self.network.model.encoder(seen.transpose(1, 2)).last_hidden_state
        return vectors

    def forward(
        self,
        ids: torch.Tensor,
        learnt: torch.Tensor,
        seen: torch.Tensor | None = None,
        encoded: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Read texts, and score what follows.

        Args:
            ids: token ids, int64 of shape (windows, tokens).
            learnt: after which of them the next token is learnt, bool of the same shape.
            seen: see `encoded`.
            encoded: what came of it, in its place.

        Returns:
            Scores, shape (learnt places, vocabulary).
        """
        if encoded is None:
            assert seen is not None
            encoded = self.encoded(seen)
        vectors = self.network.model.decoder(input_ids=ids, encoder_hidden_states=encoded).last_hidden_state
        scores: torch.Tensor = self.network.proj_out(vectors[learnt])
        return scores


class CachedDecoder:
    """The decoder of a network that is being trained, which writes with what was kept of the tokens before.

    Args:
        module: of it.
        encoded: windows, shape (rows, moments, width).
    """

    def __init__(self, module: TrainableWhisper, encoded: torch.Tensor) -> None:
        self._network, self._encoded = module.network, encoded
        self._cache = EncoderDecoderCache(DynamicCache(), DynamicCache())

    def begin(self, prompt: list[int]) -> torch.Tensor:
        """Read what all texts begin with; scores as those of `step`."""
        return self._read(torch.tensor([prompt] * len(self._encoded), device=self._encoded.device))

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """Read one more token of every row; see `TextDecoder`."""
        return self._read(ids[:, None])

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with some of the rows."""
        self._encoded = self._encoded[rows]
        self._cache.batch_select_indices(rows)

    def _read(self, ids: torch.Tensor) -> torch.Tensor:
        output = self._network.model.decoder(
            input_ids=ids, encoder_hidden_states=self._encoded, past_key_values=self._cache, use_cache=True
        )
        scores: torch.Tensor = self._network.proj_out(output.last_hidden_state[:, -1])
        return scores.float()


def load_network(folder: Path) -> Any:
    """The network of a model as transformers has it, in float32.

    Raises:
        StoreInvalid: the weights cannot be read, or are of another network.
    """
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    whisper: Any = transformers.WhisperForConditionalGeneration
    try:
        network, report = whisper.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        line = (str(error) or type(error).__name__).splitlines()[0][:300]
        raise StoreInvalid(f"the weights in {folder} cannot be read: {line}", "fetch them again") from error
    odd = sorted((*report["missing_keys"], *(str(one[0]) for one in report["mismatched_keys"])))
    if odd:
        raise StoreInvalid(f"the weights in {folder} do not fit the network: {', '.join(odd[:5])}", "fetch them again")
    for part in (network.model.encoder, network.model.decoder):
        part.layerdrop = 0.0  # processes would leave out different layers
    for layer in network.modules():
        if type(layer) is nn.Linear:
            layer.__class__ = Linear  # the same numbers, sooner on some processors
    return network
