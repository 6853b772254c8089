"""Learn boxes on MobileNet v2: zoo beside torchvision's reference loop, in processes of their own.

    uv run bench/train_detection.py --data boxes_blood [--steps 104] [--seeds 1] [--part test] [--scratch]

The peer (bench/torchvision_detection_peer.py) trains torchvision's FCOS with the same network (pyramid and head of the
same width on the same maps, the same layers frozen), from the same published weights, on pictures of the same size, for
the same number of steps of 16. Seconds are those of the training, decoding included, from the first picture read to
the end of the last step; imports and evaluations are not counted on either side. Both are judged after the last step,
on a part that they were not trained on, by the same metric: settings are chosen on val, and told by test. All is done
once for each seed, and the means are told. With --scratch zoo learns from random numbers, too.

The data are a folder in the layout of Pascal VOC with the parts train, val and test, such as BCCD's pictures of blood
cells.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

PEER = str(Path(__file__).with_name("torchvision_detection_peer.py"))
BATCH, SIDE = 16, 320
MODEL, SCRATCH = "mobilenet_v2-v1", "mobilenet_v2-scratch"


class Outcome(NamedTuple):
    """Of a training."""

    elapsed_s: float
    ap50: float
    map: float


def table(data: Path, part: str, into: Path) -> Path:
    """A part of the data as JSON lines, which both read."""
    from torchvision_detection_peer import read_voc

    path = into / f"{part}.jsonl"
    rows = [
        {
            "file_name": str(picture.absolute()),
            "boxes": [
                {"label": label, **dict(zip(("left", "top", "right", "bottom"), box, strict=True))}
                for label, box in boxes
            ],
        }
        for picture, boxes in read_voc(data, part)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def ours(model: str, train: Path, judged: Path, steps: int, seed: int) -> Outcome:
    """Train and evaluate with zoo."""
    import zoo
    from zoo.runs.events import InputsPrepared, StepCompleted

    options = {"max_steps": steps, "batch_size": BATCH, "image_size": SIDE, "eval_share": 0.0, "save_steps": 10_000}
    run = zoo.finetune(model, train, task="object-detection", device="cpu", seed=seed, **options)
    events = run.wait(progress=False).events()
    began = next(event.at for event in events if isinstance(event, InputsPrepared))
    ended = next(event.at for event in reversed(events) if isinstance(event, StepCompleted))
    evaluated = zoo.evaluate(run.name, judged, device="cpu", precision="fp32").wait(progress=False)
    return Outcome(ended - began, evaluated.metrics["ap50"], evaluated.metrics["map"])


def peer(args: argparse.Namespace, labels: list[str], weights: str, seed: int, folder: Path) -> Outcome:
    """The same of the peer; its boxes are judged as those of zoo."""
    from zoo.metrics import DetectionMetrics

    out = folder / "peer.json"
    options = {
        "labels": ",".join(labels),
        "weights": weights,
        "steps": args.steps,
        "batch": BATCH,
        "side": SIDE,
        "seed": seed,
        "part": args.part,
    }
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    subprocess.run([sys.executable, "-W", "ignore", PEER, str(args.data), str(out), *words], check=True)
    report = json.loads(out.read_text())
    judge = DetectionMetrics(labels)
    for picture in report["pictures"]:
        judge.update(picture["truths"], picture["answers"])
    figures = judge.compute()
    return Outcome(report["elapsed_s"], figures["ap50"], figures["map"])


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Learning boxes beside torchvision's way.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=104)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--part", default="test", help="that both are judged on")
    parser.add_argument("--scratch", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        os.environ["ZOO_HOME"] = f"{root}/store"
        import zoo
        from zoo.fetch import fetch

        card = next(card for card in zoo.models() if card.name == MODEL)
        weights = str(fetch(card.weights) / card.weights.files[0].name)
        train, judged = (table(args.data, part, Path(root)) for part in ("train", args.part))
        labels = sorted({box["label"] for line in train.read_text().splitlines() for box in json.loads(line)["boxes"]})
        ways: dict[str, Callable[[int], Outcome]] = {
            "torchvision's way, fp32": lambda seed: peer(args, labels, weights, seed, Path(root)),
            "zoo, default precision": lambda seed: ours(MODEL, train, judged, args.steps, seed),
        }
        if args.scratch:
            ways["zoo, from random numbers"] = lambda seed: ours(SCRATCH, train, judged, args.steps, seed)
        measured: dict[str, list[Outcome]] = {name: [] for name in ways}
        for seed in range(args.seeds):
            for name, work in ways.items():
                measured[name].append(work(seed))
                print(f"seed {seed}: {name}", measured[name][-1], flush=True)
    means = {name: Outcome(*map(statistics.fmean, zip(*rows, strict=True))) for name, rows in measured.items()}
    base = means["torchvision's way, fp32"].elapsed_s
    print(f"{args.steps} steps of {BATCH}, judged on {args.part}, mean of {args.seeds} seeds")
    for name, outcome in means.items():
        ratio = outcome.elapsed_s / base
        print(f"{name:<26} {outcome.elapsed_s:7.1f} s {ratio:5.2f}x   AP50 {outcome.ap50:.3f}   mAP {outcome.map:.3f}")


if __name__ == "__main__":
    main()
