"""What zoo finds: the hooks. Importing this costs nothing; torch arrives in the hook bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import zoo
from zoo_timm.cards import CARDS, describe

if TYPE_CHECKING:
    from zoo import Card, PredictionRun, TrainingRun, Weights
    from zoo_timm.body import TimmBody


@zoo.hookimpl
def cards() -> tuple[Card, ...]:
    """Describe the models that start from random numbers."""
    return CARDS


@zoo.hookimpl
def card_for(name: str, config: dict[str, Any], weights: Weights) -> Card | None:
    """Describe any image model of timm on the Hub."""
    return describe(name, config, weights) if isinstance(config.get("pretrained_cfg"), dict) else None


@zoo.hookimpl
def body(run: TrainingRun | PredictionRun) -> TimmBody:
    """What every task is learnt on, and answered with."""
    from zoo_timm.body import TimmBody

    return TimmBody(run)
