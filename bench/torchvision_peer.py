"""The peer of bench/train_images.py: `python torchvision_peer.py FOLDER EPOCHS BATCH`; prints one JSON object."""

from __future__ import annotations

import json
import sys
import time

import torch
import torchvision
from torch import nn
from torchvision import transforms


def main(folder: str, epochs: int, batch: int) -> None:
    """Train as torchvision's reference does, on a CPU."""
    prepare = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    data = torchvision.datasets.ImageFolder(folder, prepare)
    loader = torch.utils.data.DataLoader(data, batch_size=batch, shuffle=True, num_workers=2)
    torch.manual_seed(0)
    model = torchvision.models.resnet18(num_classes=len(data.classes))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    model.train()
    loss = torch.tensor(0.0)
    began = time.time()
    for _ in range(epochs):
        for images, labels in loader:
            loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    elapsed_s = time.time() - began
    print(json.dumps({"samples_per_s": epochs * len(data) / elapsed_s, "loss": loss.item()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
