"""Predicting: labels, filled masks, embeddings."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from transformers import BertForMaskedLM, BertForSequenceClassification, BertModel

import zoo
from zoo import Classification, Embedding, FilledMask, Prediction, PredictionRun, Rejected, Score
from zoo_bert.modules import from_weights, pad
from zoo_bert.tokenization import encode, load_tokenizer

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
FILLINGS = 5
"""Candidates for a mask where no number is asked for."""


def load(run: PredictionRun) -> zoo.Predictor:
    """The predictor of the run's task."""
    match run.task.name:
        case "text-classification":
            return LabelPredictor(run)
        case "fill-mask":
            return MaskPredictor(run)
        case "feature-extraction":
            return EmbeddingPredictor(run)
        case name:
            raise zoo.Unsupported(
                f"BERT does not do {name}", "it does text-classification, fill-mask, feature-extraction"
            )


class _Predictor(ABC):
    """Tokenise, group by length, compute, put back in order."""

    model: type[BertForSequenceClassification | BertForMaskedLM | BertModel]

    def __init__(self, run: PredictionRun) -> None:
        self._options: Any = run.options
        self._device = torch.device(run.device)
        self._tokenizer = load_tokenizer(run.weights)
        self._pad_id: int = self._tokenizer.token_to_id("[PAD]")
        self._max_tokens = _max_tokens(run)
        self.module = from_weights(self.model, run.weights).to(self._device, DTYPES[run.precision]).eval()

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every input, in order; one that is no text, or an empty one, is rejected in its place."""
        answers: list[Prediction] = [Rejected("the input is not a text, or is empty")] * len(inputs)
        usable = [i for i, text in enumerate(inputs) if isinstance(text, str) and text.strip()]
        tokens = encode(self._tokenizer, [inputs[i] for i in usable], self._max_tokens)
        kept = []
        for i, ids in zip(usable, tokens, strict=True):
            reason = self.objection(ids)
            if reason:
                answers[i] = Rejected(reason)
            else:
                kept.append((i, ids))
        for batch in _batches(kept, self._options.batch_tokens):
            tensors = pad([ids for _, ids in batch], self._pad_id)
            on_device = {name: tensor.to(self._device) for name, tensor in tensors.items()}
            with torch.inference_mode():
                found = self.answer(on_device)
            for (i, _), answer in zip(batch, found, strict=True):
                answers[i] = answer
        return answers

    def objection(self, ids: list[int]) -> str:
        """Why an input cannot be answered; empty where it can."""
        return ""

    @abstractmethod
    def answer(self, batch: dict[str, torch.Tensor]) -> list[Prediction]:
        """Answer a batch."""


class LabelPredictor(_Predictor):
    """Probabilities of the labels: the softmax of the logits."""

    model = BertForSequenceClassification

    def __init__(self, run: PredictionRun) -> None:
        super().__init__(run)
        names = self.module.config.id2label
        self._labels = [names[i] for i in range(len(names))]

    def answer(self, batch: dict[str, torch.Tensor]) -> list[Prediction]:
        """Labels, most probable first."""
        probabilities = self.module(**batch).logits.float().softmax(-1)
        count = min(self._options.top_k or len(self._labels), len(self._labels))
        top = probabilities.topk(count)
        return [
            Classification(tuple(Score(self._labels[i], p) for p, i in zip(values, indices, strict=True)))
            for values, indices in zip(top.values.tolist(), top.indices.tolist(), strict=True)
        ]


class MaskPredictor(_Predictor):
    """What may stand in place of the one `[MASK]` of a text."""

    model = BertForMaskedLM

    def __init__(self, run: PredictionRun) -> None:
        super().__init__(run)
        self._mask_id: int = self._tokenizer.token_to_id("[MASK]")

    def objection(self, ids: list[int]) -> str:
        """There must be one mask, within the tokens the model takes."""
        count = ids.count(self._mask_id)
        if count == 1:
            return ""
        return f"{count} masks found; a text needs exactly one [MASK] among its first {self._max_tokens} tokens"

    def answer(self, batch: dict[str, torch.Tensor]) -> list[Prediction]:
        """Fillings, most probable first."""
        where = batch["input_ids"] == self._mask_id
        hidden = self.module.bert(**batch).last_hidden_state[where]
        top = self.module.cls(hidden).float().softmax(-1).topk(self._options.top_k or FILLINGS)
        return [
            self._filled(row, values, indices)
            for row, values, indices in zip(
                batch["input_ids"].tolist(), top.values.tolist(), top.indices.tolist(), strict=True
            )
        ]

    def _filled(self, row: list[int], values: list[float], indices: list[int]) -> FilledMask:
        filled = [indices[0] if token == self._mask_id else token for token in row]
        scores = tuple(Score(self._tokenizer.id_to_token(i), p) for p, i in zip(values, indices, strict=True))
        return FilledMask(self._tokenizer.decode(filled), scores)


class EmbeddingPredictor(_Predictor):
    """Token vectors averaged over the text and scaled to length one, as MiniLM's publisher documents."""

    model = BertModel

    def answer(self, batch: dict[str, torch.Tensor]) -> list[Prediction]:
        """One vector of shape (width,) a text."""
        tokens = self.module(**batch).last_hidden_state.float()
        mask = batch["attention_mask"][..., None]
        mean = (tokens * mask).sum(1) / mask.sum(1)
        vectors = torch.nn.functional.normalize(mean, dim=-1)
        return [Embedding(tuple(vector)) for vector in vectors.tolist()]


def _batches(items: list[tuple[int, list[int]]], budget: int) -> Iterator[list[tuple[int, list[int]]]]:
    """Group inputs of like length so that a batch, padded, stays within a number of tokens."""
    batch: list[tuple[int, list[int]]] = []
    for item in sorted(items, key=lambda item: len(item[1])):
        if batch and (len(batch) + 1) * len(item[1]) > budget:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _max_tokens(run: PredictionRun) -> int:
    """The least of what the card, the tokenizer and the position table allow."""
    config = json.loads((run.weights / "config.json").read_bytes())
    path = run.weights / "tokenizer_config.json"
    stated = json.loads(path.read_bytes()).get("model_max_length", 512) if path.exists() else 512
    of_card = getattr(run.card.input, "max_tokens", 512)
    return int(min(stated, of_card, config.get("max_position_embeddings", 512)))
