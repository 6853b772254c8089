"""What zoo finds: the hooks. Importing this costs nothing; torch arrives in the hook bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import zoo

if TYPE_CHECKING:
    from zoo import Card, PredictionRun, TrainingRun, Weights
    from zoo.training import Body


@zoo.hookimpl(trylast=True)  # a plugin that knows an architecture better has it
def card_for(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card | None:
    """Describe any model of the Hub that transformers knows."""
    from zoo_transformers.hub import describe

    return describe(name, config, weights, documents) if config.get("model_type") else None


@zoo.hookimpl
def body(run: TrainingRun | PredictionRun) -> Body[Any]:
    """What every task is learnt on, and answered with."""
    if isinstance(run.card.input, zoo.ImageInput):
        from zoo_transformers.images import TransformersImages

        return TransformersImages(run)
    from zoo_transformers.text import TransformersText

    return TransformersText(run)
