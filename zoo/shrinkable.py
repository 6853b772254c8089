"""Which models can be made smaller: results of runs whose weights zoo itself has written."""

from __future__ import annotations

from pathlib import Path

from zoo.card import Card, FolderSource
from zoo.errors import Unsupported
from zoo.hub_config import INDEX, WEIGHTS
from zoo.paths import runs_folder


def check_shrinkable(card: Card) -> None:
    """Insist on a model that can be made smaller.

    Args:
        card: of the model.

    Raises:
        Unsupported: it is none.
    """
    if card.shrunk_from:
        raise Unsupported(f"{card.name} was made smaller already", f"zoo shrink {card.shrunk_from}")
    if card.weights is None:
        raise Unsupported(f"{card.name} has learnt nothing yet", card.training_advice)
    folders = [Path(source.path) for source in card.weights.sources if isinstance(source, FolderSource)]
    if not any(folder.is_relative_to(runs_folder()) for folder in folders):
        advice = (
            "fine-tune it, and make smaller what comes of it" if "finetune" in card.verbs else "choose another model"
        )
        raise Unsupported(f"{card.name} is no result of a run", advice)
    names = {file.name for file in card.weights.files}
    if not {WEIGHTS, INDEX} & names:
        raise Unsupported(
            f"the plugin {card.plugin} does not keep the weights of {card.name} in {WEIGHTS}", "choose another model"
        )
