"""torchvision's classifiers as bodies: images to what their heads see."""

from __future__ import annotations

import torch
from torch import nn

from zoo import PredictionRun, Predictor, TrainingRun
from zoo.training.head import HeadConfig
from zoo.training.images import ImageBody, ImageConfig, adaptable_layers, feature_pyramid, map_sources
from zoo.training.weights import network_state, state_of
from zoo_torchvision.families import family_of
from zoo_torchvision.folding import fold_blocks, folded
from zoo_torchvision.networks import ARCHITECTURE, build, check_size, fill, take_apart, trunk_of
from zoo_torchvision.readme import readme_of


class TorchvisionBody(ImageBody):
    """torchvision's network without its last layer, which becomes the head."""

    def __init__(self, run: TrainingRun | PredictionRun) -> None:
        config = ImageConfig.of(run.card, run.weights, ARCHITECTURE)
        super().__init__(run, config)
        builder = str(config.architecture["builder"])
        family = family_of(builder)
        if isinstance(run, TrainingRun):
            check_size(builder, config.architecture, self.preprocessing.size)
        network = build(config.architecture, config.head.outputs if config.head else 1)
        if run.weights is not None:
            _fill(network, run, config.head, family.head)
        self.module, head = take_apart(builder, network)
        self.module.to(memory_format=torch.channels_last)
        self._scores_places = family.classes_only
        self._trunk, self._channels_last = trunk_of(builder, self.module), family.channels_last
        self.provides = frozenset({"pooled", "levels"} if self._trunk else {"pooled"})
        self.width = head.in_channels if isinstance(head, nn.Conv2d) else head.in_features  # type: ignore[assignment]
        self.output_state = {name: tensor.detach().clone() for name, tensor in head.state_dict().items()}
        owner = family.head.rpartition(".")[0]
        self.output_layer = "1" if self._scores_places else ""
        self.layout = (
            (("body.", "features."), ("head.", f"{owner}."))
            if self._scores_places
            else (("head.", f"{family.head}."), ("body.", ""))
        )
        self.lora_targets = adaptable_layers(self.module)

    def new_head(self, outputs: int) -> nn.Module:
        """A linear layer; SqueezeNet scores each place, and takes the mean (Iandola et al. 2016, section 3.3)."""
        if not self._scores_places:
            return nn.Linear(self.width, outputs, bias="bias" in self.output_state)
        scores = nn.Conv2d(self.width, outputs, 1)
        return nn.Sequential(nn.Dropout(0.5), scores, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def feature_maps(self, module: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
        """By the part of the network that runs block by block."""
        blocks = [module.get_submodule(name) for name in self._trunk]
        return feature_pyramid(blocks, images, channels_last=self._channels_last)

    def fold_for_maps(self) -> None:
        """Fold batch norms into the convolutions before them, block by block, so that there are maps between them."""
        fold_blocks(self.module, self._trunk)

    def predictor(self, run: PredictionRun) -> Predictor:
        """With batch norms folded into the convolutions before them."""
        if "levels" in run.task.needs:
            self.fold_for_maps()
        else:
            self.module = folded(self.module)
        return super().predictor(run)

    def readme(self, config: ImageConfig) -> str:
        """How to use a result with torchvision alone."""
        trunk = self._trunk
        sources = map_sources(self.module, trunk, channels_last=self._channels_last) if trunk else None
        return readme_of(config, sources)


def _fill(network: nn.Module, run: TrainingRun | PredictionRun, head: HeadConfig | None, layer: str) -> None:
    """Fill a network from the weights of a run; what stands before a head that they lack is drawn anew with it."""
    assert run.weights is not None
    own = network.state_dict()
    state = network_state(state_of(run.card, run.weights, run.cache_folder), own)
    if head is None:
        without = layer.rpartition(".")[0] or layer
        state = {**state, **{name: own[name] for name in own if name.startswith(f"{without}.")}}
    fill(network, state)
