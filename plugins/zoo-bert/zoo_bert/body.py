"""BERT as a body (Devlin et al. 2018, arXiv:1810.04805): texts to one vector a token, and one a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from safetensors.torch import save_file
from torch import nn

from zoo import PredictionRun, Predictor, TrainingRun
from zoo.training import Batch
from zoo.training.head import HeadConfig, without_head
from zoo.training.pretrained import WeightsReader, fill, save_config
from zoo.training.text import TextBody
from zoo.training.text.readme import readme_of
from zoo.training.text.trimming import TrimmedVocabulary
from zoo.training.text.vocabulary import SPECIAL
from zoo_bert.answering import BertModules, PackedBert
from zoo_bert.bert import Bert, ClassificationHead, LanguageModelHead, TagHead
from zoo_bert.config import (
    BODY,
    OUTPUT_LAYER,
    architecture_of,
    head_of,
    max_tokens_of,
    new_config,
    read_config,
    with_dropout,
)
from zoo_bert.tokenization import save_tokenizer, tokenizer_of

if TYPE_CHECKING:
    from zoo.training.portable.network import Portable

PAD, MASK = SPECIAL[0], SPECIAL[4]


class BertBody(TextBody):
    """The layers; the pooler belongs to the head of a classifier (section 4.1)."""

    layout = (
        ("head.pooler.", BODY + "pooler."),
        ("head.classifier.", f"{OUTPUT_LAYER}."),
        ("head.", "cls.predictions."),
        ("body.", BODY),
    )
    output_layer = OUTPUT_LAYER
    lora_targets = ("query", "value")
    head_lr = 2e-3
    module: Bert
    """Of a training; answering computes with a network of its own."""

    def __init__(self, run: TrainingRun | PredictionRun) -> None:
        tokenizer = tokenizer_of(run)
        vocabulary = tokenizer.get_vocab_size()
        stated = new_config(run.card, vocabulary) if run.weights is None else read_config(run.weights)
        self.config = with_dropout(stated, getattr(run.options, "dropout", None))
        super().__init__(
            run,
            tokenizer,
            pad_token=PAD,
            mask_token=MASK,
            special_tokens=SPECIAL,
            positions=stated["max_position_embeddings"],
            width=stated["hidden_size"],
            max_tokens=None if run.weights is None else max_tokens_of(run.weights, stated),
        )
        self._vocabulary = TrimmedVocabulary(self.pad_id, whole=isinstance(run, TrainingRun) and run.rows_elsewhere)
        self._weights = None if run.weights is None else WeightsReader(run.weights, BODY)
        self.head_config = None if run.weights is None else head_of(stated)
        if isinstance(run, TrainingRun):
            self._build()

    def _build(self) -> None:
        """Make the modules, which answering here does without."""
        self.module = Bert(self.config)
        fill(self.module, BODY, self.config, self._weights)
        if self._weights is not None and self.head_config is not None:
            layer = self._weights.pair(OUTPUT_LAYER, self.head_config.outputs, self.width)
            self.output_state = dict(zip(("weight", "bias"), layer, strict=True))

    def expect(self, sequences: Iterable[list[int]]) -> None:
        """Note which word pieces occur."""
        self._vocabulary.expect(sequences)

    def share(self, other: Self) -> None:
        """Also the word pieces that occur."""
        super().share(other)
        self._vocabulary = other._vocabulary

    def begin(self) -> None:
        """Train the vectors of the word pieces that occur, and leave the others as they are."""
        self._vocabulary.trim(self.module.embeddings)

    def end(self) -> None:
        """Put the table of word pieces back whole."""
        self._vocabulary.put_back(self.module.embeddings)

    def collate(self, features: Sequence[list[int]], seeds: Sequence[int], *, training: bool) -> Batch:
        """Pad, with the ids that the table of word pieces has now."""
        batch = super().collate(features, seeds, training=training)
        return {**batch, "input_ids": self._vocabulary.rows(batch["input_ids"])}

    def pooled(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """The vector of `[CLS]`, shape (batch, width)."""
        first: torch.Tensor = module(**batch, first=True)
        return first

    def tokens(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """Shape (batch, tokens, width)."""
        vectors: torch.Tensor = module(**batch)
        return vectors

    def new_head(self, outputs: int) -> nn.Module:
        """The pooler, of the weights if they have it, and a new output layer."""
        head = ClassificationHead(self.config, outputs)
        fill(head, BODY, self.config, self._weights, may_lack=True, anew=(f"{OUTPUT_LAYER}.",))
        return head

    def new_tag_head(self, outputs: int) -> nn.Module:
        """One layer."""
        head = TagHead(self.config, outputs)
        fill(head, BODY, self.config, None)
        return head

    def new_token_head(self) -> nn.Module:
        """Of the weights if they have it."""
        head = LanguageModelHead(self.config, self.module.embeddings.word_embeddings)
        fill(head, "cls.predictions.", self.config, self._weights, may_lack=True)
        return head

    def predictor(self, run: PredictionRun) -> Predictor:
        """With all that it takes of the weights read."""
        assert self._weights is not None
        with self._weights:
            return super().predictor(run)

    def answering_network(self, run: PredictionRun) -> PackedBert:
        """The encoder, faster than the modules."""
        assert self._weights is not None
        return PackedBert(self, run, self._weights)

    def portable(self, run: PredictionRun) -> Portable:
        """With all that it takes of the weights read."""
        assert self._weights is not None
        with self._weights:
            return super().portable(run)

    def portable_network(self, run: PredictionRun) -> BertModules:
        """The modules."""
        self._build()
        return BertModules(self, run)

    def save(self, folder: Path, state: dict[str, torch.Tensor], head: HeadConfig | None) -> None:
        """Write a folder that transformers' Auto classes load."""
        stated: dict[str, Any] = {"architectures": [architecture_of(head)]}
        if head:
            stated |= head.to_transformers()
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        save_config(without_head(self.config) | stated, folder)
        save_tokenizer(self.tokenizer, self.texts.max_tokens, folder)
        (folder / "README.md").write_text(readme_of(head), encoding="utf-8")
