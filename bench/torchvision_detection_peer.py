"""Train a detector as torchvision's reference does, and write what it finds; run by train_detection.py.

The loop of torchvision's references/detection (train.py, engine.py, presets.py) in its plainest form: VOC annotations,
`PILToTensor` and flips, a DataLoader with two workers, torchvision's FCOS on eager fp32 modules, SGD with momentum,
linear warm-up, and steps down at two thirds and eight ninths. Network, weights to begin with, size of the pictures,
batch and steps are those of the run of zoo that it is measured beside.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from xml.etree import ElementTree

import torch
import torchvision
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.models.detection import FCOS
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOSHead
from torchvision.models.feature_extraction import create_feature_extractor
from torchvision.ops import FeaturePyramidNetwork, misc
from torchvision.ops.feature_pyramid_network import LastLevelP6P7
from torchvision.transforms import v2

NODES = {"features.6": "0", "features.13": "1", "features.17": "2"}
CHANNELS = [32, 96, 320]
FROZEN = 4
"""First parts of the body that stay as they are (`trainable_backbone_layers` of the reference)."""


def read_voc(root: Path, part: str) -> list[tuple[Path, list[tuple[str, list[float]]]]]:
    """The pictures of a part of a data set in the layout of Pascal VOC, with label and XYXY of each box."""
    pictures = []
    for name in (root / "ImageSets" / "Main" / f"{part}.txt").read_text().split():
        boxes = []
        for thing in ElementTree.parse(root / "Annotations" / f"{name}.xml").iter("object"):
            corners = [float(thing.findtext(f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")]
            if corners[2] > corners[0] and corners[3] > corners[1]:
                boxes.append((thing.findtext("name"), corners))
        pictures.append((root / "JPEGImages" / f"{name}.jpg", boxes))
    return pictures


class Voc(Dataset):
    """A part of such a data set."""

    def __init__(self, root: Path, part: str, labels: list[str], transforms: v2.Transform) -> None:
        self.pictures, self.labels, self.transforms = read_voc(root, part), labels, transforms

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int):
        path, things = self.pictures[index]
        image = Image.open(path).convert("RGB")
        boxes = torch.tensor([corners for _, corners in things]).view(-1, 4)
        in_place = tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(image.height, image.width))
        labels = torch.tensor([self.labels.index(label) for label, _ in things], dtype=torch.long)
        return self.transforms(image, {"boxes": in_place, "labels": labels})


class Backbone(nn.Module):
    """MobileNet v2 under a feature pyramid."""

    def __init__(self, weights: str, channels: int) -> None:
        super().__init__()
        self.out_channels = channels
        norm = misc.FrozenBatchNorm2d if weights else nn.BatchNorm2d
        network = torchvision.models.mobilenet_v2(norm_layer=norm)
        if weights:
            network.load_state_dict(torch.load(weights, weights_only=True))
            for layer in network.features[:FROZEN]:
                layer.requires_grad_(False)
        self.body = create_feature_extractor(network, NODES)
        self.fpn = FeaturePyramidNetwork(CHANNELS, channels, LastLevelP6P7(channels, channels))

    def forward(self, images: torch.Tensor):
        return self.fpn(self.body(images))


def collate(batch):
    """As the reference has it."""
    return tuple(zip(*batch, strict=True))


def detector(args: argparse.Namespace, labels: list[str]) -> FCOS:
    """Torchvision's own."""
    anchors = AnchorGenerator(((8,), (16,), (32,), (64,), (128,)), ((1.0,),) * 5)
    backbone = Backbone(args.weights, args.channels)
    head = FCOSHead(args.channels, 1, len(labels), args.convolutions)
    return FCOS(
        backbone,
        len(labels),
        min_size=args.side * 3 // 4,
        max_size=args.side,
        anchor_generator=anchors,
        head=head,
        score_thresh=0.05,
    )


def main() -> None:
    """Train, and write what is found in a part that was not trained on."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--labels", required=True)
    parser.add_argument("--weights", default="")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--side", type=int, default=320)
    parser.add_argument("--channels", type=int, default=128)
    parser.add_argument("--convolutions", type=int, default=2)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", default="test")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    labels = args.labels.split(",")
    to_float = [v2.PILToTensor(), v2.ToDtype(torch.float, scale=True), v2.ToPureTensor()]
    training = Voc(args.root, "train", labels, v2.Compose([v2.RandomHorizontalFlip(), *to_float]))
    network = detector(args, labels).train()
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=args.lr, momentum=0.9, weight_decay=1e-4)
    warmup = max(1, args.steps // 10)
    schedule = torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [
            torch.optim.lr_scheduler.LinearLR(optimizer, 0.001, total_iters=warmup),
            torch.optim.lr_scheduler.MultiStepLR(
                optimizer, [args.steps * 2 // 3 - warmup, args.steps * 8 // 9 - warmup]
            ),
        ],
        [warmup],
    )
    began, step = time.perf_counter(), 0
    while step < args.steps:
        loader = DataLoader(training, args.batch, shuffle=True, num_workers=2, collate_fn=collate)
        for images, targets in loader:
            losses = sum(network(list(images), list(targets)).values())
            optimizer.zero_grad()
            losses.backward()
            optimizer.step()
            schedule.step()
            step += 1
            if step == args.steps:
                break
    elapsed_s = time.perf_counter() - began
    network.eval()
    found = []
    with torch.inference_mode():
        for image, truth in Voc(args.root, args.part, labels, v2.Compose(to_float)):
            (answer,) = network([image])
            found.append(
                {
                    "truths": torch.cat([truth["labels"][:, None], truth["boxes"]], 1).tolist(),
                    "answers": torch.cat(
                        [answer["labels"][:, None], answer["boxes"], answer["scores"][:, None]], 1
                    ).tolist(),
                }
            )
    args.out.write_text(json.dumps({"elapsed_s": elapsed_s, "loss": float(losses.detach()), "pictures": found}))


if __name__ == "__main__":
    main()
