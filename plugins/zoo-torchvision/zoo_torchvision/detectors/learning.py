"""torchvision's detectors with one loss for each picture: their own losses, asked for pictures one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import box_iou
from torchvision.transforms.functional import convert_image_dtype

from zoo.training.images.fcos import Locations, match
from zoo.training.objectives.boxes import NOTHING
from zoo_torchvision.detectors.sampling import SeededSampler

Target = dict[str, torch.Tensor]
"""`boxes`, XYXY in pixels of a picture, and `labels`, numbers of outputs, of one picture."""


class Seen(NamedTuple):
    """A few pictures as the heads of a detector see them."""

    images: ImageList
    maps: dict[str, torch.Tensor]
    targets: list[Target]
    seeds: list[int]


class PictureLosses(NamedTuple):
    """Of a batch."""

    losses: torch.Tensor
    """Float32, shape (batch,)."""
    weights: torch.Tensor
    """How many anchors each is the mean of; ones where it counts as much as any other."""
    answers: tuple[torch.Tensor, ...] = ()
    """For each picture XYXY in its pixels, score and number of the output, best first, shape (boxes, 6)."""


class LearningDetector(nn.Module, ABC):
    """A detector of torchvision's that says what each picture of a batch costs, and in an evaluation what it finds.

    Args:
        network: of torchvision.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.detector = network

    def forward(
        self, images: torch.Tensor, seen: torch.Tensor, boxes: torch.Tensor, seeds: torch.Tensor, *, judged: bool
    ) -> PictureLosses:
        """Losses of pictures.

        Args:
            images: in the upper left corner of what has room for each, uint8 of shape (batch, height, width, 3).
            seen: width and height of each, shape (batch, 2).
            boxes: index of the class and XYXY, filled up with -1, shape (batch, boxes, 5).
            seeds: for what is drawn of each, shape (batch,).
            judged: whether boxes are to be found, too; each picture is then computed alone, as in a prediction.
        """
        pictures = [
            convert_image_dtype(image[:height, :width].permute(2, 0, 1), torch.float32)
            for image, (width, height) in zip(images, seen.tolist(), strict=True)
        ]
        targets = [_target(rows[rows[:, 0] != NOTHING]) for rows in boxes]
        if not judged:
            return self._learnt(pictures, targets, seeds.tolist())
        parts = [
            self._judged(picture, target, seed)
            for picture, target, seed in zip(pictures, targets, seeds.tolist(), strict=True)
        ]
        answers = tuple(one for part in parts for one in part.answers)
        return PictureLosses(torch.cat([part.losses for part in parts]), torch.cat([p.weights for p in parts]), answers)

    def _learnt(self, pictures: list[torch.Tensor], targets: list[Target], seeds: list[int]) -> PictureLosses:
        if len(pictures) == 1 and self._norms_learn():
            # Batch norm has no variance over one value, all that is left of a picture in the coarsest map.
            twice = self._learnt(pictures * 2, targets * 2, seeds * 2)
            return PictureLosses(twice.losses[:1], twice.weights[:1])
        seen = self._see(pictures, targets, seeds)
        return self.losses(seen, self.outputs(seen))

    def _judged(self, picture: torch.Tensor, target: Target, seed: int) -> PictureLosses:
        seen = self._see([picture], [target], [seed])
        outputs = self.outputs(seen)
        losses, found = self.losses(seen, outputs), self.found(seen, outputs)
        (found,) = self.detector.transform.postprocess(found, seen.images.image_sizes, [picture.shape[-2:]])
        rows = [found["boxes"].float(), found["scores"].float()[:, None], found["labels"].float()[:, None]]
        return PictureLosses(losses.losses, losses.weights, (torch.cat(rows, 1),))

    def _see(self, pictures: list[torch.Tensor], targets: list[Target], seeds: list[int]) -> Seen:
        images, targets = self.detector.transform(pictures, targets)
        return Seen(images, self.detector.backbone(images.tensors), targets, seeds)

    def _norms_learn(self) -> bool:
        return any(isinstance(layer, nn.BatchNorm2d) and layer.training for layer in self.detector.modules())

    def outputs(self, seen: Seen) -> Any:
        """What losses and boxes are both made of."""
        return None

    @abstractmethod
    def losses(self, seen: Seen, outputs: Any) -> PictureLosses:
        """Of each picture."""

    @abstractmethod
    def found(self, seen: Seen, outputs: Any) -> list[dict[str, torch.Tensor]]:
        """What is found in each picture, in pixels of what is seen of it."""


