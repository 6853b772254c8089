"""FCOS as torchvision has it: the same losses over a batch, the same boxes."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn
from torchvision.models.detection import FCOS
from torchvision.models.detection.anchor_utils import AnchorGenerator

from zoo.training.body import Level
from zoo.training.images import fcos
from zoo.training.images.fcos import FcosHead, Locations, Targets

WIDTH, HEIGHT, CLASSES = 160, 96, 3
LEVELS = (Level(8, 4), Level(16, 8), Level(24, 16), Level(32, 32))


class Backbone(nn.Module):
    """Four maps of a picture, and the pyramid of our head on the last three."""

    out_channels = fcos.CHANNELS

    def __init__(self, head: FcosHead) -> None:
        super().__init__()
        self.head = [head]
        self.layers = nn.ModuleList(nn.Conv2d(3, level.channels, 3, level.stride, 1) for level in LEVELS)

    def maps(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [layer(images) for layer in self.layers]

    def forward(self, images: torch.Tensor) -> OrderedDict[str, torch.Tensor]:
        return OrderedDict((str(i), one) for i, one in enumerate(self.head[0].maps(self.maps(images))))


@pytest.fixture
def head() -> FcosHead:
    torch.manual_seed(3)
    head = FcosHead(LEVELS, CLASSES)
    with torch.no_grad():  # otherwise every score is near one in a hundred
        head.branches.classification_head.cls_logits.bias.fill_(-0.5)
        head.branches.regression_head.bbox_reg.bias.fill_(1.5)
        for parameter in head.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape))
    return head


@pytest.fixture
def backbone(head: FcosHead) -> Backbone:
    torch.manual_seed(4)
    return Backbone(head)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(4, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(5))


@pytest.fixture
def theirs(backbone: Backbone, head: FcosHead) -> FCOS:
    strides = (8, 16, 32, 64, 128)
    anchors = AnchorGenerator(tuple((stride,) for stride in strides), ((1.0,),) * 5)
    sides = {"min_size": HEIGHT, "max_size": WIDTH, "image_mean": [0.0] * 3, "image_std": [1.0] * 3}
    thresholds = {"score_thresh": 0.3, "nms_thresh": 0.6}
    return FCOS(backbone, CLASSES, anchor_generator=anchors, head=head.branches, **sides, **thresholds)


def targets(seed: int, count: int) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=draw) * torch.tensor([WIDTH - 70, HEIGHT - 50])
    sides = 8 + torch.rand(count, 2, generator=draw) * torch.tensor([60, 40])
    labels = torch.randint(CLASSES, (count,), generator=draw)
    return {"boxes": torch.cat([corner, corner + sides], 1), "labels": labels}


def locations(backbone: Backbone, head: FcosHead, images: torch.Tensor) -> Locations:
    return head.locations(backbone.maps(images[:1]), (WIDTH, HEIGHT))


def test_losses_over_a_batch_are_those_of_torchvision(
    backbone: Backbone, head: FcosHead, theirs: FCOS, images: torch.Tensor
) -> None:
    truths = [targets(seed, count) for seed, count in enumerate((1, 5, 9, 3))]
    where = locations(backbone, head, images)
    matched = [fcos.match(where, one["boxes"], one["labels"]) for one in truths]
    stacked = Targets(torch.stack([one.classes for one in matched]), torch.stack([one.boxes for one in matched]))

    values, weights = fcos.losses(head(backbone.maps(images)), stacked, where)
    expected = theirs.train()(list(images), truths)

    assert values.shape == weights.shape == (4,)
    assert (weights > 1).all()
    mean = (values * weights).sum() / weights.sum()
    assert mean.item() == pytest.approx(sum(expected.values()).item(), rel=1e-5)


def test_a_picture_without_boxes_has_the_loss_of_its_classes_alone(
    backbone: Backbone, head: FcosHead, theirs: FCOS, images: torch.Tensor
) -> None:
    where = locations(backbone, head, images)
    nothing = fcos.match(where, torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))
    values, weights = fcos.losses(
        head(backbone.maps(images[:1])), Targets(nothing.classes[None], nothing.boxes[None]), where
    )
    empty = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.long)}

    assert weights.tolist() == [1]
    assert values.item() == pytest.approx(sum(theirs.train()([images[0]], [empty]).values()).item(), rel=1e-5)


def test_gradients_are_finite_where_boxes_are_a_pixel_or_the_whole_picture(
    backbone: Backbone, head: FcosHead, images: torch.Tensor
) -> None:
    where = locations(backbone, head, images)
    boxes = torch.tensor([[8.0, 8.0, 9.0, 9.0], [0.0, 0.0, WIDTH, HEIGHT], [16.0, 16.0, 16.5, 90.0]])
    matched = fcos.match(where, boxes, torch.tensor([0, 1, 2]))
    values, _ = fcos.losses(head(backbone.maps(images[:1])), Targets(matched.classes[None], matched.boxes[None]), where)
    values.sum().backward()

    assert values.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in head.parameters())


def test_boxes_are_those_that_torchvision_finds(
    backbone: Backbone, head: FcosHead, theirs: FCOS, images: torch.Tensor
) -> None:
    with torch.inference_mode():
        where = locations(backbone, head, images)
        found = fcos.detect(head(backbone.maps(images)), where, (WIDTH, HEIGHT), threshold=0.3, nms=0.6)
        expected = theirs.eval()(list(images))

    assert [len(one) for one in found] == [len(one["boxes"]) for one in expected]
    assert min(map(len, found)) > 5
    for ours, one in zip(found, expected, strict=True):
        assert torch.allclose(ours[:, :4], one["boxes"], atol=1e-3)
        assert torch.allclose(ours[:, 4], one["scores"], atol=1e-5)
        assert torch.equal(ours[:, 5].long(), one["labels"])
