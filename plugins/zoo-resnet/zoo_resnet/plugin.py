"""What zoo finds: the hooks. Importing this costs nothing; torch arrives in the hook bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zoo
from zoo_resnet.cards import CARDS

if TYPE_CHECKING:
    from zoo import Card, PredictionRun, TrainingRun
    from zoo_resnet.body import ResnetBody


@zoo.hookimpl
def cards() -> tuple[Card, ...]:
    """Describe the models."""
    return CARDS


@zoo.hookimpl
def body(run: TrainingRun | PredictionRun) -> ResnetBody:
    """What every task is learnt on, and answered with."""
    from zoo_resnet.body import ResnetBody

    return ResnetBody(run)
