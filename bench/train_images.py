"""Fine-tune ResNet-18 at 224 pixels on JPEG class folders: zoo beside torchvision's way, in paired processes.

    uv run bench/train_images.py [--images 160] [--epochs 3] [--rounds 3]

The peer is what torchvision's reference does in its plainest form (bench/torchvision_peer.py): ImageFolder, random
resized crops and flips, a DataLoader with two workers, the eager network in fp32, SGD with momentum. Both begin with
random numbers: time does not depend on what they are. Samples a second are those of all epochs, decoding included, from
the first image that is read to the end of the last step; imports are not counted on either side. Checked in the same
run: both learn to tell the classes apart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from predict_images import write_images

BATCH = 32
PEER = str(Path(__file__).with_name("torchvision_peer.py"))


def peer(folder: Path, epochs: int) -> tuple[float, float]:
    """Samples/s and the last loss of the peer."""
    words = [sys.executable, "-W", "ignore", PEER, str(folder), str(epochs), str(BATCH)]
    report = json.loads(
        subprocess.run(words, check=True, capture_output=True, encoding="utf-8").stdout.splitlines()[-1]
    )
    return report["samples_per_s"], report["loss"]


def ours(folder: Path, images: int, epochs: int, precision: str) -> tuple[float, float]:
    """The same of zoo, from the events of the run."""
    import zoo
    from zoo.runs.events import InputsPrepared, StepCompleted

    options = {"epochs": epochs, "batch_size": BATCH, "eval_share": 0.0, "image_size": 224, "save_steps": 10_000}
    run = zoo.finetune("resnet18-scratch", folder, device="cpu", precision=precision, **options).wait(progress=False)
    events = run.events()
    began = next(event.at for event in events if isinstance(event, InputsPrepared))
    last = next(event for event in reversed(events) if isinstance(event, StepCompleted))
    run.remove()
    return epochs * images / (last.at - began), last.loss


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Fine-tuning on images beside torchvision's way.")
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        os.environ["ZOO_HOME"] = f"{root}/store"
        folder = Path(root) / "images"
        write_images(folder, args.images)
        ways = {
            "torchvision's way, fp32": lambda: peer(folder, args.epochs),
            "zoo, fp32": lambda: ours(folder, args.images, args.epochs, "fp32"),
            "zoo, default precision": lambda: ours(folder, args.images, args.epochs, "auto"),
        }
        measured: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(args.rounds):
            for name, work in ways.items():
                measured[name].append(work())
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in measured.items()
    }
    base = medians["torchvision's way, fp32"][0]
    print(f"{args.images} images, {args.epochs} epochs, batch {BATCH}, {args.rounds} rounds")
    for name, (rate, loss) in medians.items():
        print(f"{name:<24} {rate:6.1f} samples/s {rate / base:5.2f}x   loss {loss:.4f}")


if __name__ == "__main__":
    main()
