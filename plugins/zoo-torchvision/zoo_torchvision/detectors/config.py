"""What a detector is: what its network is built from, and which class each output stands for."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from zoo import Card, StoreInvalid, Unsupported
from zoo.training.head import DETECTION
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
    def labels(self) -> tuple[str, ...]:
        """The classes, in the order of their outputs."""
        return tuple(name for name in self.outputs if name)

    def learning(self, labels: tuple[str, ...], image_size: int | None) -> Self:
        """The same for the classes of a training, and for pictures of another longer side, where one is asked for.

        Raises:
            Unsupported: the network is made for one size.
        """
        min_size, max_size = self.min_size, self.max_size
        if image_size is not None and self.family.one_size and image_size != max_size:
            raise Unsupported(
                f"{self.builder} sees images of {max_size} pixels, not of {image_size}", "leave --image-size out"
            )
        if image_size is not None:
            min_size, max_size = max(1, round(min_size * image_size / max_size)), image_size
        return replace(self, min_size=min_size, max_size=max_size, outputs=("", *labels))

    def save(self, folder: Path) -> None:
        """Write what `of` reads, of the result of a run."""
        norms = {} if self.norm_eps is None else {"norm_eps": self.norm_eps}
        document = {
            "model_type": self.family.name,
            "architecture": {"builder": self.builder, "min_size": self.min_size, "max_size": self.max_size, **norms},
            "problem_type": DETECTION,
            "labels": list(self.labels),
        }
        (folder / FILE).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @property
    def family(self) -> DetectorFamily:
        """Of the network."""
        return detector_family(self.builder)
