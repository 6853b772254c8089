"""`config.json` of a result: everything but the weights that is needed to use them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import ImageInput, StoreInvalid
from zoo_resnet.preprocessing import Preprocessing
from zoo_resnet.weights import published_file

if TYPE_CHECKING:
    from zoo import Card

FILE = "config.json"


@dataclass(frozen=True)
class Config:
    """What a set of weights is."""

    architecture: dict[str, Any]
    labels: tuple[str, ...]
    """In the order of the outputs; empty for a network without head."""
    preprocessing: Preprocessing

    def save(self, folder: Path) -> None:
        """Write it."""
        document = {
            "model_type": "resnet",
            "architecture": self.architecture,
            "labels": list(self.labels),
            "image": self.preprocessing.to_json(),
        }
        (folder / FILE).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def config_of(card: Card, weights: Path | None) -> Config:
    """What a model is: a result of ours says so itself, for anything else its card does.

    Raises:
        StoreInvalid: the result's own word cannot be read.
    """
    assert isinstance(card.input, ImageInput)
    if weights is None or published_file(card):
        return Config(_shape(card.architecture), card.labels, Preprocessing.of(card.input))
    path = weights / FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        preprocessing = Preprocessing.from_json(document["image"])
        return Config(
            _shape(document["architecture"]), tuple(str(label) for label in document["labels"]), preprocessing
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise StoreInvalid(f"{path} cannot be read: {error!r}", "train the model again") from error


def _shape(architecture: dict[str, Any]) -> dict[str, Any]:
    return {name: architecture[name] for name in ("builder", "stem")}
