"""Several tasks on one body beside each alone, and L_pre + L_fine beside one after the other; runs alternate.

    uv run bench/train_joint.py tasks --data FOLDER [--seeds 3] [--mixing turns|together] [--sampling ...] [--quick]
    uv run bench/train_joint.py texts --data FOLDER [--labelled 200] [--pretraining-steps 300] [--seeds 3] [--quick]

The folder holds movie_reviews_{train,test}.csv (columns text and label) and entities_wnut17/{train,test}.conll. MiniLM,
batches, lengths and numbers of steps as zoo chooses them, one learning rate for all, no rows held out: the weights of
the last step are judged on the test files. `tasks` learns from 2,000 reviews and all sentences with names, jointly and
apart; the time is that of the steps, starting up and writing apart. `texts` learns from a few labelled reviews and the
texts of others: fine-tuning alone, after pretraining on the texts, and both as one sum, in as many steps as both take
one after the other. Of names that have several tags
in the test part the first counts; F1 is that of whole spans as zoo answers.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from train_entities import read_conll, write_conll

MODEL, LENGTH = "all-minilm-l6-v2", 128
PRIMARY = {"sentiment": "accuracy", "entities": "span_f1"}
Way = Callable[[int], "Trial"]
"""From a seed to what came out."""


class Trial(NamedTuple):
    """What came of one way to learn."""

    figures: dict[str, float]
    """The primary metric on the test file, by source."""
    seconds: float
    """That the steps took."""
    steps: int


class Files(NamedTuple):
    """What is learnt from and judged on, below a temporary folder."""

    train: dict[str, str]
    test: dict[str, str]


def write_reviews(records: list[dict[str, str]], path: Path) -> str:
    """A file of reviews and their labels."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ("text", "label"), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(records)
    return str(path)


