"""Text encoders of transformers as bodies."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Self, cast

import torch
import transformers
from tokenizers import Tokenizer
from torch import nn

from zoo import Embedding, PredictionRun, StoreInvalid, TaggedSpans, TrainingRun
from zoo.training import Batch
from zoo.training.head import HeadConfig
from zoo.training.text import AnsweringNetwork, TextBody
from zoo.training.text.network import Blocks, ModuleNetwork, batch_of
from zoo.training.text.readme import readme_of
from zoo.training.transformers_network import SAFE, load_network, read_config
from zoo_transformers.network import adaptable_layers, save, weights_of, without_output_layer
from zoo_transformers.text_cards import positions
from zoo_transformers.vocabularies import slow_tokenizer

CLASSIFIERS = ("ForSequenceClassification", "ForTokenClassification")
"""End the names of classes whose configuration says what the head is for."""
HEADLESS = (transformers.AutoModel, transformers.AutoModelForTextEncoding)
"""Classes that give vectors; the second one leaves out a decoder."""


class TransformersText(TextBody):
    """A network of transformers up to its output layer, which is the head."""

    def __init__(self, run: TrainingRun | PredictionRun) -> None:
        weights = weights_of(run)
        self.config = read_config(weights)
        self._tokens = read_fast_tokenizer(weights)
        self.config.pad_token_id = pad_id_of(self._tokens)
        stated = self.config.to_dict()
        super().__init__(
            run,
            backend_of(self._tokens),
            pad_token=self._tokens.convert_ids_to_tokens(self.config.pad_token_id),
            mask_token=self._tokens.mask_token or "",
            special_tokens=self._tokens.all_special_tokens,
            positions=positions(stated),
            width=0,
        )
        saved_from = next(iter(self.config.architectures or ()), "")
        self.head_config = HeadConfig.from_transformers(stated) if saved_from.endswith(CLASSIFIERS) else None
        auto = self._auto_class(run)
        self.module: Any = load_network(auto, weights, self.config)
        self.width = self.config.hidden_size
        if auto in HEADLESS:
            return
        self._output_name, self._output_layer = without_output_layer(self.module)
        self.shared_part = self.module.base_model_prefix
        self.width = self._output_layer.in_features
        self.layout = (("head.", f"{self._output_name}."), ("body.", ""))
        self.lora_targets = adaptable_layers(self.module)
        if self.head_config is not None:
            self.output_state = {name: one.detach().clone() for name, one in self._output_layer.state_dict().items()}

    def share(self, other: Self) -> None:
        """Also the table of tokens, where the output layer has it."""
        tied = self._output_layer.weight is self.module.get_input_embeddings().weight
        super().share(other)
        if tied:
            self._output_layer.weight = self.module.get_input_embeddings().weight

    def _auto_class(self, run: TrainingRun | PredictionRun) -> Any:
        """The class of transformers with the head that the task of the run learns or asks."""
        if "pooled" in run.task.needs:
            return transformers.AutoModelForSequenceClassification
        if run.task.answer is TaggedSpans:
            return transformers.AutoModelForTokenClassification
        if run.task.answer is Embedding and isinstance(run, PredictionRun):
            return HEADLESS[self.config.is_encoder_decoder]
        return transformers.AutoModelForMaskedLM

    def pooled(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """What the output layer sees of each text, shape (batch, width)."""
        return self.tokens(module, batch)

    def tokens(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """What the output layer sees of each token, shape (batch, tokens, width)."""
        seen: torch.Tensor = module(**inputs_of(batch)).logits
        return seen

    def new_head(self, outputs: int) -> nn.Module:
        """An output layer of random numbers, as transformers begins with."""
        layer = nn.Linear(self.width, outputs, bias=self._output_layer.bias is not None)
        self.module._init_weights(layer)
        return layer

    def new_tag_head(self, outputs: int) -> nn.Module:
        """Likewise."""
        return self.new_head(outputs)

    def new_token_head(self) -> nn.Module:
        """The layer that scores the vocabulary; it may share its weights with the table of tokens."""
        return self._output_layer

    def answering_network(self, run: PredictionRun) -> AnsweringNetwork:
        """The modules, as transformers has them."""
        return _Answering(self, run)

    def save(self, folder: Path, state: dict[str, torch.Tensor], head: HeadConfig | None) -> None:
        """Write a folder that transformers' Auto classes load."""
        save(self.module, self.config, folder, state, head)
        self._tokens.model_max_length = self.texts.max_tokens
        self._tokens.save_pretrained(folder)
        (folder / "README.md").write_text(readme_of(head), encoding="utf-8")


def inputs_of(batch: Batch) -> Batch:
    """A batch as the networks of transformers take it."""
    return batch | {name: mask.long() for name, mask in batch.items() if name == "attention_mask"}


class _Answering(ModuleNetwork):
    """As transformers computes it."""

    def __init__(self, body: TransformersText, run: PredictionRun) -> None:
        super().__init__(body, run)
        self._first = run.card.architecture.get("pooling") == "cls"

    def embedding(self, blocks: Blocks) -> torch.Tensor:
        """The mean over the tokens of each text, or the vector of the first of them, as the card says."""
        vectors = [self._module(**inputs_of(batch_of(block))).last_hidden_state for block in blocks]
        return torch.cat(
            [one[:, 0] if self._first else block.mean(one) for one, block in zip(vectors, blocks, strict=True)]
        )


def read_tokenizer(folder: Path) -> Any:
    """What makes texts into tokens.

    Raises:
        StoreInvalid: it cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Marian's advises a package
            return transformers.AutoTokenizer.from_pretrained(folder, use_fast=True, **SAFE)
    except Exception as error:  # the libraries raise bare ones
        raise StoreInvalid(f"the tokenizer in {folder} cannot be read: {str(error)[:300]}", "fetch it again") from error


def read_fast_tokenizer(folder: Path) -> Any:
    """The same, computed by the library `tokenizers`, which knows the place of each token in the text.

    Raises:
        StoreInvalid: it cannot be read.
        Unsupported: transformers computes it in Python alone.
    """
    tokens = read_tokenizer(folder)
    if not tokens.is_fast:
        raise slow_tokenizer(type(tokens).__name__)
    return tokens


def backend_of(tokens: Any) -> Tokenizer:
    """What computes it; padding and truncation, which it may ask for, are ours to do."""
    backend = cast("Tokenizer", tokens.backend_tokenizer)
    backend.no_padding()
    backend.no_truncation()
    return backend


def pad_id_of(tokens: Any) -> int:
    """The token that fills up; that of the end where there is none, whose vectors nobody looks at."""
    for number in (tokens.pad_token_id, tokens.eos_token_id, tokens.unk_token_id):
        if number is not None:
            return int(number)
    return 0
