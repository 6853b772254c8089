"""How many labels that were flipped on purpose `zoo data inspect --labels` finds, among as many rows as were flipped.

    uv run bench/labels.py --data FOLDER [--only reviews digits] [--rows 2000] [--share 0.05] [--seeds 3]

The folder holds movie_reviews_train.csv (columns text and label). Of so many reviews, and of 1,000 of scikit-learn's
digits, a share of the labels is another one. Reviews are judged by what MiniLM makes of them as it comes; digits by a
resnet10-32px that has learnt for 100 steps from the very rows, wrong labels included. `found` is the share of the
flipped rows among as many rows listed; by chance it is the share that was flipped.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

DIGITS = 1000


def flip(labels: list[str], share: float, seed: int) -> tuple[list[str], set[int]]:
    """Labels, a share of them another one of those that there are, and the places of these."""
    draw, names = random.Random(seed), sorted(set(labels))
    places = set(draw.sample(range(len(labels)), round(share * len(labels))))
    return [
        draw.choice([name for name in names if name != label]) if place in places else label
        for place, label in enumerate(labels)
    ], places


def write_table(path: Path, header: str, inputs: list[str], labels: list[str]) -> Path:
    """A CSV file of inputs and labels."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow((header, "label"))
        writer.writerows(zip(inputs, labels, strict=True))
    return path


def reviews(folder: Path, rows: int) -> tuple[list[str], list[str]]:
    """Texts and labels of the first reviews."""
    with (folder / "movie_reviews_train.csv").open(newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    random.Random(0).shuffle(records)
    return [one["text"] for one in records[:rows]], [one["label"] for one in records[:rows]]


def digits(folder: Path) -> tuple[list[str], list[str]]:
    """Pictures, written there, and labels."""
    from PIL import Image
    from sklearn.datasets import load_digits

    data = load_digits()
    for number, pixels in enumerate(data.images[:DIGITS]):
        Image.fromarray((pixels * (255 / 16)).round().astype("uint8")).save(folder / f"{number}.png")
    return [f"{number}.png" for number in range(DIGITS)], [str(label) for label in data.target[:DIGITS]]


def judge(name: str, model: str, path: Path, flipped: set[int]) -> None:
    """Look at the labels, and print a line."""
    import zoo

    began = time.perf_counter()
    run = zoo.inspect_labels(model, path, device="cpu").wait(progress=False)
    seconds, listed = time.perf_counter() - began, [one.row - 1 for one in run.doubtful_labels]
    found = len(flipped & set(listed[: len(flipped)])) / len(flipped)
    print(
        f"{name}: {len(flipped)} flipped, {len(listed)} listed, found {found:.3f} among as many, "
        f"{len(flipped & set(listed)) / len(flipped):.3f} in all, agreement {run.metrics['agreement']:.3f}, "
        f"{seconds:.1f} s",
        flush=True,
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="How many flipped labels are found.")
    parser.add_argument("--data", type=Path, required=True, help="folder with movie_reviews_train.csv")
    parser.add_argument("--only", nargs="+", choices=("reviews", "digits"), default=("reviews", "digits"))
    parser.add_argument("--rows", type=int, default=2000, help="reviews")
    parser.add_argument("--share", type=float, default=0.05, help="of the labels that are flipped")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_HOME"] = f"{folder}/store"
        os.environ["HF_HUB_OFFLINE"] = "1"
        measure(args, Path(folder))


def measure(args: Any, folder: Path) -> None:
    """Each data set by each seed."""
    import zoo

    for seed in range(args.seeds):
        if "reviews" in args.only:
            texts, labels = reviews(args.data, args.rows)
            wrong, places = flip(labels, args.share, seed)
            judge("reviews", "all-minilm-l6-v2", write_table(folder / f"{seed}.csv", "text", texts, wrong), places)
        if "digits" in args.only:
            pictures, labels = digits(folder)
            wrong, places = flip(labels, args.share, seed)
            path = write_table(folder / f"digits{seed}.csv", "file_name", pictures, wrong)
            options = {"image_size": 8, "flip": False, "batch_size": 32, "max_steps": 100, "eval_steps": 100}
            run = zoo.finetune("resnet10-32px", path, device="cpu", precision="fp32", **options).wait(progress=False)
            judge("digits", run.name, path, places)


if __name__ == "__main__":
    sys.exit(main())