class Outputs(NamedTuple):
    """Of the head of a detector with one stage."""

    tensors: dict[str, torch.Tensor]
    """Float32, shapes (batch, anchors, ...)."""
    anchors: list[torch.Tensor]
    """XYXY, for each picture the same, shape (anchors, 4)."""
    per_level: list[int]
    """Anchors of each map."""

    def of(self, picture: int) -> dict[str, torch.Tensor]:
        """Those of one picture, shapes (1, anchors, ...)."""
        return {name: tensor[picture : picture + 1] for name, tensor in self.tensors.items()}


class OneStageDetector(LearningDetector):
    """Every anchor of every map says what is there."""

    def outputs(self, seen: Seen) -> Outputs:
        """What the head says."""
        maps = list(seen.maps.values())
        tensors, anchors = self.detector.head(maps), self.detector.anchor_generator(seen.images, maps)
        places = [one.shape[-2] * one.shape[-1] for one in maps]
        each = len(anchors[0]) // sum(places)
        return Outputs(tensors, anchors, [each * count for count in places])

    def losses(self, seen: Seen, outputs: Outputs) -> PictureLosses:
        """Of each picture, by the class of the network."""
        pairs = [self.loss_of(outputs, number, target) for number, target in enumerate(seen.targets)]
        values = torch.stack([torch.stack([*parts.values()]).sum() for parts, _ in pairs])
        return PictureLosses(values, values.new_tensor([max(1, weight) for _, weight in pairs]))

    def found(self, seen: Seen, outputs: Outputs) -> list[dict[str, torch.Tensor]]:
        """By the class of the network, map by map."""
        tensors = {name: list(torch.split(tensor, outputs.per_level, 1)) for name, tensor in outputs.tensors.items()}
        anchors = [list(torch.split(one, outputs.per_level)) for one in outputs.anchors]
        found: list[dict[str, torch.Tensor]] = self.detector.postprocess_detections(
            tensors, anchors, seen.images.image_sizes
        )
        return found

    @abstractmethod
    def loss_of(self, outputs: Outputs, picture: int, target: Target) -> tuple[dict[str, torch.Tensor], int]:
        """The losses of one picture, and of how many anchors they are the mean."""


class LearningRetinaNet(OneStageDetector):
    """Pictures count alike: torchvision divides by the anchors of each, and takes the mean over pictures."""

    def loss_of(self, outputs: Outputs, picture: int, target: Target) -> tuple[dict[str, torch.Tensor], int]:
        """Focal loss of the classes, L1 or GIoU of the boxes."""
        return self.detector.compute_loss([target], outputs.of(picture), [outputs.anchors[picture]]), 1


class LearningFcos(OneStageDetector):
    """A picture weighs as much as it has places that learn a box."""

    def loss_of(self, outputs: Outputs, picture: int, target: Target) -> tuple[dict[str, torch.Tensor], int]:
        """Focal loss of the classes, GIoU of the boxes, cross entropy of the nearness to the centre."""
        anchors = outputs.anchors[picture]
        matched = match(Locations(anchors, tuple(outputs.per_level)), target["boxes"], target["labels"])
        losses = self.detector.compute_loss([target], outputs.of(picture), [anchors], outputs.per_level)
        return losses, int((matched.classes >= 0).sum())