def read_reviews(path: Path) -> list[dict[str, str]]:
    """The rows of such a file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def make_files(data: Path, root: Path, rows: int, judged_rows: int | None) -> Files:
    """Reviews and sentences, the first of each file."""
    reviews = {part: read_reviews(data / f"movie_reviews_{part}.csv") for part in ("train", "test")}
    sentences = {part: read_conll(data / "entities_wnut17" / f"{part}.conll") for part in ("train", "test")}
    counts = {"train": (rows, judged_rows and rows), "test": (judged_rows, judged_rows)}
    paths: dict[str, dict[str, str]] = {}
    for part, (of_reviews, of_sentences) in counts.items():
        names = root / f"entities_{part}.conll"
        write_conll(sentences[part][:of_sentences], names)
        sentiment = write_reviews(reviews[part][:of_reviews], root / f"reviews_{part}.csv")
        paths[part] = {"sentiment": sentiment, "entities": str(names)}
    return Files(paths["train"], paths["test"])


def steps_of(run: Any) -> tuple[float, int]:
    """Seconds from the first step to the last, for all steps, and how many there were."""
    from zoo.runs.events import StepCompleted

    events = [event for event in run.events() if isinstance(event, StepCompleted)]
    first, last = events[0], events[-1]
    return (last.at - first.at) * last.step / (last.step - first.step), last.step


def accuracy_of(model: str, path: str, source: str) -> float:
    """The primary metric of a model on a test file."""
    import zoo

    return zoo.evaluate(model, path, device="cpu").wait(progress=False).metrics[PRIMARY[source]]


def learn(sources: dict[str, str], files: Files, seed: int, model: str = MODEL, **options: Any) -> Trial:
    """Learn from one source or several, and judge each that can be; `options` are those of the run."""
    import zoo

    settings = {"eval_share": 0.0, "max_tokens": LENGTH, "device": "cpu", "seed": seed, **options}
    if len(sources) == 1:
        (path,) = sources.values()
        run = zoo.finetune(model, path, **settings).wait(progress=False)
    else:
        run = zoo.finetune(model, sources=sources, **settings).wait(progress=False)
    heads = {name: run.name if len(sources) == 1 else f"{run.name}.{name}" for name in sources if name in PRIMARY}
    figures = {name: accuracy_of(head, files.test[name], name) for name, head in heads.items()}
    trial = Trial(figures, *steps_of(run))
    run.remove()
    return trial


def ways_of_tasks(files: Files, options: dict[str, Any], mixing: dict[str, Any]) -> dict[str, Way]:
    """Both tasks on one body, and each alone."""
    return {
        "jointly": lambda seed: learn(files.train, files, seed, **options, **mixing),
        "sentiment alone": lambda seed: learn(
            {"sentiment": files.train["sentiment"]}, files, seed, task="text-classification", **options
        ),
        "entities alone": lambda seed: learn({"entities": files.train["entities"]}, files, seed, **options),
    }


def ways_of_texts(
    labelled: str, texts: str, files: Files, options: dict[str, Any], mixing: dict[str, Any], pretraining_steps: int
) -> dict[str, Way]:
    """Fine-tuning alone, after pretraining, and both as one sum."""
    steps_alone = 0

    def alone(seed: int) -> Trial:
        nonlocal steps_alone
        trial = learn({"sentiment": labelled}, files, seed, task="text-classification", **options)
        steps_alone = trial.steps
        return trial

    def pretrained_first(seed: int) -> Trial:
        import zoo

        settings = {"eval_share": 0.0, "max_tokens": LENGTH, "device": "cpu", "seed": seed, **options}
        first = zoo.pretrain(MODEL, texts, **settings, max_steps=pretraining_steps).wait(progress=False)
        second = learn({"sentiment": labelled}, files, seed, first.name, task="text-classification", **options)
        seconds, steps = steps_of(first)
        first.remove()
        return Trial(second.figures, second.seconds + seconds, second.steps + steps)

    def jointly(seed: int) -> Trial:
        sources = {"sentiment": labelled, "texts": texts}
        return learn(sources, files, seed, **options, **mixing, max_steps=pretraining_steps + steps_alone)

    return {
        "fine-tuning alone": alone,
        "pretraining first": pretrained_first,
        "L_pre + L_fine": jointly,
    }


def measure(ways: dict[str, Way], seeds: int) -> dict[str, list[Trial]]:
    """Every way with every seed; every other seed in the reverse order."""
    trials: dict[str, list[Trial]] = {name: [] for name in ways}
    for seed in range(seeds):
        for name in list(ways)[:: -1 if seed % 2 else 1]:
            trial = ways[name](seed)
            trials[name].append(trial)
            figures = ", ".join(f"{source} {figure:.4f}" for source, figure in trial.figures.items())
            print(f"seed {seed}: {name}: {figures}, {trial.seconds:.1f} s", file=sys.stderr, flush=True)
    return trials


def print_table(trials: dict[str, list[Trial]]) -> None:
    """A line for each way: mean and spread of its figures, steps, median of the seconds."""
    sources = list(dict.fromkeys(source for of_way in trials.values() for source in of_way[0].figures))
    print(f"{'':<20}" + "".join(f"{f'{source}, {PRIMARY[source]}':>30}" for source in sources) + "   steps  seconds")
    for name, of_way in trials.items():
        cells = []
        for source in sources:
            figures = [trial.figures[source] for trial in of_way if source in trial.figures]
            spread = f" ({min(figures):.4f} to {max(figures):.4f})" if len(figures) > 1 else ""
            cells.append(f"{statistics.mean(figures):.4f}{spread}" if figures else "")
        seconds = statistics.median(trial.seconds for trial in of_way)
        print(f"{name:<20}" + "".join(f"{cell:>30}" for cell in cells) + f"{of_way[0].steps:8,} {seconds:8.1f}")


def print_verdict(trials: dict[str, list[Trial]]) -> None:
    """What the joint run gained or lost, seed by seed, and how much of the time of both it took."""
    for source, metric in PRIMARY.items():
        pairs = zip(trials["jointly"], trials[f"{source} alone"], strict=True)
        differences = [100 * (joint.figures[source] - alone.figures[source]) for joint, alone in pairs]
        each = ", ".join(f"{one:+.2f}" for one in differences)
        mean = statistics.mean(differences)
        verdict = "met" if mean >= -1 else "not met"
        print(f"{source}: {mean:+.2f} points of {metric} ({each}); no more than 1 lost: {verdict}")
    both = zip(trials["sentiment alone"], trials["entities alone"], strict=True)
    ratios = [
        joint.seconds / (one.seconds + two.seconds) for joint, (one, two) in zip(trials["jointly"], both, strict=True)
    ]
    ratio = statistics.median(ratios)
    verdict = "met" if ratio <= 0.8 else "not met"
    each = ", ".join(f"{one:.2f}" for one in ratios)
    print(f"time of the joint run: {ratio:.2f} of that of both ({each}); at most 0.8: {verdict}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Several sources on one body.")
    parser.add_argument("what", choices=("tasks", "texts"))
    parser.add_argument("--data", type=Path, required=True, help="folder with movie_reviews_*.csv and entities_wnut17")
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--labelled", type=int, default=200, help="rows with a label, of `texts`")
    parser.add_argument("--unlabelled", type=int, default=4000, help="rows without, of `texts`")
    parser.add_argument("--pretraining-steps", type=int, default=300, help="of `texts`")
    parser.add_argument("--mixing", choices=("turns", "together"), default="turns")
    parser.add_argument("--sampling", choices=("temperature", "proportional", "equal", "annealed"))
    parser.add_argument("--quick", action="store_true", help="a few steps of a few rows, one seed: does it work?")
    args = parser.parse_args()
    options: dict[str, Any] = {"lr": args.lr} | ({"epochs": 0.1} if args.quick else {})
    mixing = {"mixing": args.mixing} | ({"sampling": args.sampling} if args.sampling else {})
    rows, unlabelled = (64, 64) if args.quick else (2_000, args.unlabelled)
    labelled = min(args.labelled, rows // 2) if args.quick else args.labelled
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["ZOO_HOME"] = f"{root}/store"
        os.environ["HF_HUB_OFFLINE"] = "1"
        files = make_files(args.data, root, rows, 64 if args.quick else None)
        if args.what == "tasks":
            ways = ways_of_tasks(files, options, mixing)
        else:
            reviews = read_reviews(args.data / "movie_reviews_train.csv")
            few = write_reviews(reviews[:labelled], root / "labelled.csv")
            texts = root / "texts.txt"
            others = (" ".join(row["text"].split()) for row in reviews[labelled : labelled + unlabelled])
            texts.write_text("".join(f"{text}\n" for text in others), encoding="utf-8")
            steps = 3 if args.quick else args.pretraining_steps
            ways = ways_of_texts(few, str(texts), files, options, mixing, steps)
        trials = measure(ways, 1 if args.quick else args.seeds)
    said = ", ".join(f"{name} {value}" for name, value in mixing.items())
    print(f"{MODEL}, learning rate {args.lr:g}, {said}, {len(next(iter(trials.values())))} seeds")
    print_table(trials)
    if args.what == "tasks" and not args.quick:
        print_verdict(trials)


if __name__ == "__main__":
    main()
