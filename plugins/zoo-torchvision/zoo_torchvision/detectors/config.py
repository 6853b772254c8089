"""What a detector is: what its network is built from, and which class each output stands for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from zoo import Card, StoreInvalid
from zoo.training.weights import published_file
from zoo_torchvision.detectors.cards import published_outputs
from zoo_torchvision.detectors.families import DetectorFamily, detector_family

FILE = "config.json"


@dataclass(frozen=True)
class DetectorConfig:
    """Of one set of weights."""

    builder: str
    """Name of the function of torchvision that builds the network."""
    min_size: int
    """Shorter side of what it sees, in pixels."""
    max_size: int
    """Longer side at most."""
    norm_eps: float | None
    """What batch norms add to the variance; None for what torchvision has."""
    outputs: tuple[str, ...]
    """The class of each output, empty for the background, which is the first, and for one without a class."""

    @classmethod
    def of(cls, card: Card, weights: Path | None) -> Self:
        """What a model is: the result of a run says so itself, for anything else its card does.

        Args:
            card: of the model.
            weights: folder that holds them; None for an architecture without any.

        Raises:
            StoreInvalid: the result's own `config.json` cannot be read.
        """
        if weights is None or published_file(card):
            return cls._from(card.architecture, published_outputs())
        path = weights / FILE
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            return cls._from(document["architecture"], ("", *map(str, document["labels"])))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreInvalid(f"{path} cannot be read: {error!r}", "train the model again") from error

    @classmethod
    def _from(cls, architecture: dict[str, Any], outputs: tuple[str, ...]) -> Self:
        """The boxes of a Mask R-CNN are those of the Faster R-CNN that it extends (He et al. 2017, section 3)."""
        builder = str(architecture["builder"]).replace("maskrcnn", "fasterrcnn")
        eps = architecture.get("norm_eps")
        sides = int(architecture["min_size"]), int(architecture["max_size"])
        return cls(builder, *sides, None if eps is None else float(eps), outputs)

    @property
    def family(self) -> DetectorFamily:
        """Of the network."""
        return detector_family(self.builder)
