"""CLIP: which of the texts that a person names goes best with a picture (Radford et al. 2021, arXiv:2103.00020)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from zoo import Classification, OptionInvalid, Prediction, PredictionRun, required_labels
from zoo.training.transformers_network import load_network, read_config
from zoo_transformers.processor_predictor import ProcessorPredictor
from zoo_transformers.text import read_tokenizer

TEMPLATE = "This is a photo of {}."
"""That of transformers' pipeline."""


class ContrastPredictor(ProcessorPredictor):
    """Labels by how near their texts are to a picture; the texts are computed once.

    Args:
        run: its options are `LargePicturePredictOptions` and `zoo.CandidateOptions`.

    Raises:
        OptionInvalid: no labels are named, or one is too long for the network.
    """

    def __init__(self, run: PredictionRun) -> None:
        self._labels = required_labels(run.options.labels, run.card.name)
        super().__init__(run, lambda folder: load_network(transformers.AutoModel, folder, read_config(folder)))
        texts = [(run.options.template or TEMPLATE).replace("{}", label) for label in self._labels]
        self._texts = self._text_features(run.weights, texts)

    def _text_features(self, folder: Path, texts: Sequence[str]) -> torch.Tensor:
        """Of length 1, float32 of shape (labels, width)."""
        tokens = read_tokenizer(folder)(texts, padding=True, return_tensors="pt")
        most = self.network.config.text_config.max_position_embeddings
        if tokens["input_ids"].shape[1] > most:
            longest = max(texts, key=len)
            raise OptionInvalid(
                f"{longest!r} has more than the {most} tokens that the model reads", "shorten the label"
            )
        inputs = {name: tokens[name].to(self.device) for name in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            return _of_length_1(self.network.get_text_features(**inputs).pooler_output)

    def ask(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        """Probabilities of the labels, shape (batch, labels)."""
        features = _of_length_1(self.network.get_image_features(**inputs).pooler_output)
        similarities: torch.Tensor = features @ self._texts.T * self.network.logit_scale.float().exp()
        return similarities.softmax(-1)

    def read(self, outputs: Any, sizes: list[tuple[int, int]]) -> list[Prediction]:
        """All labels, the most probable first."""
        probabilities, indices = outputs.sort(descending=True, stable=True)
        return [
            Classification.ranked(self._labels, row, places)
            for row, places in zip(probabilities.tolist(), indices.tolist(), strict=True)
        ]


def _of_length_1(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors.float(), dim=-1)
