"""Predicting: what the head says of images, or their features."""

from __future__ import annotations

import torch

from zoo import PredictionRun, Predictor
from zoo.training.images import FeaturePredictor, HeadPredictor, ImageConfig
from zoo.training.precisions import DTYPES
from zoo.training.weights import fill, state_of
from zoo_resnet.folded import FoldedResNet
from zoo_resnet.resnet import ARCHITECTURE, HEAD, build

FEATURES = "image-feature-extraction"


def load(run: PredictionRun) -> Predictor:
    """The predictor of the run's task: features, or what the head of the weights says."""
    config = ImageConfig.of(run.card, run.weights, ARCHITECTURE)
    head = None if run.task.name == FEATURES else config.head
    predictor = FeaturePredictor if run.task.name == FEATURES else HeadPredictor
    network = build(config.architecture, head.outputs if head else 0)
    state = state_of(run.card, run.weights, run.cache_folder)
    fill(network, {name: tensor for name, tensor in state.items() if head or not name.startswith(HEAD)})
    if head:
        weight, bias = head.standardised(network.fc.weight.detach(), network.fc.bias.detach())
        network.fc.load_state_dict({"weight": weight, "bias": bias})
    return predictor(run, config, FoldedResNet(network, torch.device(run.device), DTYPES[run.precision]))
