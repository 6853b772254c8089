"""Predicting: labels of images, or their features."""

from __future__ import annotations

import torch

from zoo import PredictionRun, Predictor, Unsupported
from zoo.training.images import FeaturePredictor, ImageConfig, LabelPredictor
from zoo.training.images.answering import DTYPES
from zoo.training.weights import fill, state_of
from zoo_resnet.folded import FoldedResNet
from zoo_resnet.network import ARCHITECTURE, HEAD, build

PREDICTORS = {"image-classification": LabelPredictor, "image-feature-extraction": FeaturePredictor}


def load(run: PredictionRun) -> Predictor:
    """The predictor of the run's task.

    Raises:
        Unsupported: ResNet does something else.
    """
    predictor = PREDICTORS.get(run.task.name)
    if predictor is None:
        raise Unsupported(f"ResNet does not do {run.task.name}", f"it does {', '.join(PREDICTORS)}")
    config = ImageConfig.of(run.card, run.weights, ARCHITECTURE)
    classify = predictor is LabelPredictor
    network = build(config.architecture, len(config.labels) if classify else 0)
    state = state_of(run.card, run.weights, run.cache_folder)
    fill(network, {name: tensor for name, tensor in state.items() if classify or not name.startswith(HEAD)})
    return predictor(run, config, FoldedResNet(network, torch.device(run.device), DTYPES[run.precision]))
