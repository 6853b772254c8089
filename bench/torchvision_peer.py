"""The peer of bench/train_images.py and gpu_peers.py; prints one JSON object.

python torchvision_peer.py FOLDER EPOCHS BATCH [NETWORK DEVICE PRECISION WORKERS]
"""

from __future__ import annotations

import json
import sys
import time

import torch
import torchvision
from torch import nn
from torchvision import transforms


def main(
    folder: str,
    epochs: int,
    batch: int,
    network: str = "resnet18",
    device: str = "cpu",
    precision: str = "fp32",
    workers: int = 2,
) -> None:
    """Train as torchvision's reference does; the rate is also told of all epochs but the first."""
    prepare = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    data = torchvision.datasets.ImageFolder(folder, prepare)
    on_gpu, in_bf16 = device != "cpu", precision == "bf16"
    loader = torch.utils.data.DataLoader(
        data,
        batch_size=batch,
        shuffle=True,
        num_workers=workers,
        pin_memory=on_gpu,
        persistent_workers=on_gpu,
    )
    torch.manual_seed(0)
    model = torchvision.models.get_model(network, num_classes=len(data.classes)).to(device)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    model.train()
    loss = torch.tensor(0.0)
    ends = [time.time()]
    for _ in range(epochs):
        for images, labels in loader:
            with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=in_bf16):
                outputs = model(images.to(device, non_blocking=True))
            loss = criterion(outputs.float(), labels.to(device, non_blocking=True))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        loss.item()  # waits for the device
        ends.append(time.time())
    report = {"samples_per_s": epochs * len(data) / (ends[-1] - ends[0]), "loss": loss.item()}
    if epochs > 1:
        report["later_samples_per_s"] = (epochs - 1) * len(data) / (ends[-1] - ends[1])
    print(json.dumps(report))


if __name__ == "__main__":
    folder, epochs, batch, *place = sys.argv[1:]
    main(folder, int(epochs), int(batch), *place[:3], *map(int, place[3:]))
