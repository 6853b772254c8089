"""ResNet as a body (He et al. 2015, arXiv:1512.03385): images to pooled features."""

from __future__ import annotations

import torch
from torch import nn

from zoo import PredictionRun, Predictor, TrainingRun
from zoo.training.images import ImageBody, ImageConfig, feature_pyramid, map_sources
from zoo.training.weights import below, fill, network_state, state_of
from zoo_resnet.folded import FoldedResNet
from zoo_resnet.readme import readme_of
from zoo_resnet.resnet import ARCHITECTURE, BLOCKS, HEAD, build, freeze


class ResnetBody(ImageBody):
    """torchvision's network without its last layer, which becomes the head (section 3.3)."""

    provides = frozenset({"pooled", "levels"})
    layout = (("body.", ""), ("head.", HEAD))
    lora_targets = ("conv1", "conv2", "conv3")

    def __init__(self, run: TrainingRun | PredictionRun) -> None:
        super().__init__(run, ImageConfig.of(run.card, run.weights, ARCHITECTURE))
        network = build(self.config.architecture, 0)
        self.width = network.inplanes
        if run.weights is not None:
            state = network_state(state_of(run.card, run.weights, run.cache_folder), network.state_dict())
            self.output_state = below(HEAD, state)
            fill(network, {name: tensor for name, tensor in state.items() if not name.startswith(HEAD)})
        freeze(network, getattr(run.options, "frozen_stages", 0))
        self.module = network.to(memory_format=torch.channels_last)

    def feature_maps(self, module: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
        """Of the last block of each stage."""
        return feature_pyramid([module.get_submodule(name) for name in BLOCKS], images)

    def predictor(self, run: PredictionRun) -> Predictor:
        """By the network as answering computes it, which knows the pooled features alone."""
        if "levels" not in run.task.needs:
            self.module = FoldedResNet(self.module, torch.device(run.device), run.precision)
        return super().predictor(run)

    def readme(self, config: ImageConfig) -> str:
        """How to use a result with torchvision alone."""
        return readme_of(config, map_sources(self.module, BLOCKS))
