"""Fine-tuning: text classification."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import BertForSequenceClassification

from zoo import ClassificationMetrics, Example, TrainingRun
from zoo.training import Batch, Objective, Output
from zoo_bert.modules import from_random, from_weights, pad, quiet, stated_labels
from zoo_bert.readme import classification_readme
from zoo_bert.tokenization import encode, for_transformers, id_of, tokenizer_of

Features = tuple[list[int], int]
"""Token ids, and the index of the label."""
FIRST = "first"
"""Entry of a batch that went through a frozen body: vectors of the first tokens."""
NEW = ("classifier.", "bert.pooler.")
"""What weights of a body may lack."""
SCRATCH_LR = 3e-4
"""Peak learning rate where nothing is pretrained."""


class Classification(Objective[Features]):
    """Cross entropy of a linear layer on the pooled `[CLS]` token (Devlin et al. 2018, section 4.1)."""

    default_lr = 1e-4
    head_lr = 2e-3
    head = ("bert.pooler", "classifier")
    lora_targets = ("query", "value")
    module: BertForSequenceClassification

    def __init__(self, run: TrainingRun) -> None:
        self._labels = run.labels
        self._index = {label: i for i, label in enumerate(run.labels)}
        self._max_tokens: int = run.options.max_tokens
        self._tokenizer = tokenizer_of(run)
        self._pad_id = id_of(self._tokenizer, "[PAD]")
        self.module = self._model(run)
        self.module.config.problem_type = "single_label_classification"

    def _model(self, run: TrainingRun) -> BertForSequenceClassification:
        torch.manual_seed(run.options.seed)
        names = {"id2label": dict(enumerate(run.labels)), "label2id": self._index}
        dropout: float | None = run.options.dropout
        if run.weights is None:
            self.default_lr = SCRATCH_LR
            size = self._tokenizer.get_vocab_size()
            return from_random(BertForSequenceClassification, run.card, vocabulary_size=size, dropout=dropout, **names)
        module = from_weights(
            BertForSequenceClassification, run.weights, new=NEW, dropout=dropout, num_labels=len(run.labels), **names
        )
        if stated_labels(run.weights) != run.labels:
            _start_anew(module, run.options.seed)
        return module

    def features(self, examples: Sequence[Example]) -> list[Features]:
        """Tokenise."""
        tokens = encode(self._tokenizer, [example.input for example in examples], self._max_tokens)
        return [(ids, self._index[str(e.label)]) for ids, e in zip(tokens, examples, strict=True)]

    def length(self, features: Features) -> int:
        """Number of tokens."""
        return len(features[0])

    def group(self, features: Features) -> int:
        """Index of the label."""
        return features[1]

    def collate(self, features: Sequence[Features], seeds: Sequence[int], *, training: bool) -> Batch:
        """Pad; nothing is random."""
        labels = torch.tensor([label for _, label in features])
        return {**pad([ids for ids, _ in features], self._pad_id), "labels": labels}

    def reduced(self, module: nn.Module, batch: Batch) -> Batch:
        """The `[CLS]` vectors of the last layer, shape (batch, width), and the labels."""
        assert isinstance(module, BertForSequenceClassification)
        return {FIRST: module.bert(**_inputs(batch)).last_hidden_state[:, 0], "labels": batch["labels"]}

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Cross entropy of each example, shape (batch,)."""
        logits = (_head(module, batch[FIRST]) if FIRST in batch else module(**_inputs(batch)).logits).float()
        losses = nn.functional.cross_entropy(logits, batch["labels"], reduction="none")
        seen = {"labels": batch["labels"], "predicted": logits.detach().argmax(-1), "losses": losses.detach()}
        return Output(losses, seen)

    def metrics(self) -> ClassificationMetrics:
        """Accuracy, macro F1, mean loss."""
        return ClassificationMetrics(self._labels)

    def update_metrics(self, metrics: Any, output: Output, count: int) -> None:
        """Count the examples of a batch."""
        columns = [output.for_metrics[name][:count].tolist() for name in ("labels", "predicted", "losses")]
        for label, predicted, loss in zip(*columns, strict=True):
            metrics.update(label, predicted, loss)

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write a folder that transformers' Auto classes load."""
        assert isinstance(module, BertForSequenceClassification)
        with quiet():
            module.save_pretrained(folder)
        for_transformers(self._tokenizer, self._max_tokens).save_pretrained(folder)
        (folder / "README.md").write_text(classification_readme(), encoding="utf-8")


def _inputs(batch: Batch) -> Batch:
    return {name: tensor for name, tensor in batch.items() if name != "labels"}


def _head(module: nn.Module, first: torch.Tensor) -> torch.Tensor:
    """Logits of the vectors of the first tokens, shape (batch, width)."""
    assert isinstance(module, BertForSequenceClassification)
    pooler = module.bert.pooler
    assert pooler is not None
    logits: torch.Tensor = module.classifier(module.dropout(pooler(first[:, None])))
    return logits


def _start_anew(module: BertForSequenceClassification, seed: int) -> None:
    """Fill the output layer with random numbers: rows that stood for other labels are of no use."""
    generator = torch.Generator().manual_seed(seed)
    nn.init.normal_(module.classifier.weight, std=module.config.initializer_range, generator=generator)
    nn.init.zeros_(module.classifier.bias)
