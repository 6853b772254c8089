"""Labels that a person names, by whether a text entails a sentence about each (Yin et al. 2019, arXiv:1909.00161)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import transformers
from msgspec.structs import replace

from zoo import Classification, OptionInvalid, Prediction, PredictionRun, Rejected, required_labels
from zoo.training.text.answering import objection_to
from zoo_transformers.entailment_labels import entailment_index
from zoo_transformers.pairs import PairNetwork

TEMPLATE = "This example is {}."
"""That of transformers' pipeline."""


class EntailmentPredictor:
    """Labels by how much a text entails the sentence of each; the text is cut where both are too long.

    Args:
        run: its options are `LongTextPredictOptions` and `zoo.CandidateOptions`.

    Raises:
        OptionInvalid: no labels are named, or one is too long for the network.
    """

    def __init__(self, run: PredictionRun) -> None:
        self._labels = required_labels(run.options.labels, run.card.name)
        self._network = PairNetwork(run, transformers.AutoModelForSequenceClassification, lambda output: output.logits)
        id2label = self._network.config.id2label
        self._entailment = entailment_index([id2label[index] for index in sorted(id2label)])
        self._sentences = [(run.options.template or TEMPLATE).replace("{}", label) for label in self._labels]
        alone = self._network.tokenizer([""] * len(self._sentences), self._sentences)
        longest = max(range(len(self._labels)), key=lambda index: len(alone["input_ids"][index]))
        if len(alone["input_ids"][longest]) >= self._network.max_tokens:
            raise OptionInvalid(
                f"{self._sentences[longest]!r} leaves no room for a text among the {self._network.max_tokens} tokens "
                "that are read",
                "shorten the label or the template",
            )

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """All labels, the most probable first; an input that cannot be answered is rejected in its place."""
        reasons = [objection_to(value) for value in inputs]
        usable = [value for value, reason in zip(inputs, reasons, strict=True) if not reason]
        answers = iter(self._answers(usable) if usable else ())
        return [Rejected(reason) if reason else next(answers) for reason in reasons]

    def _answers(self, texts: list[str]) -> Iterable[Classification]:
        pairs = [(text, sentence) for text in texts for sentence in self._sentences]
        encodings = self._network.encode(pairs, truncation="only_first")
        logits = torch.stack(self._network.outputs(encodings)).view(len(texts), len(self._labels), -1)
        probabilities, indices = self._probabilities(logits).sort(dim=-1, descending=True, stable=True)
        for row, (of_text, places) in enumerate(zip(probabilities.tolist(), indices.tolist(), strict=True)):
            answer = Classification.ranked(self._labels, of_text, places)
            start = row * len(self._labels)
            cut = any(encodings[start + place].overflowing for place in places)
            yield replace(answer, truncated_at=self._network.max_tokens) if cut else answer

    def _probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Of the labels, shape (texts, labels).

        Args:
            logits: shape (texts, labels, classes of the network).
        """
        if len(self._labels) > 1:
            return logits[..., self._entailment].softmax(-1)
        contradiction = -1 if self._entailment == 0 else 0  # as the pipeline of transformers has it
        return logits[..., [contradiction, self._entailment]].softmax(-1)[..., 1]
