"""Fine-tune MiniLM: zoo beside transformers' Trainer, in paired processes, alternating.

    uv run bench/train_text.py [--data FILE.csv] [--rows 2000] [--steps 189] [--rounds 3]

The same rows, batch of 32, at most 128 tokens, AdamW, linear schedule with warm-up, learning rate 1e-4; zoo at fp32 and
at its default precision, Trainer as shipped, for three epochs; then the head alone on a frozen body, where the time is
that of all of it, from the plan to the end. The ceiling is that of predict_text.py, measured before each run of ours.
Samples a second are those of the steps after the first five; starting up is counted on its own line: seconds from the
start of the process to the end of the first step. A file of fewer rows is repeated, which suits zoo: the fewer word
pieces occur, the less it does. Checked in the same run: the loss of the last steps.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

from predict_text import ceiling, flop_of

DATA = str(files("zoo") / "quickstart" / "customer_messages_train.csv")
TEST = str(files("zoo") / "quickstart" / "customer_messages_test.csv")
BATCH, LENGTH, LR, WARM = 32, 128, 1e-4, 5
EPOCHS, HEAD_LR = 3, 2e-3
PEER = str(Path(__file__).with_name("trainer_peer.py"))


def subset(path: str, rows: int, target: Path) -> str:
    """The first rows of a file, from its beginning again where there are fewer."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ("text", "label"), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(records[i % len(records)] for i in range(rows))
    return str(target)


def trainer(data: str, steps: int) -> tuple[float, float, float]:
    """Trainer's steps/s, seconds to the first one, loss at the end."""
    began = time.time()
    report = trainer_report(data, steps, LR)
    return figures(report["times"], report["losses"], began)


def trainer_report(
    data: str,
    steps: int,
    lr: float,
    *,
    frozen: bool = False,
    seed: int = 42,
    test: str = "",
    place: tuple[str, str] = ("cpu", "fp32"),
) -> dict[str, Any]:
    """What the peer prints; the place is a device and a precision."""
    from zoo.catalog import Catalog
    from zoo.fetch import locate

    weights = Catalog.load().resolve("all-minilm-l6-v2").weights
    assert weights is not None
    folder = locate(weights)
    with tempfile.TemporaryDirectory() as out:
        numbers = map(str, (steps, BATCH, LENGTH, lr, int(frozen), seed))
        command = [sys.executable, "-W", "ignore", PEER, str(folder), data, out, test, *numbers, *place]
        done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def ours(data: str, steps: int, precision: str) -> tuple[float, float, float]:
    """The same of zoo, from the events of the run."""
    import zoo
    from zoo.runs.events import StepCompleted

    began = time.time()
    options = {"max_steps": steps, "batch_size": BATCH, "max_tokens": LENGTH, "lr": LR, "eval_share": 0.0}
    run = zoo.finetune("all-minilm-l6-v2", data, device="cpu", precision=precision, **options).wait(progress=False)
    events = [event for event in run.events() if isinstance(event, StepCompleted)]
    first, last = events[0], events[-1]
    warm = next(event for event in events if event.step >= WARM)
    rate = (last.step - warm.step) / (last.at - warm.at)
    run.remove()
    return rate, first.at - began, last.loss


def ours_head(data: str, rows: int) -> tuple[float, float]:
    """Samples/s and loss of three epochs of the head, exporting included."""
    import zoo
    from zoo.runs.events import RunFinished, RunPlanned, StepCompleted

    options = {"epochs": EPOCHS, "batch_size": BATCH, "max_tokens": LENGTH, "lr": HEAD_LR, "eval_share": 0.0}
    run = zoo.finetune("all-minilm-l6-v2", data, device="cpu", method="head", **options).wait(progress=False)
    events = list(run.events())
    began, ended = (next(e for e in events if isinstance(e, kind)).at for kind in (RunPlanned, RunFinished))
    loss = next(event for event in reversed(events) if isinstance(event, StepCompleted)).loss
    run.remove()
    return EPOCHS * rows / (ended - began), loss


