"""Predicting: labels, filled masks, embeddings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import BertForMaskedLM, BertForSequenceClassification, BertModel

from zoo import (
    Classification,
    Embedding,
    FilledMask,
    Prediction,
    PredictionRun,
    Predictor,
    Rejected,
    Score,
    TextInput,
    Unsupported,
)
from zoo_bert.modules import from_weights, pad, read_json
from zoo_bert.options import BertPredictOptions
from zoo_bert.tokenization import encode, id_of, load_tokenizer
from zoo_bert.vocabulary import CONTINUED

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
FILLINGS = 5
"""Candidates for a mask where no number is asked for."""
MASK = "[MASK]"
Item = tuple[int, list[int]]
"""Position of an input, and its token ids."""


def load(run: PredictionRun) -> Predictor:
    """The predictor of the run's task."""
    match run.task.name:
        case "text-classification":
            return LabelPredictor(run)
        case "fill-mask":
            return MaskPredictor(run)
        case "feature-extraction":
            return EmbeddingPredictor(run)
        case name:
            raise Unsupported(f"BERT does not do {name}", "it does text-classification, fill-mask, feature-extraction")


class _TextPredictor(ABC):
    """Tokenise, group by length, compute, put back in order."""

    model: type[BertForSequenceClassification | BertForMaskedLM | BertModel]
    unused: tuple[str, ...] = ()
    """Parameters the answers do not depend on; weights may lack them."""

    def __init__(self, run: PredictionRun) -> None:
        self._options: BertPredictOptions = run.options  # type: ignore[assignment]  # what the cards declare
        self._device = torch.device(run.device)
        self._tokenizer = load_tokenizer(run.weights)
        self._pad_id = id_of(self._tokenizer, "[PAD]")
        self._max_tokens = min(self.longest(run), self._options.max_tokens or 512)
        module: torch.nn.Module = from_weights(self.model, run.weights, new=self.unused)
        self.module: Any = module.to(device=self._device, dtype=DTYPES[run.precision]).eval()

    def longest(self, run: PredictionRun) -> int:
        """Most tokens of an input: what the tokenizer and the table of positions allow."""
        positions = int(read_json(run.weights / "config.json")["max_position_embeddings"])
        stated = run.weights / "tokenizer_config.json"
        advised = read_json(stated).get("model_max_length", positions) if stated.exists() else positions
        return min(positions, int(advised))

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every input, in order; one that cannot be answered is rejected in its place."""
        reasons = [_objection(text) for text in inputs]
        answers: list[Prediction] = [Rejected(reason) for reason in reasons]
        usable = [i for i, reason in enumerate(reasons) if not reason]
        items = []
        for i, ids in zip(usable, self._encode([inputs[i] for i in usable]), strict=True):
            reason = self.objection(inputs[i], ids)
            if reason:
                answers[i] = Rejected(reason)
            else:
                items.append((i, ids))
        for batch in _batches(items, self._options.batch_tokens):
            found = self._compute([ids for _, ids in batch], [inputs[i] for i, _ in batch])
            for (i, _), answer in zip(batch, found, strict=True):
                answers[i] = answer
        return answers

    def _encode(self, texts: list[str]) -> list[list[int]]:
        return encode(self._tokenizer, texts, self._max_tokens)

    def _compute(self, ids: list[list[int]], texts: list[str]) -> Sequence[Prediction]:
        batch = {name: tensor.to(self._device) for name, tensor in pad(ids, self._pad_id).items()}
        with torch.inference_mode():
            return self.answer(batch, texts)

    def objection(self, text: str, ids: list[int]) -> str:
        """Why a text cannot be answered; empty where it can."""
        return ""

    @abstractmethod
    def answer(self, batch: dict[str, torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """Answer a batch."""


class LabelPredictor(_TextPredictor):
    """Probabilities of the labels: the softmax of the logits."""

    model = BertForSequenceClassification

    def __init__(self, run: PredictionRun) -> None:
        super().__init__(run)
        names = self.module.config.id2label
        self._labels = [names[i] for i in range(len(names))]

    def answer(self, batch: dict[str, torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """Labels, most probable first."""
        probabilities = self.module(**batch).logits.float().softmax(-1)
        top = probabilities.topk(min(self._options.top_k or len(self._labels), len(self._labels)))
        return [
            Classification(tuple(Score(self._labels[i], p) for p, i in zip(values, indices, strict=True)))
            for values, indices in zip(top.values.tolist(), top.indices.tolist(), strict=True)
        ]


class MaskPredictor(_TextPredictor):
    """What may stand in place of the one `[MASK]` of a text."""

    model = BertForMaskedLM

    def __init__(self, run: PredictionRun) -> None:
        super().__init__(run)
        self._mask_id = id_of(self._tokenizer, MASK)

    def objection(self, text: str, ids: list[int]) -> str:
        """There must be one mask, within the tokens the model takes."""
        count = text.count(MASK)
        if count != 1:
            return f"the text has {count} times {MASK}; it needs exactly one"
        return "" if self._mask_id in ids else f"{MASK} stands beyond the first {self._max_tokens} tokens"

    def answer(self, batch: dict[str, torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """Fillings, most probable first."""
        where = batch["input_ids"] == self._mask_id
        logits = self.module.cls(self.module.bert(**batch).last_hidden_state[where])
        top = logits.float().softmax(-1).topk(min(self._options.top_k or FILLINGS, logits.shape[-1]))
        return [
            self._filled(text, values, indices)
            for text, values, indices in zip(texts, top.values.tolist(), top.indices.tolist(), strict=True)
        ]

    def _filled(self, text: str, values: list[float], indices: list[int]) -> FilledMask:
        scores = tuple(Score(str(self._tokenizer.id_to_token(i)), p) for p, i in zip(values, indices, strict=True))
        before, after = text.split(MASK)
        best = scores[0].label
        if best.startswith(CONTINUED):
            before, best = before.rstrip(), best.removeprefix(CONTINUED)
        return FilledMask(before + best + after, scores)


class EmbeddingPredictor(_TextPredictor):
    """Token vectors averaged over the text, or the first of them, as the card says, scaled to length one."""

    model = BertModel
    unused = ("pooler.",)

    def __init__(self, run: PredictionRun) -> None:
        super().__init__(run)
        self._first = run.card.architecture.get("pooling") == "cls"

    def longest(self, run: PredictionRun) -> int:
        """A publisher may advise shorter inputs than the model can take; the card says so."""
        advised = run.card.input.max_tokens if isinstance(run.card.input, TextInput) else 512
        return min(super().longest(run), advised)

    def answer(self, batch: dict[str, torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """One vector of shape (embed_dim,) a text."""
        tokens = self.module(**batch).last_hidden_state.float()
        mask = batch.get("attention_mask", torch.ones_like(batch["input_ids"]))[..., None]
        pooled = tokens[:, 0] if self._first else (tokens * mask).sum(1) / mask.sum(1)
        vectors = torch.nn.functional.normalize(pooled, dim=-1)
        return [Embedding(tuple(vector)) for vector in vectors.tolist()]


def _objection(value: Any) -> str:
    """Why an input is no text to be answered; empty where it is one."""
    if not isinstance(value, str):
        return f"the input is {type(value).__name__}, not text"
    if not value.strip():
        return "the text is empty"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "the text holds bytes that are not UTF-8"
    return ""


def _batches(items: list[Item], budget: int) -> Iterator[list[Item]]:
    """Group inputs of like length so that a batch, padded, stays within a number of tokens."""
    batch: list[Item] = []
    for item in sorted(items, key=lambda item: len(item[1])):
        if batch and (len(batch) + 1) * len(item[1]) > budget:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch
