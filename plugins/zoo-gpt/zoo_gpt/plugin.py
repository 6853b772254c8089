"""What zoo finds: the hooks. Importing this costs nothing; torch arrives in the hook bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import zoo
from zoo_gpt.cards import CARDS

if TYPE_CHECKING:
    from zoo import Card, PredictionRun, TrainingRun, Weights
    from zoo_gpt.body import GptBody


@zoo.hookimpl
def cards() -> tuple[Card, ...]:
    """Describe the models."""
    return CARDS


@zoo.hookimpl
def card_for(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card | None:
    """Describe any GPT-2 or Llama that writes: of the Hub, or in a GGUF file."""
    if config.get("model_type") in ("gpt2", "llama"):
        from zoo_gpt.hub import describe

        return describe(name, config, weights, documents)
    if config.get("gguf", {}).get("architecture") in ("gpt2", "llama"):
        from zoo_gpt.hub import describe_file

        return describe_file(name, config["gguf"], weights)
    return None


@zoo.hookimpl
def body(run: TrainingRun | PredictionRun) -> GptBody:
    """What every task is learnt on, and answered with."""
    from zoo_gpt.body import GptBody

    return GptBody(run)
