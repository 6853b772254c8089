"""Causal language models of transformers as bodies: whatever has a class that ends in `ForCausalLM`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from zoo import PredictionRun, TrainingRun, Unsupported
from zoo.training import Batch
from zoo.training.head import HeadConfig
from zoo.training.precisions import DTYPES
from zoo.training.text.causal import CausalBody, GeneratingNetwork
from zoo.training.text.readme import WRITER
from zoo.training.text.tokenizer_files import beginning
from zoo.training.transformers_network import load_network, read_config
from zoo_transformers.causal_cache import CachedNetwork, can_cache
from zoo_transformers.network import adaptable_layers, save, weights_of
from zoo_transformers.text import backend_of, read_fast_tokenizer
from zoo_transformers.text_cards import positions

TOLERANCE = 1e-3
"""By how much scores may differ from those of transformers, beside the largest of them."""


class TransformersCausal(CausalBody):
    """A network of transformers that scores the next token.

    Raises:
        Unsupported: it makes scores in a way that is not computed here.
    """

    layout = (("body.network.", ""),)
    module: CausalNetwork

    def __init__(self, run: TrainingRun | PredictionRun) -> None:
        weights = weights_of(run)
        self.config = read_config(weights)
        self._tokens = read_fast_tokenizer(weights)
        tokenizer = backend_of(self._tokens)
        network = load_network(transformers.AutoModelForCausalLM, weights, self.config, with_head=True)
        super().__init__(
            run,
            tokenizer,
            eos_ids=_end_ids(network, self._tokens),
            positions=positions(self.config.to_dict()),
            width=network.get_output_embeddings().in_features,
            bos_id=beginning(tokenizer, self._tokens.bos_token_id),
            chat_template=_chat_template(self._tokens),
            special_tokens=_texts_of_special_tokens(self._tokens),
            vocabulary_size=network.get_output_embeddings().out_features,
        )
        self.module = CausalNetwork(network)
        self.module.check(run.card.name)
        self.lora_targets = adaptable_layers(network)

    def hidden(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """Shape (batch, tokens, width)."""
        vectors: torch.Tensor = module(batch["input_ids"], batch["segments"])
        return vectors

    def scores(self, module: nn.Module, hidden: torch.Tensor) -> torch.Tensor:
        """Shape (..., vocabulary)."""
        network: Any = module
        logits: torch.Tensor = network.scores(hidden)
        return logits

    def generating_network(self, run: PredictionRun) -> GeneratingNetwork:
        """With transformers' own cache of keys and values, where the architecture has the usual one."""
        network: Any = self.module.network
        if not can_cache(network):
            return super().generating_network(run)
        return CachedNetwork(network.to(torch.device(run.device), DTYPES[run.precision]).eval())

    def save(self, folder: Path, state: dict[str, torch.Tensor], head: HeadConfig | None) -> None:
        """Write a folder that transformers' Auto classes load."""
        save(self.module.network, self.config, folder, state, head)
        self._tokens.save_pretrained(folder)
        (folder / "README.md").write_text(WRITER, encoding="utf-8")


class CausalNetwork(nn.Module):
    """A network of transformers in two steps: to one vector a token, and from these to scores.

    Args:
        network: of a class with an output layer for the next token.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network: Any = network
        config = network.config
        self._scale = float(getattr(config, "logit_scale", 0) or 1) / float(getattr(config, "logits_scaling", 0) or 1)
        self._soft_cap = float(getattr(config, "final_logit_softcapping", 0) or 0)

    def forward(self, input_ids: torch.Tensor, segments: torch.Tensor) -> torch.Tensor:
        """One vector a token, shape (batch, tokens, width); the arguments are those of `CausalBody.hidden`.

        Each text of a row is computed in a row of its own. What fills that up stands at its end, where nothing that
        counts sees it: so no architecture needs a mask, and all count positions from where they count them.
        """
        counts = segments > 0
        rows = torch.arange(len(segments), device=segments.device)[:, None]
        texts_of = (rows * (segments.max() + 1) + segments)[counts]
        lengths = torch.unique_consecutive(texts_of, return_counts=True)[1]
        texts = pad_sequence(list(torch.split(input_ids[counts], lengths.tolist())), batch_first=True)
        vectors = self.network.base_model(input_ids=texts, use_cache=False).last_hidden_state
        inside = torch.arange(texts.shape[1], device=texts.device) < lengths[:, None]
        placed: torch.Tensor = vectors.new_zeros(*input_ids.shape, vectors.shape[-1])
        placed[counts] = vectors[inside]
        return placed

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits of the next token, shape (..., vocabulary): scaled as Cohere's and Granite's, bounded as Gemma's."""
        logits: torch.Tensor = self.network.get_output_embeddings()(hidden) * self._scale
        return torch.tanh(logits / self._soft_cap) * self._soft_cap if self._soft_cap else logits

    def check(self, name: str) -> None:
        """Whether the two steps are what the network computes at once.

        Raises:
            Unsupported: they are not.
        """
        ids = torch.arange(4).remainder(self.network.get_output_embeddings().out_features)[None]
        training = self.network.training
        self.network.eval()
        with torch.inference_mode():
            ours = self.scores(self(ids, torch.ones_like(ids)))
            theirs = self.network(input_ids=ids, use_cache=False).logits
        self.network.train(training)
        if not torch.allclose(ours, theirs, rtol=0, atol=TOLERANCE * float(theirs.abs().max())):
            raise Unsupported(
                f"{name} is a {type(self.network).__name__}, which makes scores of tokens in a way of its own",
                "choose a model of another architecture",
            )


def _end_ids(network: Any, tokens: Any) -> tuple[int, ...]:
    """Ids of the tokens that end a text: what is said of generation counts before what is said of the network."""
    for stated in (getattr(network.generation_config, "eos_token_id", None), network.config.eos_token_id):
        if stated is not None:
            return tuple(stated) if isinstance(stated, list) else (int(stated),)
    return () if tokens.eos_token_id is None else (int(tokens.eos_token_id),)


def _chat_template(tokens: Any) -> str:
    """In Jinja; empty where the model was not taught to talk."""
    stated = tokens.chat_template
    if isinstance(stated, dict):  # several, by name
        stated = stated.get("default")
    return stated or ""


def _texts_of_special_tokens(tokens: Any) -> dict[str, str]:
    """Of those that a chat template names."""
    return {name: text for name, text in tokens.special_tokens_map.items() if isinstance(text, str)}
