"""Learn the names in noisy English with MiniLM: zoo beside transformers' Trainer, in paired processes, alternating.

    uv run bench/train_entities.py --data FOLDER [--epochs 3] [--seeds 3] [--precision auto]

The folder holds train.conll, dev.conll and test.conll, a word and its tag a line (WNUT 2017, Derczynski et al. 2017).
The same weights, batch of 32, at most 128 tokens, AdamW, linear schedule with warm-up, learning rate; the weights of
the epoch that is best on dev.conll are judged on test.conll: F1 of whole spans, as conlleval counts for both, and as
zoo answers, without tags that may not follow one another. WNUT's test part gives some words several tags that would
all do (B-corporation,B-group); the first of them counts here, for both. Samples a second are those of the steps,
evaluations apart, without the first five.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MODEL, BATCH, LENGTH, WARM = "all-minilm-l6-v2", 32, 128, 5
PEER = str(Path(__file__).with_name("tagging_peer.py"))
Sentence = list[tuple[str, str]]
"""Words and their tags."""


def read_conll(path: Path) -> list[Sentence]:
    """The sentences of a file of a word and its tag a line."""
    sentences: list[Sentence] = [[]]
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            word, tag = line.split("\t")[:2]
            sentences[-1].append((word, tag.strip().partition(",")[0]))
        elif sentences[-1]:
            sentences.append([])
    return [one for one in sentences if one]


def write_conll(sentences: list[Sentence], path: Path) -> None:
    """The reverse."""
    blocks = ("".join(f"{word}\t{tag}\n" for word, tag in words) for words in sentences)
    path.write_text("\n".join(blocks), encoding="utf-8")


def f1_of(sentences: list[Sentence], answers: list[list[str]]) -> float:
    """F1 as conlleval counts; words without an answer are outside."""
    from zoo.metrics.tagging import SpanMetrics
    from zoo.metrics.tags import conlleval_spans

    metrics = SpanMetrics(())
    for words, tags in zip(sentences, answers, strict=True):
        metrics.update(conlleval_spans([tag for _, tag in words]), conlleval_spans(tags))
    return metrics.compute()["span_f1"]


def trainer(data: Path, epochs: int, lr: float, seed: int) -> tuple[float, float]:
    """Trainer's samples/s and F1 on test.conll."""
    from zoo.catalog import Catalog
    from zoo.fetch import locate

    weights = Catalog.load().resolve(MODEL).weights
    assert weights is not None
    with tempfile.TemporaryDirectory() as out:
        numbers = map(str, (epochs, BATCH, LENGTH, lr, seed))
        command = [sys.executable, "-W", "ignore", PEER, str(locate(weights)), str(data), out, *numbers]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    report = json.loads(done.stdout.splitlines()[-1])
    report["epochs"][0] = report["epochs"][0][WARM - 1 :]
    seconds = sum(times[-1] - times[0] for times in report["epochs"])
    steps = sum(len(times) - 1 for times in report["epochs"])
    return steps * BATCH / seconds, f1_of(read_conll(data / "test.conll"), report["tags"])


def ours(data: Path, epochs: int, lr: float, seed: int, precision: str) -> tuple[float, float, float]:
    """The same of zoo, from the events of its run: samples/s, F1 as conlleval counts, F1 as it answers."""
    import zoo
    from zoo.runs.events import EvaluationCompleted, StepCompleted

    options = {"epochs": epochs, "batch_size": BATCH, "max_tokens": LENGTH, "lr": lr, "seed": seed}
    files = (str(data / "train.conll"), str(data / "dev.conll"))
    run = zoo.finetune(
        MODEL, files[0], eval_data=files[1], task="token-classification", device="cpu", precision=precision, **options
    ).wait(progress=False)
    steps, seconds, before = 0, 0.0, None
    for event in run.events():
        if isinstance(event, StepCompleted):
            if before is not None and before.step >= WARM:
                steps, seconds = steps + event.step - before.step, seconds + event.at - before.at
            before = event
        elif isinstance(event, EvaluationCompleted):
            before = None
    judged = zoo.evaluate(run.name, str(data / "test.conll"), device="cpu", precision=precision).wait(progress=False)
    return steps * BATCH / seconds, judged.metrics["conlleval_f1"], judged.metrics["span_f1"]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Learning names beside transformers' Trainer.")
    parser.add_argument("--data", type=Path, required=True, help="folder with train.conll, dev.conll and test.conll")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--precision", default="auto", help="of zoo")
    args = parser.parse_args()
    theirs, own = [], []
    with tempfile.TemporaryDirectory() as root:
        os.environ["ZOO_HOME"] = f"{root}/store"
        os.environ["HF_HUB_OFFLINE"] = "1"
        data = Path(root)
        for part in ("train", "dev", "test"):
            write_conll(read_conll(args.data / f"{part}.conll"), data / f"{part}.conll")
        for seed in range(args.seeds):
            theirs.append(trainer(data, args.epochs, args.lr, seed))
            print(f"seed {seed}: Trainer {theirs[-1][0]:.1f} samples/s, F1 {theirs[-1][1]:.4f}", flush=True)
            own.append(ours(data, args.epochs, args.lr, seed, args.precision))
            speed, conlleval, strict = own[-1]
            print(f"seed {seed}: zoo {speed:.1f} samples/s, F1 {conlleval:.4f}, as answered {strict:.4f}", flush=True)
    rate, f1 = (statistics.mean(column) for column in zip(*theirs, strict=True))
    speed, conlleval, strict = (statistics.mean(column) for column in zip(*own, strict=True))
    print(f"{args.epochs} epochs of batches of {BATCH}, learning rate {args.lr:g}, mean of {args.seeds} seeds")
    print(f"Trainer, as shipped  {rate:6.1f} samples/s  1.00x   test F1 {f1:.4f}")
    ratio = statistics.median(one[0] / other[0] for one, other in zip(own, theirs, strict=True))
    print(
        f"zoo                  {speed:6.1f} samples/s {ratio:5.2f}x   test F1 {conlleval:.4f}, as answered {strict:.4f}"
    )


if __name__ == "__main__":
    main()
