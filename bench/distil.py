"""What a small model gains from a teacher: bert-mini taught by a fine-tuned MiniLM, beside bert-mini on the same rows.

    uv run bench/distil.py --data FOLDER [--rows 2000] [--unlabelled 6000] [--seeds 3] [--quick]

The folder holds movie_reviews_{train,test}.csv (columns text and label). bert-mini starts from random numbers on both
sides, as its published weights are in no package; so the teacher stands for what pretraining would have brought, too.
The teacher is MiniLM, fine-tuned on the same rows. A pupil learns from the rows' labels and the teacher's answers, and
in a further line also from the texts of other reviews, of which it knows the teacher's answers alone; the last of these
takes more steps. Steps, batches and learning rates are zoo's choice, no rows are held out, the weights of the last step
are judged on the test file.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from train_joint import read_reviews, write_reviews

TEACHER, PUPIL, LENGTH = "all-minilm-l6-v2", "bert-mini", 128


class Files:
    """What is learnt from and judged on.

    Args:
        data: folder of the reviews.
        root: for files of some of their rows.
        rows: with a label.
        unlabelled: without.
        judged: of the test file; None for all.
    """

    def __init__(self, data: Path, root: Path, rows: int, unlabelled: int, judged: int | None) -> None:
        reviews = read_reviews(data / "movie_reviews_train.csv")
        self.rows = write_reviews(reviews[:rows], root / "rows.csv")
        self.test = write_reviews(read_reviews(data / "movie_reviews_test.csv")[:judged], root / "test.csv")
        texts = root / "texts.txt"
        others = (" ".join(review["text"].split()) for review in reviews[rows : rows + unlabelled])
        texts.write_text("".join(f"{text}\n" for text in others), encoding="utf-8")
        self.texts = str(texts)


def accuracy(model: str, test: str) -> float:
    """On the test file."""
    import zoo

    return zoo.evaluate(model, test, device="cpu").wait(progress=False).metrics["accuracy"]


def learn(files: Files, model: str, settings: dict[str, Any]) -> Any:
    """A run on the labelled rows; settings with sources say on what else."""
    import zoo

    data = () if "sources" in settings else (files.rows,)
    return zoo.finetune(model, *data, device="cpu", eval_share=0.0, max_tokens=LENGTH, **settings).wait(progress=False)


def trial(files: Files, seed: int, steps: dict[str, int], teaching: dict[str, Any]) -> dict[str, float]:
    """The accuracy of each way to learn, for one seed; every other seed in the reverse order."""
    import zoo

    teacher = learn(files, TEACHER, {"seed": seed, "task": "text-classification", **steps})
    common = {"seed": seed, **steps}
    task = {"task": "text-classification"}
    sources = {
        "rows": zoo.Source(data=files.rows, task="text-classification", teacher=teacher.name),
        "texts": zoo.Source(data=files.texts, teacher=teacher.name),
    }
    ways: dict[str, dict[str, Any]] = {
        "labels alone": {**common, **task},
        "labels and teacher": {**common, **teaching, "teacher": teacher.name},
        "and more texts": {**common, **teaching, "sources": sources},
    }
    figures = {f"teacher ({TEACHER})": accuracy(teacher.name, files.test)}
    for name in list(ways)[:: -1 if seed % 2 else 1]:
        run = learn(files, PUPIL, ways[name])
        figures[name] = accuracy(run.name + (".rows" if "sources" in ways[name] else ""), files.test)
        run.remove()
    said = ", ".join(f"{name} {figure:.4f}" for name, figure in figures.items())
    print(f"seed {seed}: {said}", file=sys.stderr, flush=True)
    return {name: figures[name] for name in (f"teacher ({TEACHER})", *ways)}


def print_table(trials: list[dict[str, float]]) -> None:
    """A line for each way: mean, each seed, points gained over labels alone."""
    for name in trials[0]:
        figures = [one[name] for one in trials]
        gained = statistics.mean(100 * (one[name] - one["labels alone"]) for one in trials)
        each = ", ".join(f"{figure:.4f}" for figure in figures)
        print(f"{name:<28} accuracy {statistics.mean(figures):.4f} ({each})  {gained:+6.2f} points")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Distillation of a classifier into a small one.")
    parser.add_argument("--data", type=Path, required=True, help="folder with movie_reviews_{train,test}.csv")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--unlabelled", type=int, default=6000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--share", type=float, default=0.5, help="of the teacher's answers in the loss")
    parser.add_argument("--temperature", type=float, default=2.0)
    parser.add_argument("--quick", action="store_true", help="a few steps of a few rows, one seed: does it work?")
    args = parser.parse_args()
    teaching = {"teacher_share": args.share, "teacher_temperature": args.temperature}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_HOME"] = f"{folder}/store"
        os.environ["HF_HUB_OFFLINE"] = "1"
        sizes = (64, 64, 64) if args.quick else (args.rows, args.unlabelled, None)
        files = Files(args.data, Path(folder), *sizes)
        steps = {"max_steps": 3} if args.quick else {}
        trials = [trial(files, seed, steps, teaching) for seed in range(1 if args.quick else args.seeds)]
    print(f"{PUPIL} from random numbers, {sizes[0]:,} rows, share {args.share:g}, temperature {args.temperature:g}")
    print_table(trials)


if __name__ == "__main__":
    main()
