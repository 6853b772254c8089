"""What zoo finds: the hooks. Importing this costs nothing; torch arrives in the hook bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import zoo
from zoo_bert.cards import CARDS

if TYPE_CHECKING:
    from zoo import Card, PredictionRun, Predictor, Trainable, TrainingRun, Weights


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
def pretrain(run: TrainingRun) -> Trainable:
    """Masked language modelling."""
    return finetune(run)


@zoo.hookimpl
def finetune(run: TrainingRun) -> Trainable:
    """Whatever the task is learnt by, on BERT."""
    from zoo.training.objectives import build_objective
    from zoo_bert.body import BertBody

    return build_objective(run, BertBody(run))


@zoo.hookimpl
def predict(run: PredictionRun) -> Predictor:
    """What a head says, filled masks or embeddings, as the task says."""
    from zoo_bert.predictors import load

    return load(run)
