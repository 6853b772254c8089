"""What zoo finds: the hooks. Importing this costs nothing; torch arrives in the hook bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import zoo

if TYPE_CHECKING:
    from zoo import Card, PredictionRun, Predictor, Trainable, TrainingRun, Weights
    from zoo.training import Body


@zoo.hookimpl(trylast=True)  # a plugin that knows an architecture better has it
def card_for(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card | None:
    """Describe any model of the Hub that transformers knows."""
    from zoo_transformers.hub import describe

    return describe(name, config, weights, documents) if config.get("model_type") else None


@zoo.hookimpl
def body(run: TrainingRun | PredictionRun) -> Body[Any] | None:
    """What every task is learnt on, and answered with."""
    made: Body[Any] | None = _part("body", run)
    return made


@zoo.hookimpl
def finetune(run: TrainingRun) -> Trainable | None:
    """What a network with a loss of its own learns by; all others learn on their body."""
    made: Trainable | None = _part("learner", run)
    return made


@zoo.hookimpl
def predict(run: PredictionRun) -> Predictor | None:
    """What a network with an answer of its own is asked by; all others answer by their body."""
    from zoo_transformers.hub import reading_of

    reading = reading_of(run.card)
    if run.task.name != (reading.predicted or reading.task):
        return None
    made: Predictor | None = _part("predictor", run)
    return made


def _part(kind: str, run: TrainingRun | PredictionRun) -> Any:
    """A part of the reading of a model, made for a run; None where it has none."""
    from zoo_transformers.hub import reading_of

    reading = reading_of(run.card)
    name = getattr(reading, kind)
    return reading.part(name)(run) if name else None
