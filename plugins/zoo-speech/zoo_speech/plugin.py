"""What zoo finds: the hooks. Importing this costs nothing; torch arrives in the hook bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zoo
from zoo_speech.cards import CARDS

if TYPE_CHECKING:
    from zoo import Card, PredictionRun, TrainingRun
    from zoo_speech.body import DeepSpeechBody


@zoo.hookimpl
def cards() -> tuple[Card, ...]:
    """Describe the models."""
    return CARDS


@zoo.hookimpl
def body(run: TrainingRun | PredictionRun) -> DeepSpeechBody:
    """What every task is learnt on, and answered with."""
    from zoo_speech.body import DeepSpeechBody

    return DeepSpeechBody(run)
