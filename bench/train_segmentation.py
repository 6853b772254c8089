"""Learn masks with a U-Net on MobileNet v2: zoo beside a plain loop, in processes of their own.

    uv run bench/train_segmentation.py --data masks_membrane [--steps 60] [--side 256] [--rounds 1] [--scratch]
                                     [--losses cross-entropy dice both]

The peer (bench/segmentation_peer.py) trains the same network from the same weights on pictures of the same size, for
the same number of steps of 8. Seconds are those of the training, decoding included, from the first picture read to the
end of the last step; imports and evaluations are not counted on either side. Both answer the pictures that they did not
see in their own size, and are judged by the same metric. With --scratch the bodies begin with random numbers. The peer
learns by cross entropy, zoo once by each of the losses.

The data are a folder with images/ and masks/ of 0 and 255 under the same names; every fifth is left for judging.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

PEER = str(Path(__file__).with_name("segmentation_peer.py"))
BATCH, LR = 8, 1e-3
MODEL, SCRATCH = "mobilenet_v2-v1", "mobilenet_v2-scratch"
FOLDERS = {"file_name": "images", "mask": "masks"}
LABELS = ["background", "foreground"]


class Outcome(NamedTuple):
    """Of a training."""

    elapsed_s: float
    foreground_iou: float
    miou: float


def tables(data: Path, into: Path) -> tuple[Path, Path]:
    """Both parts as JSON lines, which both read."""
    names = sorted((path.name for path in (data / "images").iterdir()), key=lambda name: (len(name), name))
    rows = [
        json.dumps({role: str((data / part / name).absolute()) for role, part in FOLDERS.items()}) for name in names
    ]
    paths = into / "train.jsonl", into / "test.jsonl"
    for path, test in zip(paths, (False, True), strict=True):
        chosen = [row for number, row in enumerate(rows) if (number % 5 == 0) is test]
        path.write_text("\n".join(chosen) + "\n")
    return paths


def judged(elapsed_s: float, test: Path, answers: list[np.ndarray]) -> Outcome:
    """By intersection over union, pixels of all pictures together."""
    from zoo import SegmentationMetrics

    judge = SegmentationMetrics(LABELS)
    for line, answer in zip(test.read_text().splitlines(), answers, strict=True):
        truth = np.array(Image.open(json.loads(line)["mask"]).convert("L")) > 127
        judge.update(truth.astype(np.uint8), answer)
    foreground = judge.per_class()[1]
    assert foreground is not None
    return Outcome(elapsed_s, foreground[0], judge.compute()["miou"])


def ours(model: str, train: Path, test: Path, steps: int, side: int, **keys: str) -> Outcome:
    """Train and answer with zoo."""
    import zoo
    from zoo.runs.events import InputsPrepared, StepCompleted

    options = {"max_steps": steps, "batch_size": BATCH, "image_size": side, "eval_share": 0.0, "save_steps": 10_000}
    run = zoo.finetune(model, train, task="image-segmentation", device="cpu", **keys, **options)
    events = run.wait(progress=False).events()
    began = next(event.at for event in events if isinstance(event, InputsPrepared))
    ended = next(event.at for event in reversed(events) if isinstance(event, StepCompleted))
    pictures = [json.loads(line)["file_name"] for line in test.read_text().splitlines()]
    answers = zoo.load(run.name, device="cpu").predict(pictures)
    return judged(ended - began, test, [np.array(Image.open(io.BytesIO(answer.mask))) for answer in answers])


def peer(train: Path, test: Path, weights: str, args: argparse.Namespace) -> Outcome:
    """The same of the peer."""
    import torch

    out = train.with_name("peer.json")
    words = [sys.executable, "-W", "ignore", PEER, str(train), str(test), str(out), "--weights", weights]
    sizes = ["--steps", str(args.steps), "--batch", str(BATCH), "--side", str(args.side), "--lr", str(LR)]
    subprocess.run([*words, *sizes], check=True)
    masks = torch.load(out.with_suffix(".pt"), weights_only=True).numpy()
    return judged(json.loads(out.read_text())["elapsed_s"], test, list(masks))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Learning masks beside a plain loop.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--scratch", action="store_true")
    parser.add_argument("--losses", nargs="+", default=["cross-entropy"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        os.environ["ZOO_HOME"] = f"{root}/store"
        import zoo
        from zoo.fetch import fetch

        model, weights = SCRATCH, ""
        if not args.scratch:
            model, card = MODEL, next(card for card in zoo.models() if card.name == MODEL)
            weights = str(fetch(card.weights) / card.weights.files[0].name)
        train, test = tables(args.data, Path(root))
        zoo_ways = {
            f"zoo, {name}, {loss}": partial(
                ours, model, train, test, args.steps, args.side, precision=precision, loss=loss
            )
            for loss in args.losses
            for name, precision in (("fp32", "fp32"), ("default precision", "auto"))
        }
        ways = {"a plain loop, fp32": lambda: peer(train, test, weights, args), **zoo_ways}
        measured: dict[str, list[Outcome]] = {name: [] for name in ways}
        for _ in range(args.rounds):
            for name, work in ways.items():
                measured[name].append(work())
                print(name, measured[name][-1], flush=True)
    medians = {name: Outcome(*map(statistics.median, zip(*rows, strict=True))) for name, rows in measured.items()}
    base = medians["a plain loop, fp32"].elapsed_s
    print(f"{model}: {args.steps} steps of {BATCH}, {args.side} pixels, {args.rounds} rounds")
    for name, one in medians.items():
        ratio = one.elapsed_s / base
        ious = f"foreground IoU {one.foreground_iou:.3f}   mIoU {one.miou:.3f}"
        print(f"{name:<38} {one.elapsed_s:7.1f} s {ratio:5.2f}x   {ious}")


if __name__ == "__main__":
    main()
