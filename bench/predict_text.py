"""Classify texts with MiniLM: zoo beside transformers' own pipeline, alternating in one process.

    uv run bench/predict_text.py [--data FILE.csv] [--rows 2000] [--rounds 5]

Both read the same fine-tuned weights (trained for a few steps first, in a store of its own), and both have memory that
the allocator keeps, as in zoo's own processes. Checked in the same run: probabilities of the two agree to 1e-4 in
fp32, labels of bf16 agree with those of fp32. The ceiling is this machine's rate of matrix multiplication, measured for
a second right before each run of ours, and a median like all else; the share of it counts the multiplications of the
model on true tokens only, without padding.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

DATA = str(files("zoo") / "quickstart" / "customer_messages_train.csv")
TEST = str(files("zoo") / "quickstart" / "customer_messages_test.csv")
STEPS = 60
WIDTH, FEED_FORWARD, LAYERS = 384, 1536, 6
"""Of all-MiniLM-L6-v2."""


def texts_of(path: str, rows: int) -> list[str]:
    """The first texts of a file, from its beginning again where there are fewer."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    return [texts[i % len(texts)] for i in range(rows)]


def fine_tuned(data: str) -> Path:
    """A classifier, trained for a moment."""
    import zoo

    return (
        zoo.finetune("all-minilm-l6-v2", data, device="cpu", max_steps=STEPS, name="bench").wait().folder.model_folder
    )


def ceiling(precision: str) -> float:
    """Multiply-adds this machine does in a second, times two (FLOP/s), on matrices as large as a batch of the model.

    Kept up for a second, by the fastest of what torch has: its own choice of a library, or oneDNN with one of the
    matrices laid out beforehand. In fp32 its own choice is MKL, which uses half of the vector width of processors that
    are not Intel's.
    """
    import torch

    from zoo.training.packed_linear import LinearFactory
    from zoo.training.precisions import DTYPES

    a, b, bias = (
        torch.randn(shape, dtype=DTYPES[precision]) for shape in ((2048, WIDTH), (FEED_FORWARD, WIDTH), FEED_FORWARD)
    )
    laid_out = LinearFactory(torch.device("cpu"), precision)(b, bias)
    times: tuple[list[float], list[float]] = [], []
    ends = time.perf_counter() + 1
    with torch.inference_mode():
        while time.perf_counter() < ends:
            for product, spent in zip((laid_out, lambda a: torch.nn.functional.linear(a, b, bias)), times, strict=True):
                started = time.perf_counter()
                for _ in range(5):
                    product(a)
                spent.append((time.perf_counter() - started) / 5)
    return 2 * 2048 * WIDTH * FEED_FORWARD / min(map(statistics.median, times))


def flop_of(lengths: list[int]) -> float:
    """Needed to classify texts of these numbers of tokens: the last layer only has to compute the first vector."""
    key_value, rest = 2 * 2 * WIDTH * WIDTH, 2 * (2 * WIDTH * WIDTH + 2 * WIDTH * FEED_FORWARD)
    attention = [2 * 2 * n * WIDTH for n in lengths]  # of one query
    whole = sum((key_value + rest + a) * n for n, a in zip(lengths, attention, strict=True))
    last = sum(key_value * n + rest + a for n, a in zip(lengths, attention, strict=True))
    return (LAYERS - 1) * whole + last


def main() -> None:
    """Measure, check, print."""
    parser = argparse.ArgumentParser(description="Text classification beside transformers' pipeline.")
    parser.add_argument("--data", default=DATA, help="CSV with a column `text` and one `label`")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--test", default=TEST, help="CSV that the accuracy in each precision is measured on")
    args = parser.parse_args()
    texts = texts_of(args.data, args.rows)
    with tempfile.TemporaryDirectory() as store:
        os.environ["ZOO_HOME"] = store
        os.environ["HF_HUB_OFFLINE"] = "1"
        folder = fine_tuned(args.data)
        compare(folder, texts, args.rounds)
        accuracies(args.test)


