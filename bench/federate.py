"""What federating costs: movie reviews split unevenly among clients, beside all in one place and each client alone.

    uv run bench/federate.py --data FOLDER [--clients 10] [--alpha 0.5] [--rounds 6] [--seeds 3] [--quick]

The folder holds movie_reviews_{train,test}.csv (columns text and label). Each label is divided among the clients by a
draw from a Dirichlet distribution (Hsu et al. 2019), which makes them differ in labels and in size; no client has fewer
than ten rows. The model trains in rounds (FedAvg, or FedProx with --mu), in one place for as many examples, and on the
rows of each client alone; no rows are held out, the weights of the last step are judged on the test file. Alone is the
mean over the clients, weighted by rows.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from distil import accuracy
from train_joint import read_reviews, write_reviews

LENGTH, FEWEST = 128, 10
Reviews = list[dict[str, str]]


def divided(reviews: Reviews, clients: int, alpha: float, seed: int) -> list[Reviews]:
    """The reviews of each client."""
    draw = random.Random(seed)
    while True:
        parts: list[Reviews] = [[] for _ in range(clients)]
        for label in sorted({review["label"] for review in reviews}):
            of_label = [review for review in reviews if review["label"] == label]
            draw.shuffle(of_label)
            shares = [draw.gammavariate(alpha, 1.0) for _ in range(clients)]
            ends = [round(len(of_label) * sum(shares[: i + 1]) / sum(shares)) for i in range(clients)]
            for part, begin, end in zip(parts, [0, *ends], ends, strict=False):
                part.extend(of_label[begin:end])
        if min(map(len, parts)) >= FEWEST:
            return parts


def trial(args: argparse.Namespace, reviews: Reviews, test: str, root: Path, seed: int) -> dict[str, float]:
    """The accuracy of each way to learn, for one seed."""
    import zoo

    folder = root / f"clients-{seed}"
    folder.mkdir()
    parts = divided(reviews, args.clients, args.alpha, seed)
    files = [write_reviews(part, folder / f"client-{i:02}.csv") for i, part in enumerate(parts)]
    shares = [
        f"{len(part)} ({sum(one['label'] == reviews[0]['label'] for one in part) / len(part):.0%})" for part in parts
    ]
    print(f"seed {seed}: rows, and share of one label: {', '.join(shares)}", file=sys.stderr, flush=True)
    common: dict[str, Any] = {"device": "cpu", "eval_share": 0.0, "max_tokens": LENGTH, "seed": seed, "lr": args.lr}
    common |= {"task": "text-classification", "method": args.method}
    rounds: dict[str, Any] = {"rounds": args.rounds, "local_epochs": args.local_epochs, "share": args.share}
    if args.mu:
        rounds |= {"strategy": "fedprox", "mu": args.mu}
    figures: dict[str, float] = {}
    run = zoo.federate(args.model, folder, **rounds, **common).wait(progress=False)
    plan = run.snapshot.plan
    figures["federated"] = accuracy(run.name, test)
    run.remove()
    whole = write_reviews([review for part in parts for review in part], root / f"all-{seed}.csv")
    central = zoo.finetune(args.model, whole, epochs=plan.epochs, **common).wait(progress=False)
    figures["all in one place"] = accuracy(central.name, test)
    central.remove()
    if not args.no_alone:
        alone = []
        for part, file, planned in zip(parts, files, plan.sources, strict=True):
            if len({review["label"] for review in part}) < 2:  # it would say the same of everything
                alone.append((len(part), 0.5))
                continue
            one = zoo.finetune(args.model, file, epochs=planned.epochs, **common).wait(progress=False)
            alone.append((len(part), accuracy(one.name, test)))
            one.remove()
        figures["each alone"] = sum(rows * figure for rows, figure in alone) / sum(rows for rows, _ in alone)
    said = ", ".join(f"{name} {figure:.4f}" for name, figure in figures.items())
    print(f"seed {seed}: {said}", file=sys.stderr, flush=True)
    return figures


def print_table(trials: list[dict[str, float]]) -> None:
    """A line for each way: mean, each seed, points against all in one place."""
    for name in trials[0]:
        figures = [one[name] for one in trials]
        points = [100 * (one[name] - one["all in one place"]) for one in trials]
        each = ", ".join(f"{figure:.4f}" for figure in figures)
        spread = f"({min(points):+.2f} to {max(points):+.2f})"
        print(f"{name:<18} accuracy {statistics.mean(figures):.4f} ({each})  {statistics.mean(points):+6.2f} {spread}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Federated training beside training in one place.")
    parser.add_argument("--data", type=Path, required=True, help="folder with movie_reviews_{train,test}.csv")
    parser.add_argument("--model", default="all-minilm-l6-v2")
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--alpha", type=float, default=0.5, help="of the Dirichlet distribution: less is more uneven")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--local-epochs", type=float, default=0.5)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--mu", type=float, default=0.0, help="FedProx with this; 0 for FedAvg")
    parser.add_argument("--method", default="full")
    parser.add_argument("--lr", type=float, default=None)
    parser.add_argument("--rows", type=int, default=None, help="of the training file; all by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--no-alone", action="store_true", help="leave out what takes longest and says least")
    parser.add_argument("--quick", action="store_true", help="a few rows, one round, one seed: does it work?")
    args = parser.parse_args()
    if args.quick:
        args.rows, args.rounds, args.seeds, args.clients = 120, 1, 1, 3
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_HOME"] = f"{folder}/store"
        os.environ["HF_HUB_OFFLINE"] = "1"
        root = Path(folder)
        reviews = read_reviews(args.data / "movie_reviews_train.csv")[: args.rows]
        judged = read_reviews(args.data / "movie_reviews_test.csv")[: 100 if args.quick else None]
        test = write_reviews(judged, root / "test.csv")
        trials = [trial(args, reviews, test, root, seed) for seed in range(args.seeds)]
    print(
        f"{args.model}, {len(reviews):,} rows, {args.clients} clients, alpha {args.alpha:g}, {args.rounds} rounds of "
        f"{args.local_epochs:g} local epochs, share {args.share:g}, mu {args.mu:g}, method {args.method}"
    )
    print_table(trials)


if __name__ == "__main__":
    main()
