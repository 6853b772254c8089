"""Predicting, stage by stage: what a row costs Python, what a batch makes a device launch, and how fast all of it is.

    uv run bench/gpu_predict.py [--device auto] [--rows 16000] [--images 1024] [--precision auto] [--trace FILE.json]

Without an accelerator it says what can be known without one: kernels a batch in either layout of texts, and the
microseconds of processor time that each stage takes a row (reading, tokenising, answers, writing), the network left
out. With one: texts a second from a list and from a file into a file, images a second, the share of the time in which
the device computes, and launches a batch, by torch's profiler; `--trace` keeps what it saw for a browser.
"""

from __future__ import annotations

import argparse
import csv
import gc
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

DATA = str(files("zoo") / "quickstart" / "customer_messages_train.csv")
CHUNK = 512


def write_rows(path: Path, rows: int) -> list[str]:
    """Messages, each of two of the data set's."""
    with Path(DATA).open(newline="", encoding="utf-8") as file:
        messages = [row["text"] for row in csv.DictReader(file)]
    count = len(messages)
    texts = [f"{messages[i % count]} {messages[(i * 7 + i // count) % count]}" for i in range(rows)]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["text"], *([text] for text in texts)])
    return texts


def stages(model: Any, path: Path, texts: list[str]) -> None:
    """Processor time of each stage a row, in microseconds; the network answers random numbers at once."""
    import torch

    from zoo.data import InputRows
    from zoo.runs import row_answers
    from zoo.runs.answer_files import AnswerColumns, encoded, named_format
    from zoo.training.text.answering import encode_cut

    predictor = model.predictor._predictor
    outputs = torch.randn(len(texts), len(model.labels))

    def clock(name: str, work: Callable[[], Any]) -> Any:
        times = []
        for _ in range(3):
            started = time.process_time()
            result = work()
            times.append(time.process_time() - started)
        print(f"{name:<28} {min(times) / len(texts) * 1e6:7.2f} µs a row")
        return result

    gc.collect()
    gc.freeze()
    rows = clock("reading rows", lambda: list(InputRows(path, model.task)))
    chunks = list(row_answers.chunks(rows, CHUNK))
    predictor._tokenizer.enable_truncation(predictor._max_tokens)
    parts = [texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK)]
    clock("tokenising, in threads", lambda: [encode_cut(predictor._tokenizer, part, 512) for part in parts])
    answers = clock("answers from outputs", lambda: predictor.answers([outputs], texts))
    clock("checking answers", lambda: model.predictor._check(answers))
    at = iter(answers)
    records = [
        record for chunk in chunks for record in row_answers.answer(lambda inputs: [next(at) for _ in inputs], chunk)
    ]
    for name in ("jsonl", "csv"):
        writer = named_format(name, {})(AnswerColumns((), ("text",)))
        clock(
            f"writing {name}",
            lambda writer=writer: [encoded(writer, records[i : i + CHUNK]) for i in range(0, len(records), CHUNK)],
        )  # type: ignore[misc]


def launches(model: Any, texts: list[str]) -> None:
    """Kernels that one batch makes a device launch, in blocks of one length and padded."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    from zoo.training.text.answering import encode_cut
    from zoo.training.text.network import blocks_of

    class Kernels(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.counts: Counter[str] = Counter()

        def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if not operator.is_view:
                self.counts[str(operator)] += 1
            return operator(*args, **kwargs or {})

    predictor = model.predictor._predictor
    sequences = sorted((one.ids for one in encode_cut(predictor._tokenizer, texts[:CHUNK], 512)), key=len)
    for name, pad_id in (("blocks of one length", None), ("padded", 0)):
        blocks = blocks_of(sequences, predictor._device, pad_id)
        with Kernels() as kernels, torch.no_grad():
            predictor.outputs(blocks)
        print(f"operators a batch of {len(sequences)} texts, {name}: {sum(kernels.counts.values()):,}")


def busy(work: Callable[[], Any], device: str, trace: str) -> None:
    """The share of the time in which a device computes, and what it launches."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    kind = torch.device(device).type
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if kind == "cuda" else [])]
    with profile(activities=activities) as profiler:
        started = time.perf_counter()
        work()
        spent = time.perf_counter() - started
    events = profiler.key_averages()
    kernels = sum(event.self_device_time_total for event in events) / 1e6
    launched = sum(event.count for event in events if "LaunchKernel" in event.key)
    waits = sum(event.count for event in events if "Synchronize" in event.key)
    print(f"device busy {kernels / spent:.0%} of {spent:.2f} s, {launched:,} launches, {waits:,} waits")
    print(events.table(sort_by="self_cpu_time_total", row_limit=15))
    if trace:
        profiler.export_chrome_trace(trace)


def rate(name: str, count: int, work: Callable[[], Any], rounds: int = 3) -> None:
    """How many a second, the first time left out."""
    work()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    print(f"{name:<28} {count / statistics.median(times):9.0f} a second (median of {rounds})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Where the time of predicting goes.")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--rows", type=int, default=16_000)
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--model", default="all-minilm-l6-v2")
    parser.add_argument("--image-model", default="resnet50-scratch")
    parser.add_argument("--trace", default="")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        os.environ["ZOO_HOME"] = f"{root}/store"
        import zoo

        texts = write_rows(Path(root) / "rows.csv", args.rows)
        zoo.finetune(args.model, DATA, device="cpu", max_steps=1, name="texts").wait(progress=False)
        of_texts(Path(root), texts, args)
        if args.images:
            of_images(Path(root), args)


def of_texts(root: Path, texts: list[str], args: argparse.Namespace) -> None:
    """A classifier of texts."""
    import zoo

    model = zoo.load("texts", device=args.device, precision=args.precision)
    print(f"{args.model} on {model.device} in {model.precision}, {len(texts):,} texts")
    launches(model, texts)
    stages(model, root / "rows.csv", texts)
    if model.device == "cpu":
        return
    rate("texts from a list", len(texts), lambda: model.predict(texts))
    numbers = iter(range(100))

    def to_file() -> None:
        out = root / f"answers-{next(numbers)}.jsonl"
        place = {"device": args.device, "precision": args.precision}
        run = zoo.predict_file("texts", root / "rows.csv", out, **place).wait(progress=False)
        print(f"  {run.snapshot.samples_per_s or 0:.0f} a second once it has begun")

    rate("texts from file to file", len(texts), to_file, rounds=1)
    print("tokens at once:", model.predictor._predictor._budget.tokens)
    busy(lambda: model.predict(texts), model.device, args.trace)


def of_images(root: Path, args: argparse.Namespace) -> None:
    """A classifier of JPEG files."""
    from predict_images import write_images

    import zoo

    model_options = {"max_steps": 1, "batch_size": 4, "name": "images", "eval_share": 0.1}
    few, paths = root / "few", write_images(root / "images", args.images)
    write_images(few, 16)
    zoo.finetune(args.image_model, str(few), device="cpu", **model_options).wait(progress=False)
    model = zoo.load("images", device=args.device, precision=args.precision)
    print(f"{args.image_model} on {model.device} in {model.precision}, {len(paths):,} JPEG files")
    rate("images from a list", len(paths), lambda: model.predict(paths))
    if model.device != "cpu":
        busy(lambda: model.predict(paths), model.device, "")


if __name__ == "__main__":
    main()
