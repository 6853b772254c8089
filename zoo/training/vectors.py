"""One vector an input, as a body makes it, which is not trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from zoo.answers import Rejected
from zoo.data.example import Example
from zoo.errors import Unsupported
from zoo.portions import Portions
from zoo.training.objective import Objective
from zoo.training.objectives.pooled import POOLED, PooledObjective


class VectorReader:
    """Asks the body of an objective.

    Args:
        objective: of a training that is not begun.
        device: where it computes.
        model: its name, for messages.

    Raises:
        Unsupported: it learns on more than one vector an input.
    """

    def __init__(self, objective: Objective[Any], device: str, model: str) -> None:
        if not isinstance(objective, PooledObjective):
            raise Unsupported(
                f"{model} does not make one vector of an input that labels could be read from", "choose another model"
            )
        self._objective, self._device = objective, device
        self._portions = Portions()
        objective.module.to(device).eval()

    def read(self, examples: Sequence[Example]) -> tuple[Any, dict[int, str]]:
        """The vectors of examples, float32 of numpy of shape (examples, width), and why some have none, by their place.

        The vector of one that cannot be read is not a number.
        """
        features = self._objective.features(examples)
        reasons = {place: one.reason for place, one in enumerate(features) if isinstance(one, Rejected)}
        usable: dict[int, Any] = {place: one for place, one in enumerate(features) if not isinstance(one, Rejected)}
        order = sorted(usable, key=lambda place: self._objective.length(usable[place]))

        def ask(places: list[int]) -> tuple[list[int], Any]:
            return places, self._vectors([usable[place] for place in places])

        vectors = np.full((len(examples), self._objective.body.width), np.nan, np.float32)
        size = self._objective.evaluation_batch_size
        for start in range(0, len(order), size):
            for places, of_places in self._portions.each(ask, order[start : start + size]):
                vectors[places] = of_places
        return vectors, reasons

    def _vectors(self, features: Sequence[Any]) -> Any:
        batch = self._objective.collate(features, [0] * len(features), training=False)
        placed = {name: tensor.to(self._device) for name, tensor in batch.items()}
        with torch.inference_mode():
            return self._objective.reduced(self._objective.module, placed)[POOLED].float().cpu().numpy()
