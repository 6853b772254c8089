"""What zoo finds: the hooks. Importing this costs nothing; torch arrives in the hook bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zoo
from zoo_torchvision.cards import CARDS
from zoo_torchvision.detectors.cards import DETECTORS
from zoo_torchvision.detectors.families import is_detector
from zoo_torchvision.segmenters.cards import SEGMENTERS, is_segmenter

if TYPE_CHECKING:
    from zoo import Card, PredictionRun, Predictor, Trainable, TrainingRun
    from zoo.training.images import ImageBody


@zoo.hookimpl
def cards() -> tuple[Card, ...]:
    """Describe the models."""
    return (*CARDS, *DETECTORS, *SEGMENTERS)


@zoo.hookimpl
def body(run: TrainingRun | PredictionRun) -> ImageBody | None:
    """What every task is learnt on, and answered with; a detector is whole."""
    if is_detector(run.card):
        return None
    if is_segmenter(run.card):
        from zoo_torchvision.segmenters.body import SegmenterBody

        return SegmenterBody(run)
    from zoo_torchvision.body import TorchvisionBody

    return TorchvisionBody(run)


@zoo.hookimpl
def finetune(run: TrainingRun) -> Trainable | None:
    """What a detector of torchvision's own learns by; all others learn on their body."""
    if not is_detector(run.card):
        return None
    from zoo_torchvision.detectors.training import DetectorTraining

    return DetectorTraining(run)


@zoo.hookimpl
def predict(run: PredictionRun) -> Predictor | None:
    """What a detector of torchvision's own answers with; all others answer by their body."""
    if not is_detector(run.card):
        return None
    from zoo_torchvision.detectors.answering import DetectorPredictor

    return DetectorPredictor(run)
