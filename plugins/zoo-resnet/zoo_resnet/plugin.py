"""What zoo finds: the hooks. Importing this costs nothing; torch arrives in the hook bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zoo
from zoo_resnet.cards import CARDS

if TYPE_CHECKING:
    from zoo import Card, PredictionRun, Predictor, TrainingRun
    from zoo_resnet.body import ResnetBody


@zoo.hookimpl
def cards() -> tuple[Card, ...]:
    """Describe the models."""
    return CARDS


@zoo.hookimpl
def body(run: TrainingRun) -> ResnetBody:
    """What every task is learnt on."""
    from zoo_resnet.body import ResnetBody

    return ResnetBody(run)


@zoo.hookimpl
def predict(run: PredictionRun) -> Predictor:
    """Labels or features, as the task says."""
    from zoo_resnet.predictors import load

    return load(run)
