"""What zoo finds: the hooks. Importing this costs nothing; torch arrives in the hook bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import zoo
from zoo_bert.cards import CARDS

if TYPE_CHECKING:
    from zoo import Card, PredictionRun, TrainingRun, Weights
    from zoo_bert.body import BertBody


@zoo.hookimpl
def cards() -> tuple[Card, ...]:
    """Describe the models."""
    return CARDS


@zoo.hookimpl
def card_for(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card | None:
    """Describe any BERT of the Hub."""
    if config.get("model_type") != "bert":
        return None
    from zoo_bert.hub import describe

    return describe(name, config, weights, documents)


@zoo.hookimpl
def body(run: TrainingRun | PredictionRun) -> BertBody:
    """What every task is learnt on, and answered with."""
    from zoo_bert.body import BertBody

    return BertBody(run)
