"""`config.json` of a model of sound: everything but the weights that is needed to use them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from zoo.errors import StoreInvalid
from zoo.training.head import SINGLE_LABEL, HeadConfig

if TYPE_CHECKING:
    from zoo.card import Card

FILE = "config.json"


@dataclass(frozen=True)
class AudioConfig:
    """What a set of weights is."""

    model_type: str
    """The family, such as `deepspeech`."""
    architecture: dict[str, Any]
    """What the family builds the network from."""
    head: HeadConfig | None
    """What the outputs are; None for a network without head."""

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
        if weights is None:
            return cls(card.family, {key: card.architecture[key] for key in keys}, None)
        path = weights / FILE
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            architecture = {key: document["architecture"][key] for key in keys}
            labels = tuple(str(label) for label in document["labels"])
            head = HeadConfig.from_json(document, document.get("problem_type", SINGLE_LABEL), labels)
            return cls(document["model_type"], architecture, head if head.outputs else None)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreInvalid(f"{path} cannot be read: {error!r}", "train the model again") from error

    def save(self, folder: Path) -> None:
        """Write it."""
        head = self.head or HeadConfig()
        document = {
            "model_type": self.model_type,
            "architecture": self.architecture,
            **({} if head.problem_type == SINGLE_LABEL else head.to_json()),
            "labels": list(head.labels),
        }
        (folder / FILE).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
