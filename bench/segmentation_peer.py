"""Train a U-Net in a plain loop, and write the masks it answers; run by train_segmentation.py.

The loop of torchvision's references/segmentation (train.py, presets.py) in its plainest form: pictures and masks opened
anew each epoch, random parts and flips of `torchvision.transforms.v2`, a DataLoader with two workers, eager fp32
modules, AdamW with linear warm-up and a polynomial decay. Network, weights to begin with, size, batch and steps are
those of the run of zoo that it is measured beside.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.models.feature_extraction import create_feature_extractor
from torchvision.ops import misc
from torchvision.transforms import v2

from zoo.training.images.unet import UNetHead

NODES = ["features.3", "features.6", "features.13", "features.17"]
CHANNELS = [24, 32, 96, 320]
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class Pairs(Dataset):
    """Rows of a table of pictures and masks of 0 and 255."""

    def __init__(self, table: Path, transforms: v2.Transform) -> None:
        self.rows, self.transforms = [json.loads(line) for line in table.read_text().splitlines()], transforms

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int):
        row = self.rows[index]
        image = Image.open(row["file_name"]).convert("RGB")
        mask = np.array(Image.open(row["mask"]).convert("L")) > 127
        return self.transforms(image, tv_tensors.Mask(torch.from_numpy(mask.astype(np.uint8))))


class Segmenter(nn.Module):
    """MobileNet v2 under the decoder of a U-Net."""

    def __init__(self, weights: str) -> None:
        super().__init__()
        norm = misc.FrozenBatchNorm2d if weights else nn.BatchNorm2d
        network = torchvision.models.mobilenet_v2(norm_layer=norm)
        if weights:
            network.load_state_dict(torch.load(weights, weights_only=True))
        self.body = create_feature_extractor(network, {name: name for name in NODES})
        self.decoder = UNetHead(CHANNELS, 4, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.decoder([images, *self.body(images).values()])


def main() -> None:
    """Train, and write the mask of each picture of the test part."""
    parser = argparse.ArgumentParser()
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--weights", default="")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--side", type=int, required=True)
    parser.add_argument("--lr", type=float, required=True)
    args = parser.parse_args()
    torch.manual_seed(0)
    to_float = [v2.PILToTensor(), v2.ToDtype(torch.float, scale=True), v2.Normalize(MEAN, STD), v2.ToPureTensor()]
    part = v2.RandomResizedCrop(args.side, scale=(0.35, 1.0), antialias=True)
    training = Pairs(args.train, v2.Compose([v2.ToImage(), part, v2.RandomHorizontalFlip(), *to_float[1:]]))
    network = Segmenter(args.weights).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=args.lr, weight_decay=1e-2)
    warmup = max(1, args.steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (1 - step / args.steps) ** 0.9)
    )
    began, step = time.perf_counter(), 0
    while step < args.steps:
        for images, masks in DataLoader(training, args.batch, shuffle=True, num_workers=2):
            loss = nn.functional.cross_entropy(network(images), masks.long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            if step == args.steps:
                break
    elapsed_s = time.perf_counter() - began
    network.eval()
    answers = []
    whole = v2.Compose([v2.ToImage(), *to_float[1:]])
    with torch.inference_mode():
        for image, mask in Pairs(args.test, whole):
            seen = nn.functional.interpolate(image[None], (args.side, args.side), mode="bilinear", antialias=True)
            scores = nn.functional.interpolate(network(seen), mask.shape, mode="bilinear")
            answers.append(scores.argmax(1)[0].to(torch.uint8))
    torch.save(torch.stack(answers), args.out.with_suffix(".pt"))
    args.out.write_text(json.dumps({"elapsed_s": elapsed_s, "loss": float(loss.detach())}))


if __name__ == "__main__":
    main()
