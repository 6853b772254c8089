"""A causal body small enough for tests: two layers over the 256 bytes, and a few tokens for a chat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from torch import nn

from zoo.training import Batch
from zoo.training.head import HeadConfig
from zoo.training.text.causal import CausalBody

SPECIAL = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
WIDTH, HEADS, POSITIONS = 32, 4, 96
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def byte_tokenizer() -> Tokenizer:
    """Each byte is a token, so that most letters of most alphabets are several."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: place for place, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    return tokenizer


class Layer(nn.Module):
    """Attention and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.inner_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.out = nn.Linear(WIDTH, WIDTH)
        self.inner = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, vectors: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        normed = self.norm(vectors)
        parts = [
            linear(normed).unflatten(-1, (HEADS, -1)).transpose(1, 2) for linear in (self.query, self.key, self.value)
        ]
        mixed = nn.functional.scaled_dot_product_attention(*parts, attn_mask=seen[:, None])
        vectors = vectors + self.out(mixed.transpose(1, 2).flatten(2))
        return vectors + self.inner(self.inner_norm(vectors))


class Net(nn.Module):
    """Embeddings, layers, and scores by the embeddings."""

    def __init__(self, vocabulary: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(vocabulary, WIDTH), nn.Embedding(POSITIONS, WIDTH)
        self.dropout = nn.Dropout(dropout)
        for table in (self.words, self.places):
            nn.init.normal_(table.weight, std=0.1)
        self.layers = nn.ModuleList(Layer() for _ in range(2))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, input_ids: torch.Tensor, position_ids: torch.Tensor, segments: torch.Tensor) -> torch.Tensor:
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        seen = (segments[:, :, None] == segments[:, None]) & (places[:, None] >= places)
        vectors = self.dropout(self.words(input_ids) + self.places(position_ids))
        for layer in self.layers:
            vectors = layer(vectors, seen)
        return self.norm(vectors)


class TinyBody(CausalBody):
    """Of the weights, or of random numbers."""

    layout = (("body.", "tiny."),)
    lora_targets = ("query", "value")
    scratch_lr = 5e-3
    lr = 2e-3

    def __init__(self, run: Any, *, chat: bool = False) -> None:
        tokenizer = byte_tokenizer()
        super().__init__(
            run,
            tokenizer,
            eos_ids=(tokenizer.token_to_id("<|end|>"),),
            positions=POSITIONS,
            width=WIDTH,
            chat_template=CHAT_TEMPLATE if chat else "",
        )
        self.module = Net(self.vocabulary_size, dropout=0.05)
        if run.weights is not None:
            state = load_file(run.weights / "model.safetensors")
            self.module.load_state_dict({name.removeprefix("tiny."): tensor for name, tensor in state.items()})

    def hidden(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        return module(batch["input_ids"], batch["position_ids"], batch["segments"])

    def scores(self, module: nn.Module, hidden: torch.Tensor) -> torch.Tensor:
        return hidden @ module.words.weight.T

    def save(self, folder: Path, state: dict[str, torch.Tensor], head: HeadConfig | None) -> None:
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        self.tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "config.json").write_text(json.dumps({"model_type": "tiny"}))
        (folder / "README.md").write_text("A tiny model.")