def trainer_head(data: str, rows: int) -> tuple[float, float]:
    """The same of Trainer with a frozen body: the time of all its steps."""
    steps = EPOCHS * -(-rows // BATCH)
    report = trainer_report(data, steps, HEAD_LR, frozen=True)
    return EPOCHS * rows / (report["times"][-1] - report["began"]), statistics.mean(report["losses"][-5:])


def accuracies(data: str, test: str, rows: int, seeds: int) -> tuple[list[float], list[float]]:
    """Accuracy on other rows after three epochs, for several seeds: the peer's, and zoo's at its default precision."""
    import zoo

    theirs, ours = [], []
    for seed in range(seeds):
        steps = EPOCHS * -(-rows // BATCH)
        theirs.append(trainer_report(data, steps, LR, seed=seed, test=test)["accuracy"])
        options = {"epochs": EPOCHS, "batch_size": BATCH, "max_tokens": LENGTH, "lr": LR, "eval_share": 0.0}
        run = zoo.finetune("all-minilm-l6-v2", data, device="cpu", seed=seed, **options).wait(progress=False)
        ours.append(zoo.evaluate(run.name, test, device="cpu").wait(progress=False).metrics["accuracy"])
    return theirs, ours


def flop_of_a_sample(data: str) -> float:
    """Operations that a forward and a backward pass over the true tokens need, the mean of all rows."""
    from tokenizers import Tokenizer

    from zoo.catalog import Catalog
    from zoo.fetch import locate

    weights = Catalog.load().resolve("all-minilm-l6-v2").weights
    assert weights is not None
    folder = locate(weights)
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(LENGTH)
    with Path(data).open(newline="", encoding="utf-8") as file:
        lengths = [len(one.ids) for one in tokenizer.encode_batch([row["text"] for row in csv.DictReader(file)])]
    return 3 * flop_of(lengths) / len(lengths)


def figures(times: list[float], losses: list[float], began: float) -> tuple[float, float, float]:
    """Steps/s after the first ones, seconds to the first, mean loss of the last."""
    rate = (len(times) - WARM) / (times[-1] - times[WARM - 1])
    return rate, times[0] - began, statistics.mean(losses[-5:])


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Fine-tuning beside transformers' Trainer.")
    parser.add_argument("--data", default=DATA, help="CSV with columns `text` and `label`")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--steps", type=int, help="by default three epochs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--head", action="store_true", help="also the head alone on a frozen body")
    parser.add_argument("--seeds", type=int, default=0, help="also the accuracy of so many trainings of three epochs")
    parser.add_argument("--test", default=TEST, help="CSV that it is measured on")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        os.environ["ZOO_HOME"] = f"{root}/store"
        os.environ["HF_HUB_OFFLINE"] = "1"
        data = subset(args.data, args.rows, Path(root) / "rows.csv")
        flop = flop_of_a_sample(data)
        args.steps = args.steps or EPOCHS * -(-args.rows // BATCH)
        ways = {
            "Trainer, as shipped": lambda: trainer(data, args.steps),
            "zoo, fp32": lambda: ours(data, args.steps, "fp32"),
            "zoo, default precision": lambda: ours(data, args.steps, "auto"),
        }
        measured: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
        rates: dict[str, list[float]] = {"zoo, fp32": [], "zoo, default precision": []}
        for _ in range(args.rounds):
            for name, work in ways.items():
                if name in rates:
                    rates[name].append(ceiling("fp32" if "fp32" in name else "bf16"))
                measured[name].append(work())
        judged = accuracies(data, args.test, args.rows, args.seeds)
        heads = [
            (trainer_head(data, args.rows), ours_head(data, args.rows)) for _ in range(args.rounds if args.head else 0)
        ]
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in measured.items()
    }
    rate, first, _ = medians["Trainer, as shipped"]
    samples = args.rows / -(-args.rows // BATCH)  # of a step, the last of an epoch being smaller
    print(f"{args.rows:,} rows, {args.steps} steps of {BATCH}, {args.rounds} rounds")
    for name, (ours_rate, ours_first, loss) in medians.items():
        speed = samples * ours_rate
        share = f"   {flop * speed / statistics.median(rates[name]):.0%} of the ceiling" if name in rates else ""
        print(
            f"{name:<24} {speed:6.1f} samples/s {ours_rate / rate:5.2f}x   first step after {ours_first:5.1f} s "
            f"({ours_first / first:4.2f}x)   loss {loss:.4f}{share}"
        )
    for name, accuracies_of_seeds in zip(("Trainer, three epochs", "zoo, three epochs"), judged, strict=True):
        if accuracies_of_seeds:
            each = ", ".join(f"{one:.4f}" for one in accuracies_of_seeds)
            print(f"{name:<24} accuracy {statistics.mean(accuracies_of_seeds):.4f} (mean of {each})")
    for column, name in enumerate(("Trainer, frozen body", "zoo, --method head") if heads else ()):
        rate, loss = (statistics.median(pair[column][i] for pair in heads) for i in range(2))
        ratio = rate / statistics.median(pair[0][0] for pair in heads)
        print(f"{name:<24} {rate:6.1f} samples/s {ratio:5.2f}x   loss {loss:.4f}")


if __name__ == "__main__":
    main()
