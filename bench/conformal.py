"""How often the sets of `--abstain` hold the right label, on five data sets of texts, pictures and sounds.

    uv run bench/conformal.py --data FOLDER [--only reviews digits ...] [--draws 1000]

The folder holds movie_reviews_*.csv, boxes_blood and speech_digits; messages come with zoo, digits with scikit-learn. A
small model learns from one part of each and answers the rest. These rows are then dealt a thousand times: one half
calibrates, as `zoo evaluate --calibrate` does, the other is held against the sets that come of it. What is promised is
the mean over such draws. The last column is one draw by the
commands themselves.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

ABSTAIN = (0.2, 0.1, 0.05)
BY_COMMANDS = 0.1
"""The share that is tried by the commands themselves, too."""
CELLS = 1_500
SIDE = 32


class Labelled(NamedTuple):
    """Rows to learn from and others, of a model that shall learn."""

    model: str
    column: str
    """Of the inputs."""
    train: list[tuple[str, str]]
    rest: list[tuple[str, str]]
    settings: dict[str, Any]


def _table(path: Path, inputs: str, label: str) -> list[tuple[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [(row[inputs], row[label]) for row in csv.DictReader(file)]


def _shuffled(rows: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return random.Random(0).sample(list(rows), len(rows))


def reviews(data: Path, folder: Path) -> Labelled:
    """Two classes; the body is asked once, a head learns."""
    train, rest = (_table(data / f"movie_reviews_{part}.csv", "text", "label") for part in ("train", "test"))
    return Labelled("all-minilm-l6-v2", "text", _shuffled(train)[:1_000], rest, {"method": "head"})


def messages(data: Path, folder: Path) -> Labelled:
    """Six classes of what customers write."""
    from importlib.resources import files

    place = Path(str(files("zoo"))) / "quickstart"
    rows = [
        row for part in ("train", "test") for row in _table(place / f"customer_messages_{part}.csv", "text", "label")
    ]
    rows = _shuffled(rows)
    return Labelled("all-minilm-l6-v2", "text", rows[:200], rows[200:], {"method": "head"})


def digits(data: Path, folder: Path) -> Labelled:
    """Ten classes, few of them learnt from."""
    from PIL import Image
    from sklearn.datasets import load_digits

    known = load_digits()
    rows = []
    for number, (pixels, label) in enumerate(zip(known.images, known.target, strict=True)):
        Image.fromarray((pixels * (255 / 16)).round().astype("uint8")).save(folder / f"{number}.png")
        rows.append((f"{number}.png", str(label)))
    rows = _shuffled(rows)
    return Labelled("resnet10-32px", "file_name", rows[:400], rows[400:], {"max_steps": 120})


def cells(data: Path, folder: Path) -> Labelled:
    """Three classes of unlike size: what stands in the boxes of pictures of blood."""
    from PIL import Image

    rows = []
    for number, path in enumerate(sorted((data / "boxes_blood" / "Annotations").glob("*.xml"))):
        with Image.open(data / "boxes_blood" / "JPEGImages" / f"{path.stem}.jpg") as image:
            for place, box in enumerate(ElementTree.parse(path).iter("object")):
                corners = [int(box.findtext(f"bndbox/{end}", "0")) for end in ("xmin", "ymin", "xmax", "ymax")]
                if corners[2] - corners[0] < 4 or corners[3] - corners[1] < 4:
                    continue
                name = f"{number}-{place}.png"
                image.crop(tuple(corners)).resize((SIDE, SIDE)).save(folder / name)
                rows.append((name, box.findtext("name", "")))
    rows = _shuffled(rows)
    return Labelled("resnet10-32px", "file_name", rows[:200], rows[200 : 200 + CELLS], {"max_steps": 40})


def sounds(data: Path, folder: Path) -> Labelled:
    """Ten classes: the word that is said, by five speakers."""
    place = data / "speech_digits"
    rows = [
        (str(place / name), word)
        for part in ("train", "test")
        for name, word in _table(place / f"{part}.csv", "file_name", "transcription")
    ]
    rows = _shuffled(rows)
    settings = {"task": "audio-classification", "max_steps": 200}
    return Labelled("wav2vec2-tiny", "file_name", rows[:600], rows[600:], settings)


DATA: dict[str, Callable[[Path, Path], Labelled]] = {
    "reviews": reviews,
    "messages": messages,
    "digits": digits,
    "cells": cells,
    "sounds": sounds,
}


def write(folder: Path, name: str, column: str, rows: Sequence[tuple[str, str]]) -> Path:
    """A table of inputs and labels, in the folder of the files that it names."""
    path = folder / f"{name}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([(column, "label"), *rows])
    return path


class Drawn(NamedTuple):
    """What came of a draw."""

    coverage: float
    labels: float
    """Left open, on average."""
    decided: float
    """Share of rows with one label left."""


def drawn(logs: Any, targets: Any, abstain: float, seed: int) -> Drawn:
    """Calibrate by one half of the rows, whose halves give the temperature and the bound; look at the other."""
    import numpy as np

    from zoo.metrics.calibration import fitted_temperature, log_tempered
    from zoo.runs.calibration import TIED, Calibration

    order = np.random.default_rng(seed).permutation(len(targets))
    half = len(order) // 2
    fitted, bounding, others = order[: half // 2], order[half // 2 : half], order[half:]
    temperature = fitted_temperature(logs[fitted], targets[fitted]) or 1.0
    shares = np.exp(log_tempered(logs, temperature))
    chances = np.sort(shares[bounding, targets[bounding]])[::-1]
    calibration = Calibration(
        temperature=temperature, fitted_rows=len(fitted), chances=tuple(chances.tolist()),
        ece_before=0, ece_after=0, data="", sha256="", weights="",
    )  # fmt: skip
    least = calibration.least_probability("model", abstain) * (1 - TIED)
    left = shares[others] >= least
    sizes = left.sum(axis=1)
    held = left[np.arange(len(others)), targets[others]]
    return Drawn(float(held.mean()), float(sizes.mean()), float((sizes == 1).mean()))


def measured(name: str, data: Path, folder: Path, draws: int) -> None:
    """Train, answer, deal and print."""
    import numpy as np

    import zoo

    known = DATA[name](data, folder)
    train = write(folder, "train", known.column, known.train)
    run = zoo.finetune(known.model, train, name=name, device="cpu", **known.settings).wait(progress=False)
    labels = list(run.snapshot.labels)
    rest = [row for row in known.rest if row[1] in labels]
    inputs = [text if known.column == "text" else str(folder / text) for text, _ in rest]
    answers = zoo.load(run.name, device="cpu", top_k=len(labels)).predict(inputs)
    logs = np.log([[max(answer.numbers()[label], 1e-38) for label in labels] for answer in answers])
    targets = np.array([labels.index(label) for _, label in rest])
    accuracy = float((logs.argmax(axis=1) == targets).mean())
    half = len(rest) // 2
    by_commands = commands(run.name, known.column, rest, folder)
    for abstain in ABSTAIN:
        results = [drawn(logs, targets, abstain, seed) for seed in range(draws)]
        coverage = np.array([one.coverage for one in results])
        low, high = np.quantile(coverage, (0.025, 0.975))
        print(
            f"| {name} | {len(labels)} | {accuracy:.3f} | {half:,} | {1 - abstain:.0%} | {coverage.mean():.4f} "
            f"({low:.3f} to {high:.3f}) | {np.mean([one.labels for one in results]):.2f} | "
            f"{np.mean([one.decided for one in results]):.3f} | {by_commands if abstain == BY_COMMANDS else ''} |",
            flush=True,
        )


def commands(name: str, column: str, rows: Sequence[tuple[str, str]], folder: Path) -> str:
    """How often the right label is left open where the commands calibrate by one half and judge by the other."""
    import zoo

    half = len(rows) // 2
    calibrating, others = (
        write(folder, part, column, some) for part, some in (("calibrating", rows[:half]), ("others", rows[half:]))
    )
    zoo.evaluate(name, calibrating, calibrate=True, device="cpu").wait(progress=False)
    judged = zoo.evaluate(name, others, abstain=BY_COMMANDS, device="cpu").wait(progress=False)
    interval = judged.intervals["label_coverage"]
    return f"{judged.metrics['label_coverage']:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--draws", type=int, default=1000)
    args = parser.parse_args()
    print(
        "| data | classes | accuracy | rows that calibrate | promised | held, mean of all draws (95% of them) "
        "| labels left | decided | by the commands (95%) |\n|---|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as home:
        os.environ["ZOO_HOME"] = home
        for name in args.only:
            with tempfile.TemporaryDirectory() as folder:
                measured(name, args.data.absolute(), Path(folder), args.draws)


if __name__ == "__main__":
    main()
