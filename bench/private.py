"""What differential privacy costs: movie reviews learnt privately, beside the same not privately.

    uv run bench/private.py --data FOLDER [--eps 8 2] [--rows 8566] [--seeds 3] [--lr 1e-3] [--epochs 10] [--quick]

The folder holds movie_reviews_{train,test}.csv (columns text and label). MiniLM with LoRA in both, lengths of up to 128
tokens, no rows held out: the weights of the last step are judged on the test file. Batches, steps and learning rates
are zoo's choice unless they are said, which holds for the private runs alone. Private runs differ from each other
whatever their seed, as their noise comes from a secret.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from train_joint import read_reviews, write_reviews

MODEL, LENGTH = "all-minilm-l6-v2", 128
OPEN = "not private"


def learn(train: str, test: str, settings: dict[str, Any]) -> tuple[float, float, float]:
    """Accuracy on the test file, seconds, and what was spent."""
    import zoo

    began = time.perf_counter()
    run = zoo.finetune(
        MODEL, train, task="text-classification", device="cpu", eval_share=0.0, max_tokens=LENGTH, **settings
    ).wait(progress=False)
    seconds = time.perf_counter() - began
    metrics = zoo.evaluate(run.name, test, device="cpu").wait(progress=False).metrics
    spent = run.snapshot.epsilon or 0.0
    run.remove()
    return metrics["accuracy"], seconds, spent


def main() -> None:
    """Measure, and print a line for each budget."""
    parser = argparse.ArgumentParser(description="Fine-tuning with and without differential privacy.")
    parser.add_argument("--data", type=Path, required=True, help="folder with movie_reviews_{train,test}.csv")
    parser.add_argument("--eps", type=float, nargs="+", default=[8.0])
    parser.add_argument("--rows", type=int, default=8566)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--clip", type=float, help="largest norm of the gradient of a row")
    parser.add_argument("--lr", type=float)
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--method", default="lora", choices=("lora", "head", "full"))
    parser.add_argument("--quick", action="store_true", help="a few steps of a few rows, one seed: does it work?")
    args = parser.parse_args()
    names = ("lr", "epochs", "batch_size")
    said = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    clip = f",clip={args.clip:g}" if args.clip else ""
    ways = {OPEN: {}} | {f"eps {eps:g}": {"private": f"eps={eps:g}{clip}", **said} for eps in args.eps}
    outcomes: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_HOME"] = f"{folder}/store"
        os.environ["HF_HUB_OFFLINE"] = "1"
        reviews = read_reviews(args.data / "movie_reviews_train.csv")[: 64 if args.quick else args.rows]
        judged = read_reviews(args.data / "movie_reviews_test.csv")[: 64 if args.quick else None]
        train = write_reviews(reviews, Path(folder) / "train.csv")
        test = write_reviews(judged, Path(folder) / "test.csv")
        for seed in range(1 if args.quick else args.seeds):
            for name in list(ways)[:: -1 if seed % 2 else 1]:
                few = {"max_steps": 3} if args.quick else {}
                outcomes[name].append(learn(train, test, {"method": args.method, "seed": seed, **ways[name], **few}))
                accuracy, seconds, spent = outcomes[name][-1]
                line = f"seed {seed}, {name}: accuracy {accuracy:.4f} in {seconds:.0f} s, eps {spent:.2f} spent"
                print(line, file=sys.stderr, flush=True)
    print(f"{MODEL}, {len(reviews):,} rows, --method {args.method}, private {said or 'as zoo chooses'}{clip}")
    usual = [accuracy for accuracy, _, _ in outcomes[OPEN]]
    for name, trials in outcomes.items():
        accuracies = [accuracy for accuracy, _, _ in trials]
        lost = 100 * statistics.mean(a - b for a, b in zip(accuracies, usual, strict=True))
        each = ", ".join(f"{accuracy:.4f}" for accuracy in accuracies)
        seconds = statistics.mean(seconds for _, seconds, _ in trials)
        print(f"{name:<12} accuracy {statistics.mean(accuracies):.4f} ({each})  {lost:+6.2f} points  {seconds:5.0f} s")


if __name__ == "__main__":
    main()
