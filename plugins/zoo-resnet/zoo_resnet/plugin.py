"""What zoo finds: the four hooks. Importing this costs nothing; torch arrives in the hook bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zoo
from zoo_resnet.cards import CARDS

if TYPE_CHECKING:
    from zoo import Card, PredictionRun, Predictor, Trainable, TrainingRun


@zoo.hookimpl
def cards() -> tuple[Card, ...]:
    """Describe the models."""
    return CARDS


@zoo.hookimpl
def pretrain(run: TrainingRun) -> Trainable:
    """Contrastive learning."""
    return finetune(run)


@zoo.hookimpl
def finetune(run: TrainingRun) -> Trainable:
    """Whatever the task is learnt by, on a ResNet."""
    from zoo.training.objectives import build_objective
    from zoo_resnet.body import ResnetBody

    return build_objective(run, ResnetBody(run))


@zoo.hookimpl
def predict(run: PredictionRun) -> Predictor:
    """Labels or features, as the task says."""
    from zoo_resnet.predictors import load

    return load(run)
