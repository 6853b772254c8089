"""Classify JPEG files: zoo beside PIL, torchvision's transforms and its eager network in batches of 16.

    uv run bench/predict_images.py [--model resnet50-scratch] [--images 96] [--rounds 3]

Alternating in one process, on the same weights (from random numbers, trained for one step: time does not depend on what
they are) and the same files, crops of the two photographs that scikit-learn ships. Checked in the same run:
probabilities agree to 1e-5 in fp32; the first label of bf16 is that of fp32.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

SIZE = (500, 375)
"""Width and height of the files, as those of ImageNet are on average."""
BATCH = 16


def write_images(folder: Path, count: int) -> list[str]:
    """JPEG files in two class folders."""
    from PIL import Image

    draw = random.Random(0)
    paths = []
    for number in range(count):
        name = ("china", "flower")[number % 2]
        with Image.open(str(files("sklearn.datasets") / "images" / f"{name}.jpg")) as photograph:
            left, top = draw.randrange(photograph.width // 3), draw.randrange(photograph.height // 3)
            crop = photograph.crop((left, top, left + photograph.width * 2 // 3, top + photograph.height * 2 // 3))
        path = folder / name / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        crop.resize(SIZE).save(path, quality=90)
        paths.append(str(path))
    return paths


def plain(folder: Path) -> Any:
    """The usual few lines of torchvision."""
    import torch
    import torchvision
    from PIL import Image
    from safetensors.torch import load_file
    from torchvision import transforms
    from torchvision.transforms import InterpolationMode

    config = json.loads((folder / "config.json").read_text())
    model = torchvision.models.get_model(config["architecture"]["builder"], num_classes=len(config["labels"]))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    model.eval()
    prepare = transforms.Compose(
        [
            transforms.Resize(config["image"]["resize_size"], InterpolationMode(config["image"]["interpolation"])),
            transforms.CenterCrop(config["image"]["input_size"][1]),
            transforms.ToTensor(),
            transforms.Normalize(config["image"]["mean"], config["image"]["std"]),
        ]
    )

    def predict(paths: list[str]) -> list[dict[str, float]]:
        answers = []
        with torch.inference_mode():
            for start in range(0, len(paths), BATCH):
                batch = torch.stack([prepare(Image.open(path).convert("RGB")) for path in paths[start : start + BATCH]])
                for row in model(batch).softmax(-1).tolist():
                    answers.append(dict(zip(config["labels"], row, strict=True)))
        return answers

    return predict


def main() -> None:
    """Measure, check, print."""
    parser = argparse.ArgumentParser(description="Image classification beside plain torchvision.")
    parser.add_argument("--model", default="resnet50-scratch", help="one that starts from random numbers")
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        os.environ["ZOO_HOME"] = f"{root}/store"
        paths = write_images(Path(root) / "images", args.images)
        import zoo

        options = {"max_steps": 1, "batch_size": 4, "name": "bench", "eval_share": 0.1}
        run = zoo.finetune(args.model, f"{root}/images", device="cpu", **options).wait()
        compare(plain(run.folder.model_folder), paths, args.rounds)


def compare(peer: Any, paths: list[str], rounds: int) -> None:
    """Alternate, and hold the answers against each other."""
    import zoo

    fp32, bf16 = (zoo.load("bench", device="cpu", precision=precision) for precision in ("fp32", "bf16"))
    ways = {"torchvision, fp32": peer, "zoo, fp32": fp32.predict, "zoo, bf16": bf16.predict}
    answers = {name: work(paths) for name, work in ways.items()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            started = time.perf_counter()
            work(paths)
            times[name].append(time.perf_counter() - started)
    base = statistics.median(times["torchvision, fp32"])
    print(f"{len(paths)} JPEG files of {SIZE[0]} x {SIZE[1]}, {rounds} rounds")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<20} {len(paths) / median:6.1f} images/s   {base / median:5.2f}x")
    ours = [{score.label: score.probability for score in answer.scores} for answer in answers["zoo, fp32"]]
    worst = max(
        abs(a[label] - b[label]) for a, b in zip(answers["torchvision, fp32"], ours, strict=True) for label in a
    )
    first = [max(answer, key=answer.__getitem__) for answer in ours]
    agree = sum(a == b.label for a, b in zip(first, answers["zoo, bf16"], strict=True)) / len(first)
    print(f"probabilities differ by {worst:.1e} at most; first labels of bf16 agree in {agree:.1%}")
    assert worst < 1e-5


if __name__ == "__main__":
    main()