def compare(folder: Path, texts: list[str], rounds: int) -> None:
    """Alternate, and hold the answers against each other."""
    import transformers

    import zoo
    from zoo.allocator import keep_freed_memory

    keep_freed_memory()
    transformers.logging.set_verbosity_error()
    pipe = transformers.pipeline("text-classification", model=str(folder), device="cpu", batch_size=32, top_k=None)
    fp32, bf16, int8 = (zoo.load("bench", device="cpu", precision=p) for p in ("fp32", "bf16", "int8"))
    ours: dict[str, Callable[[], object]] = {
        "pipeline, fp32, batch 32": lambda: pipe(texts),
        "zoo, fp32": lambda: fp32.predict(texts),
        "zoo, bf16": lambda: bf16.predict(texts),
        "zoo, int8": lambda: int8.predict(texts),
    }
    times: dict[str, list[float]] = {name: [] for name in ours}
    answers = {}
    rates: dict[str, list[float]] = {"fp32": [], "bf16": []}
    for name, work in ours.items():
        answers[name] = work()
    for _ in range(rounds):
        for name, work in ours.items():
            precision = name.removeprefix("zoo, ")
            if precision in rates:
                rates[precision].append(ceiling(precision))
            started = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - started)
    limits = {f"zoo, {precision}": statistics.median(speeds) for precision, speeds in rates.items()}
    limits["pipeline, fp32, batch 32"] = limits["zoo, fp32"]
    lengths = [len(ids) for ids in pipe.tokenizer(texts, truncation=True)["input_ids"]]
    flop = flop_of(lengths)
    base = statistics.median(times["pipeline, fp32, batch 32"])
    print(f"{len(texts):,} texts of {statistics.mean(lengths):.1f} tokens on average, {rounds} rounds")
    for name, values in times.items():
        median = statistics.median(values)
        share = f"{flop / median / limits[name]:5.1%} of the ceiling" if name in limits else ""
        print(f"{name:<26} {len(texts) / median:7.0f} texts/s   {base / median:5.2f}x   {share}")
    one_by_one(
        {"pipeline": pipe, "zoo, fp32": fp32.predict, "zoo, bf16": bf16.predict, "zoo, int8": int8.predict}, texts
    )
    check(answers)
    for precision, speeds in rates.items():
        print(f"ceiling in {precision}: {statistics.median(speeds) / 1e9:.0f} GFLOP/s, at best {max(speeds) / 1e9:.0f}")


def one_by_one(ways: dict[str, Callable[[str], object]], texts: list[str]) -> None:
    """Latency of a single text, warm."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for text in texts[:200]:
        for name, ask in ways.items():
            started = time.perf_counter()
            ask(text)
            times[name].append(time.perf_counter() - started)
    base = statistics.median(times["pipeline"])
    for name, values in times.items():
        median = statistics.median(values)
        print(f"one text, warm: {name:<16} {median * 1000:6.2f} ms   {base / median:5.2f}x")


def check(answers: dict[str, object]) -> None:
    """The same answers, by whatever road."""
    theirs = [{one["label"]: one["score"] for one in answer} for answer in answers["pipeline, fp32, batch 32"]]  # type: ignore[attr-defined]
    ours = [{s.label: s.probability for s in answer.scores} for answer in answers["zoo, fp32"]]  # type: ignore[attr-defined]
    worst = max(abs(a[label] - b[label]) for a, b in zip(theirs, ours, strict=True) for label in a)
    print(f"probabilities of fp32 differ by {worst:.1e} at most")
    for name in ("zoo, bf16", "zoo, int8"):
        labels = [answer.label for answer in answers[name]]  # type: ignore[attr-defined]
        agree = sum(max(a, key=a.__getitem__) == b for a, b in zip(theirs, labels, strict=True)) / len(labels)
        print(f"labels of {name} agree in {agree:.2%}")
    assert worst < 1e-4


def accuracies(path: str) -> None:
    """Of each precision, on texts that were not trained on."""
    import zoo

    with Path(path).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for precision in ("fp32", "bf16", "int8"):
        answers = zoo.load("bench", device="cpu", precision=precision).predict([row["text"] for row in rows])
        right = sum(answer.label == row["label"] for answer, row in zip(answers, rows, strict=True))  # type: ignore[union-attr]
        print(f"accuracy in {precision}: {right / len(rows):.4f} on {len(rows):,} texts")


if __name__ == "__main__":
    main()