class LearningSsd(OneStageDetector):
    """A picture weighs as much as it has boxes of the grid that learn one; without any, it teaches nothing."""

    def loss_of(self, outputs: Outputs, picture: int, target: Target) -> tuple[dict[str, torch.Tensor], int]:
        """Cross entropy of the classes, of three negative boxes of the grid for a positive one, and smooth L1."""
        anchors, boxes = outputs.anchors[picture], target["boxes"]
        nothing = torch.full((len(anchors),), -1, device=anchors.device)
        matched = self.detector.proposal_matcher(box_iou(boxes, anchors)) if len(boxes) else nothing
        losses = self.detector.compute_loss([target], outputs.of(picture), [anchors], [matched])
        return losses, int((matched >= 0).sum())

    def found(self, seen: Seen, outputs: Outputs) -> list[dict[str, torch.Tensor]]:
        """Of all maps together."""
        found: list[dict[str, torch.Tensor]] = self.detector.postprocess_detections(
            outputs.tensors, outputs.anchors, seen.images.image_sizes
        )
        return found


class LearningFasterRcnn(LearningDetector):
    """Pictures count alike; of each, anchors and proposals are drawn from its seed."""

    def __init__(self, network: Any) -> None:
        super().__init__(network)
        for part in (network.rpn, network.roi_heads):
            part.fg_bg_sampler = SeededSampler(part.fg_bg_sampler)

    def losses(self, seen: Seen, outputs: None) -> PictureLosses:
        """Of proposals and of what they hold, as in training: means over what is drawn."""
        with self._stages(learning=True):
            values = [self._loss_of(seen, number) for number in range(len(seen.targets))]
        losses = torch.stack(values)
        return PictureLosses(losses, torch.ones_like(losses))

    def found(self, seen: Seen, outputs: None) -> list[dict[str, torch.Tensor]]:
        """As in a prediction."""
        with self._stages(learning=False):
            proposals, _ = self.detector.rpn(seen.images, seen.maps)
            found: list[dict[str, torch.Tensor]]
            found, _ = self.detector.roi_heads(seen.maps, proposals, seen.images.image_sizes)
        return found

    def _loss_of(self, seen: Seen, number: int) -> torch.Tensor:
        size, targets = [seen.images.image_sizes[number]], [seen.targets[number]]
        image = ImageList(seen.images.tensors[number : number + 1], size)
        maps = {name: one[number : number + 1] for name, one in seen.maps.items()}
        for part in (self.detector.rpn, self.detector.roi_heads):
            part.fg_bg_sampler.seed = seen.seeds[number]
        proposals, of_proposals = self.detector.rpn(image, maps, targets)
        _, of_boxes = self.detector.roi_heads(maps, proposals, size, targets)
        return torch.stack([one.float() for one in (*of_proposals.values(), *of_boxes.values())]).sum()

    @contextmanager
    def _stages(self, *, learning: bool) -> Iterator[None]:
        """Let both stages say what they cost, or what they find, whatever their layers are switched to."""
        stages = [part for part in self.detector.modules() if isinstance(part, RegionProposalNetwork | RoIHeads)]
        before = [part.training for part in stages]
        for part in stages:
            part.training = learning
        try:
            yield
        finally:
            for part, training in zip(stages, before, strict=True):
                part.training = training


_LEARNING: dict[str, type[LearningDetector]] = {
    "ssd": LearningSsd,
    "retinanet": LearningRetinaNet,
    "fcos": LearningFcos,
    "faster-rcnn": LearningFasterRcnn,
}


def learning_detector(family: str, network: Any) -> LearningDetector:
    """A network of a family with a loss for each picture."""
    return _LEARNING[family](network)


def _target(rows: torch.Tensor) -> Target:
    """The first output is the background."""
    return {"boxes": rows[:, 1:], "labels": rows[:, 0].long() + 1}


def parts_of(network: Any) -> Sequence[str]:
    """Names of what stands on the maps of a network."""
    return ("rpn", "roi_heads") if hasattr(network, "roi_heads") else ("head",)
