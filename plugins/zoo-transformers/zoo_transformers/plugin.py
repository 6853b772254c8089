"""What zoo finds: the hooks. Importing this costs nothing; torch arrives in the hook bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import zoo
from zoo_transformers.network_cards import is_contrastive, is_detector, is_segmenter

if TYPE_CHECKING:
    from zoo import Card, PredictionRun, Predictor, Trainable, TrainingRun, Weights
    from zoo.training import Body


@zoo.hookimpl(trylast=True)  # a plugin that knows an architecture better has it
def card_for(name: str, config: dict[str, Any], weights: Weights, documents: dict[str, Any]) -> Card | None:
    """Describe any model of the Hub that transformers knows."""
    from zoo_transformers.hub import describe

    return describe(name, config, weights, documents) if config.get("model_type") else None


@zoo.hookimpl
def body(run: TrainingRun | PredictionRun) -> Body[Any]:
    """What every task is learnt on, and answered with."""
    if is_segmenter(run.card):
        from zoo_transformers.segmenter_body import SegmenterBody

        return SegmenterBody(run)
    if isinstance(run.card.input, zoo.ImageInput):
        from zoo_transformers.images import TransformersImages

        return TransformersImages(run)
    from zoo_transformers.text import TransformersText

    return TransformersText(run)


@zoo.hookimpl
def finetune(run: TrainingRun) -> Trainable | None:
    """What a network with a loss of its own learns by; all others learn on their body."""
    if not is_detector(run.card):
        return None
    from zoo_transformers.detector_training import DetectorTraining

    return DetectorTraining(run)


@zoo.hookimpl
def predict(run: PredictionRun) -> Predictor | None:
    """What a network with an answer of its own is asked by; all others answer by their body."""
    if is_detector(run.card):
        from zoo_transformers.detectors import DetectorPredictor

        return DetectorPredictor(run)
    if is_segmenter(run.card):
        from zoo_transformers.segmenters import SegmenterPredictor

        return SegmenterPredictor(run)
    if is_contrastive(run.card):
        from zoo_transformers.contrast import ContrastPredictor

        return ContrastPredictor(run)
    if run.task.name == "zero-shot-classification":
        from zoo_transformers.entailment import EntailmentPredictor

        return EntailmentPredictor(run)
    return None
