"""`config.json` of an image model: everything but the weights that is needed to use them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from zoo.card import ImageInput
from zoo.errors import StoreInvalid
from zoo.training.head import SINGLE_LABEL, HeadConfig
from zoo.training.images.preprocessing import Preprocessing
from zoo.training.weights import published_file

if TYPE_CHECKING:
    from zoo.card import Card

FILE = "config.json"


@dataclass(frozen=True)
class ImageConfig:
    """What a set of weights is."""

    model_type: str
    """The family, such as `resnet`."""
    architecture: dict[str, Any]
    """What the family builds the network from."""
    head: HeadConfig | None
    """What the outputs are; None for a network without head."""
    preprocessing: Preprocessing
    canvas: tuple[int, int] | None = None
    """Width and height of what a head on feature maps sees; None where the head sees one vector."""

    @classmethod
    def of(cls, card: Card, weights: Path | None, keys: Sequence[str]) -> Self:
        """What a model is: the result of a run says so itself, for anything else its card does.

        Args:
            card: of the model.
            weights: folder that holds them; None for an architecture without any.
            keys: names of the entries of `architecture` that the family builds its network from.

        Raises:
            StoreInvalid: the result's own `config.json` cannot be read.
        """
        assert isinstance(card.input, ImageInput)
        if weights is None or published_file(card):
            head = HeadConfig(labels=card.labels) if card.labels else None
            return cls(card.family, _picked(card.architecture, keys), head, Preprocessing.of(card.input))
        path = weights / FILE
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            architecture = _picked(document["architecture"], keys)
            image = document["image"]
            canvas = (int(image["canvas"][0]), int(image["canvas"][1])) if "canvas" in image else None
            return cls(document["model_type"], architecture, _head(document), Preprocessing.from_json(image), canvas)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise StoreInvalid(f"{path} cannot be read: {error!r}", "train the model again") from error

    def save(self, folder: Path) -> None:
        """Write it."""
        head = self.head or HeadConfig()
        document = {
            "model_type": self.model_type,
            "architecture": self.architecture,
            **({} if head.problem_type == SINGLE_LABEL else head.to_json()),
            "labels": list(head.labels),
            "image": self.preprocessing.to_json() | ({"canvas": list(self.canvas)} if self.canvas else {}),
        }
        (folder / FILE).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _head(document: dict[str, Any]) -> HeadConfig | None:
    """What the outputs are: one of the labels, unless something else is stated."""
    head = HeadConfig.from_json(
        document, document.get("problem_type", SINGLE_LABEL), tuple(str(label) for label in document["labels"])
    )
    return head if head.outputs else None


def _picked(architecture: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {name: architecture[name] for name in keys}
