"""GPT-2 and Llama as bodies: texts to one vector a token, and scores of the next one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from zoo import PredictionRun, TrainingRun
from zoo.training import Batch
from zoo.training.head import HeadConfig
from zoo.training.pretrained import WeightsReader, fill, save_config
from zoo.training.text.causal import CausalBody, GeneratingNetwork
from zoo.training.text.readme import WRITER
from zoo.training.text.tokenizer_files import beginning
from zoo_gpt.config import new_config, read_config, with_dropout
from zoo_gpt.generating import CachedNetwork
from zoo_gpt.gguf_folder import converted
from zoo_gpt.gpt2 import Conv1DReader, Gpt2, conv1d_state, scale_residual
from zoo_gpt.llama import Llama
from zoo_gpt.shape import ARCHITECTURES, BODY, GPT2, Shape
from zoo_gpt.tokenization import (
    END,
    chat_template,
    end_ids,
    max_tokens_of,
    save_tokenizer,
    special_tokens,
    tokenizer_of,
)

LORA_TARGETS = {"gpt2": ("c_attn",), "llama": ("q_proj", "v_proj")}
"""As peft has them (Hu et al. 2021, arXiv:2106.09685, section 4.2)."""


class GptBody(CausalBody):
    """The layers and the table of tokens, which mostly scores the next one, too."""

    layout = (("body.", ""),)
    module: Gpt2 | Llama
    """Of a training; generating computes with a network of its own."""

    def __init__(self, run: TrainingRun | PredictionRun) -> None:
        self._folder = _model_folder(run)
        tokenizer = tokenizer_of(run, self._folder)
        if self._folder is None:
            stated = new_config(run.card, tokenizer.get_vocab_size(), tokenizer.token_to_id(END))
        else:
            stated = read_config(self._folder)
        self.config = with_dropout(stated, getattr(run.options, "dropout", None))
        self.shape = Shape.of(self.config)
        super().__init__(
            run,
            tokenizer,
            eos_ids=_end_ids(self._folder, stated),
            positions=self.shape.positions
            if self._folder is None
            else max_tokens_of(self._folder, self.shape.positions),
            width=self.shape.width,
            bos_id=beginning(tokenizer, stated.get("bos_token_id")),
            chat_template="" if self._folder is None else chat_template(self._folder),
            special_tokens={} if self._folder is None else special_tokens(self._folder),
            vocabulary_size=self.shape.vocabulary,
        )
        self.lora_targets = LORA_TARGETS[self.shape.family]
        if isinstance(run, TrainingRun):
            self.module = self._filled()

    def hidden(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """Shape (batch, tokens, width)."""
        vectors: torch.Tensor = module(batch["input_ids"], batch["position_ids"], batch["segments"])
        return vectors

    def scores(self, module: nn.Module, hidden: torch.Tensor) -> torch.Tensor:
        """Shape (..., vocabulary)."""
        network: Any = module
        logits: torch.Tensor = network.scores(hidden)
        return logits

    def generating_network(self, run: PredictionRun) -> GeneratingNetwork:
        """With a cache of keys and values, and faster than the modules."""
        with self._reader() as weights:
            return CachedNetwork(self.config, weights, run.device, run.precision)

    def save(self, folder: Path, state: dict[str, torch.Tensor], head: HeadConfig | None) -> None:
        """Write a folder that transformers' Auto classes load."""
        if self.shape.family == GPT2:
            state = conv1d_state(state)
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        save_config(self.config | {"architectures": [ARCHITECTURES[self.shape.family]]}, folder)
        save_tokenizer(self.tokenizer, self._folder, self.positions, folder)
        (folder / "README.md").write_text(WRITER, encoding="utf-8")

    def _filled(self) -> Gpt2 | Llama:
        """The network to be trained."""
        network = Gpt2(self.config) if self.shape.family == GPT2 else Llama(self.config)
        if self._folder is None:
            fill(network, "", self.config, None)
            if isinstance(network, Gpt2):
                scale_residual(network, self.shape.layers)
            return network
        with self._reader() as weights:
            fill(network, "", self.config, weights)
        return network

    def _reader(self) -> WeightsReader:
        assert self._folder is not None
        reader = Conv1DReader if self.shape.family == GPT2 else WeightsReader
        return reader(self._folder, BODY[self.shape.family])


def _model_folder(run: TrainingRun | PredictionRun) -> Path | None:
    """The weights as transformers has them: a GGUF file is unpacked once, and kept."""
    if run.weights is None:
        return None
    files = run.card.weights.in_folder(run.weights).files if run.card.weights is not None else ()
    for file in files:
        if file.name.endswith(".gguf"):
            path = run.weights / file.name
            status = path.stat()
            digest = file.sha256 or f"{status.st_size:x}-{status.st_mtime_ns:x}"
            return converted(path, run.cache_folder / f"{path.stem}-{digest[:16]}")
    return run.weights


def _end_ids(folder: Path | None, config: dict[str, Any]) -> tuple[int, ...]:
    return (config["eos_token_id"],) if folder is None else end_ids(folder, config)
