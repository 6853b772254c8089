"""Which models can be made smaller: results of runs whose weights zoo itself has written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.card import Card, FolderSource
from zoo.errors import Unsupported
from zoo.hub_config import CONFIG, INDEX, WEIGHTS
from zoo.paths import runs_folder

_FEED_FORWARD = ("intermediate_size", "hidden_dim", "d_ff")
"""What configurations call the number of feed-forward units of each layer."""


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


def check_prunable(card: Card) -> None:
    """Insist on a model whose layers say in their configuration how wide they are.

    Args:
        card: of a model that can be made smaller.

    Raises:
        Unsupported: they do not.
    """
    sources = card.weights.sources if card.weights else ()
    for source in sources:
        path = Path(source.path) / CONFIG if isinstance(source, FolderSource) else None
        if path is not None and path.exists():
            feed_forward_key(json.loads(path.read_bytes()), card.name)
            return
    raise Unsupported(f"{card.name} has no {CONFIG} that says how wide its layers are", "leave --prune out")


def feed_forward_key(config: Mapping[str, Any], name: str = "the model") -> str:
    """What a configuration calls the number of feed-forward units of a layer.

    Raises:
        Unsupported: it has no such layers, or says nothing of their width.
    """
    for key in _FEED_FORWARD:
        if isinstance(config.get(key), int):
            return key
    raise Unsupported(
        f"{name} cannot be pruned: it is no transformer whose configuration says how wide its layers are",
        "leave --prune out",
    )
