"""Fine-tuning: text classification."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo import ClassificationMetrics, Example, TrainingRun
from zoo.training import Batch, Objective, Output
from zoo_bert.config import CLASSIFIER, labels_told, new_config, read_config, with_dropout
from zoo_bert.loading import from_random, from_weights, save
from zoo_bert.network import SequenceClassifier, pad
from zoo_bert.readme import classification_readme
from zoo_bert.tokenization import id_of, save_tokenizer, tokenizer_of
from zoo_bert.training_texts import TrainingTexts
from zoo_bert.trimming import TrimmedVocabulary

Features = tuple[list[int], int]
"""Token ids, and the index of the label."""
FIRST = "first"
"""Entry of a batch that went through a frozen body: vectors of the first tokens."""
HEAD = ("classifier.", "bert.pooler.")
"""What weights of a body may lack."""
SCRATCH_LR = 3e-4
"""Peak learning rate where nothing is pretrained."""


class Classification(Objective[Features]):
    """Cross entropy of a linear layer on the pooled `[CLS]` token (Devlin et al. 2018, section 4.1)."""

    default_lr = 1e-4
    head_lr = 2e-3
    head = ("bert.pooler", "classifier")
    lora_targets = ("query", "value")
    module: SequenceClassifier

    def __init__(self, run: TrainingRun) -> None:
        self._labels = run.labels
        self._index = {label: i for i, label in enumerate(run.labels)}
        self._tokenizer = tokenizer_of(run)
        self._pad_id = id_of(self._tokenizer, "[PAD]")
        self._occurring = {self._pad_id}
        self._trimmed: TrimmedVocabulary | None = None
        self._config = self._stated(run)
        self._texts = TrainingTexts(run, self._tokenizer, self._config)
        self.micro_batch_size = self._texts.micro_batch_size
        self.module = self._network(run)

    def _stated(self, run: TrainingRun) -> dict[str, Any]:
        """The result's `config.json`."""
        vocabulary = self._tokenizer.get_vocab_size()
        config = new_config(run.card, vocabulary) if run.weights is None else read_config(run.weights)
        return with_dropout(config, run.options.dropout) | {
            "architectures": [CLASSIFIER],
            "id2label": {str(i): label for label, i in self._index.items()},
            "label2id": self._index,
            "problem_type": "single_label_classification",
        }

    def _network(self, run: TrainingRun) -> SequenceClassifier:
        torch.manual_seed(run.options.seed)

        def make() -> SequenceClassifier:
            return SequenceClassifier(self._config, len(run.labels))

        if run.weights is None:
            self.default_lr = SCRATCH_LR
            return from_random(make, self._config)
        # Rows of an output layer that stand for other labels are of no use.
        anew = () if labels_told(read_config(run.weights)) == run.labels else ("classifier.",)
        return from_weights(make, self._config, run.weights, may_lack=HEAD, anew=anew)

    def features(self, examples: Sequence[Example]) -> list[Features]:
        """Tokenise."""
        tokens = self._texts.ids(examples)
        self._occurring.update(*tokens)
        return [(ids, self._index[str(e.label)]) for ids, e in zip(tokens, examples, strict=True)]

    def begin(self) -> None:
        """Train the vectors of the word pieces that occur, and leave the others as they are."""
        words = self.module.bert.embeddings.word_embeddings
        if words.weight.requires_grad and len(self._occurring) < words.num_embeddings:
            self._trimmed = TrimmedVocabulary(self.module.bert, self._occurring)

    def length(self, features: Features) -> int:
        """Number of tokens."""
        return len(features[0])

    def group(self, features: Features) -> int:
        """Index of the label."""
        return features[1]

    def collate(self, features: Sequence[Features], seeds: Sequence[int], *, training: bool) -> Batch:
        """Pad; nothing is random."""
        batch = pad([ids for ids, _ in features], self._pad_id)
        if self._trimmed is not None:
            batch["input_ids"] = self._trimmed.rows(batch["input_ids"])
        return {**batch, "labels": torch.tensor([label for _, label in features])}

    def reduced(self, module: nn.Module, batch: Batch) -> Batch:
        """The `[CLS]` vectors of the last layer, shape (batch, width), and the labels."""
        assert isinstance(module, SequenceClassifier)
        return {FIRST: module.bert(**_inputs(batch), first=True), "labels": batch["labels"]}

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Cross entropy of each example, shape (batch,)."""
        if FIRST in batch:
            assert isinstance(module, SequenceClassifier)
            logits = module.judge(batch[FIRST]).float()
        else:
            logits = module(**_inputs(batch)).float()
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
        if self._trimmed is not None:
            self._trimmed.put_back(self.module.bert)
            self._trimmed = None
        save(module, self._config, folder)
        save_tokenizer(self._tokenizer, self._texts.max_tokens, folder)
        (folder / "README.md").write_text(classification_readme(), encoding="utf-8")


def _inputs(batch: Batch) -> Batch:
    return {name: tensor for name, tensor in batch.items() if name != "labels"}
