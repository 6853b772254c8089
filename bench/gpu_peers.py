"""The table of a GPU in one command: zoo beside its peers there, then where a step and a prediction go.

    uv run bench/gpu_peers.py [--device auto] [--data FILE.csv] [--works text,predict,images,pictures,memory,profile]
                              [--rounds 3] [--out FILE.txt] [--small]

text      MiniLM fine-tuned on 2,000 rows for three epochs, batches of 32, in bf16, beside Trainer: samples a second
          after the first five steps; a whole process to its end; its start to the end of the first step
predict   16,000 texts, beside transformers' pipeline in bf16 with batches of 128; zoo in bf16, fp32 and fp16
pictures  1,024 JPEG files answered by ResNet-50 in bf16, beside torchvision with a loader of many processes
images    ResNet-50 trained at 224 pixels, batches of 64, in bf16, beside the same; epochs after the first
memory    20,000 rows of 256 tokens asked for in one micro-batch: how far it is halved, and that it goes on
profile   bench/gpu.py and bench/gpu_predict.py

Sides take turns, figures are medians, weights are the same. A work that fails says so in a line, and the next one goes
on: time with a GPU is short. `--small` takes a few rows, one round: does all of it work? On a CPU all is in fp32.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu_predict import write_rows
from predict_images import write_images
from train_text import BATCH, DATA, EPOCHS, LENGTH, LR, WARM, figures, subset, trainer_report

HERE = Path(__file__).parent
Figures = tuple[float, ...]


@dataclass(frozen=True)
class Place:
    """Where it is measured, and how much of it."""

    device: str
    precision: str
    rounds: int
    small: bool
    data: str
    root: Path

    def of(self, whole: int, small: int) -> int:
        """So many, or a few."""
        return small if self.small else whole

    @property
    def workers(self) -> int:
        """Processes of a loader of torch."""
        return max(1, (os.cpu_count() or 2) - 2)


def table(place: Place, heads: tuple[str, ...], sides: dict[str, Callable[[], Figures]]) -> None:
    """Let the sides take turns, and print medians; of the first side all are 1.00x."""
    measured: dict[str, list[Figures]] = {name: [] for name in sides}
    for _ in range(place.rounds):
        for name, work in sides.items():
            measured[name].append(work())
    print(f"{'':<26}" + "".join(f"{head:>26}" for head in heads))
    first: list[float] = []
    for name, rows in measured.items():
        medians = [statistics.median(column) for column in zip(*rows, strict=True)]
        first = first or medians
        cells = (f"{value:.2f} ({value / base:.2f}x)" for value, base in zip(medians, first, strict=True))
        print(f"{name:<26}" + "".join(f"{cell:>26}" for cell in cells), flush=True)


def text(place: Place) -> None:
    """Fine-tuning beside Trainer."""
    import zoo
    from zoo.runs.events import StepCompleted

    rows = place.of(2000, 96)
    data = subset(place.data, rows, place.root / "rows.csv")
    steps = EPOCHS * -(-rows // BATCH)

    def trainer() -> Figures:
        began = time.time()
        report = trainer_report(data, steps, LR, place=(place.device.partition(":")[0], place.precision))
        rate, first_s, _ = figures(report["times"], report["losses"], began)
        return BATCH * rate, time.time() - began, first_s

    def ours() -> Figures:
        options = {"max_steps": steps, "batch_size": BATCH, "max_tokens": LENGTH, "lr": LR, "eval_share": 0.0}
        where = {"device": place.device, "precision": place.precision}
        began = time.time()
        run = zoo.finetune("all-minilm-l6-v2", data, **where, **options).wait(progress=False)
        ended = time.time()
        events = [event for event in run.events() if isinstance(event, StepCompleted)]
        warm = next((event for event in events if event.step >= WARM), events[0])
        later = events[-1].step - warm.step
        rate = BATCH * later / (events[-1].at - warm.at) if later else float("nan")
        run.remove()
        return rate, ended - began, events[0].at - began

    heads = ("samples/s", "to the end, s", "first step, s")
    table(place, heads, {f"Trainer, {place.precision}": trainer, f"zoo, {place.precision}": ours})


def predict(place: Place) -> None:
    """Texts beside a pipeline."""
    import torch
    import transformers

    import zoo

    count = place.of(16_000, 256)
    texts = write_rows(place.root / "texts.csv", count)
    run = zoo.finetune("all-minilm-l6-v2", place.data, device="cpu", max_steps=1, name="texts").wait(progress=False)
    transformers.logging.set_verbosity_error()
    dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}[place.precision]
    where = {"device": place.device, "batch_size": 128, "dtype": dtype, "top_k": None}
    pipe: Any = transformers.pipeline("text-classification", model=str(run.folder.model_folder), **where)

    def timed(work: Callable[[], object]) -> Figures:
        began = time.perf_counter()
        work()
        return (count / (time.perf_counter() - began),)

    sides: dict[str, Callable[[], Figures]] = {f"pipeline, {place.precision}": lambda: timed(lambda: pipe(texts))}
    for precision in dict.fromkeys((place.precision, "fp32", *(("fp16",) if place.device != "cpu" else ()))):
        model = zoo.load("texts", device=place.device, precision=precision)
        model.predict(texts)  # memory is measured, kernels are chosen
        sides[f"zoo, {precision}"] = lambda model=model: timed(lambda: model.predict(texts))  # type: ignore[misc]
    pipe(texts[:128])
    table(place, ("texts/s",), sides)


def pictures(place: Place) -> None:
    """JPEG files beside torchvision."""
    import torch
    import torchvision
    from torchvision import transforms

    import zoo

    paths = write_images(place.root / "pictures", place.of(1024, 24))
    write_images(place.root / "few", 16)
    options = {"max_steps": 1, "batch_size": 4, "eval_share": 0.1, "name": "pictures"}
    zoo.finetune("resnet50-scratch", str(place.root / "few"), device="cpu", **options).wait(progress=False)
    model = zoo.load("pictures", device=place.device, precision=place.precision)
    scale = [transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor()]
    normalise = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    folder = torchvision.datasets.ImageFolder(str(place.root / "pictures"), transforms.Compose([*scale, normalise]))
    dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}[place.precision]
    network = torchvision.models.resnet50(num_classes=2).eval().to(place.device, dtype)

    def plain() -> Figures:
        began = time.perf_counter()
        loader = torch.utils.data.DataLoader(
            folder, batch_size=64, num_workers=place.workers, pin_memory=place.device != "cpu"
        )
        answers = []
        with torch.inference_mode():
            for images, _ in loader:
                moved = images.to(place.device, dtype, non_blocking=True)
                answers.append(network(moved).float().softmax(-1).cpu())
        return (len(torch.cat(answers)) / (time.perf_counter() - began),)

    def ours() -> Figures:
        began = time.perf_counter()
        return (len(model.predict(paths)) / (time.perf_counter() - began),)

    model.predict(paths[:8])
    table(place, ("images/s",), {f"torchvision, {place.workers} processes": plain, "zoo": ours})


def images(place: Place) -> None:
    """ResNet-50 trained beside torchvision's way."""
    import zoo
    from zoo.runs.events import InputsPrepared, StepCompleted

    count, batch, epochs = place.of(1024, 16), place.of(64, 8), place.of(4, 2)
    folder = place.root / "images"
    write_images(folder, count)

    def plain() -> Figures:
        words = (folder, epochs, batch, "resnet50", place.device, place.precision, place.workers)
        command = [sys.executable, "-W", "ignore", str(HERE / "torchvision_peer.py"), *map(str, words)]
        done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
        report = json.loads(done.stdout.splitlines()[-1])
        return report["samples_per_s"], report["later_samples_per_s"]

    def ours() -> Figures:
        options = {"epochs": epochs, "batch_size": batch, "eval_share": 0.0, "image_size": 224, "save_steps": 10_000}
        where = {"device": place.device, "precision": place.precision}
        run = zoo.finetune("resnet50-scratch", folder, **where, **options).wait(progress=False)
        began = next(event.at for event in run.events() if isinstance(event, InputsPrepared))
        steps = [event for event in run.events() if isinstance(event, StepCompleted)]
        first_epoch = next((event for event in steps if event.step >= count // batch), steps[0])
        last = steps[-1]
        run.remove()
        later = (last.step - first_epoch.step) * batch / (last.at - first_epoch.at) if last is not first_epoch else 0.0
        return epochs * count / (last.at - began), later

    heads = ("samples/s", "after the first epoch")
    table(place, heads, {f"torchvision, {place.workers} processes": plain, "zoo": ours})


def memory(place: Place) -> None:
    """More at once than there is room for."""
    import zoo
    from zoo.runs.events import MicroBatchHalved, StepCompleted

    rows = place.of(20_000, 64)
    long = place.root / "long.csv"
    words = " ".join(["a film that nobody will forget"] * 50)
    long.write_text("text,label\n" + "".join(f"{words} {i},{'ab'[i % 2]}\n" for i in range(rows)), encoding="utf-8")
    options = {"batch_size": rows, "micro_batch_size": rows, "max_tokens": 256, "max_steps": 2, "eval_share": 0.0}
    where = {"device": place.device, "precision": place.precision}
    run = zoo.finetune("all-minilm-l6-v2", long, **where, **options).wait(progress=False)
    halved = [event.micro_batch_size for event in run.events() if isinstance(event, MicroBatchHalved)]
    last = [event for event in run.events() if isinstance(event, StepCompleted)][-1]
    print(f"{rows:,} rows of 256 tokens: {run.status}; halved to {halved or 'nothing'}; loss {last.loss:.4f}")


def profile(place: Place) -> None:
    """Where the time goes."""
    small = place.small
    steps = ["--works", "texts" if small else "texts,masked,images", "--steps", "2" if small else "20"]
    rows = ["--rows", "64" if small else "16000", "--images", "0" if small else "1024"]
    for script, words in (("gpu.py", steps), ("gpu_predict.py", rows)):
        command = [sys.executable, str(HERE / script), "--device", place.device, "--precision", place.precision, *words]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        print(f"bench/{' '.join([script, *command[2:]])}\n{done.stdout}", end="")
        if done.returncode:
            print(f"failed: {done.stderr.strip().splitlines()[-1:]}")


WORKS: dict[str, Callable[[Place], None]] = {
    "text": text,
    "predict": predict,
    "pictures": pictures,
    "images": images,
    "memory": memory,
    "profile": profile,
}


class Kept(io.TextIOBase):
    """Writes to the terminal, and to a file as soon as there is a line."""

    def __init__(self, out: str) -> None:
        self._out = Path(out) if out else None

    def write(self, words: str) -> int:
        sys.__stdout__.write(words)  # type: ignore[union-attr]
        if self._out:
            with self._out.open("a", encoding="utf-8") as file:
                file.write(words)
        return len(words)

    def flush(self) -> None:
        sys.__stdout__.flush()  # type: ignore[union-attr]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="zoo beside its peers on a GPU.")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data", default=DATA, help="CSV with columns `text` and `label`")
    parser.add_argument("--works", default=",".join(WORKS), help=f"of {', '.join(WORKS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", default="", help="file that the lines are added to")
    parser.add_argument("--small", action="store_true", help="a few rows, one round: does it work?")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root, contextlib.redirect_stdout(Kept(args.out)):
        os.environ["ZOO_HOME"], os.environ["HF_HUB_OFFLINE"] = f"{root}/store", "1"
        import torch
        import transformers

        from zoo.devices import available, choose

        chosen = choose(args.device, "auto")
        card = next(one.description for one in available() if one.name == chosen.device)
        versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
        print(f"{chosen.device}: {card}, {os.cpu_count()} CPU cores; {versions}, Python {platform.python_version()}")
        precision = "fp32" if chosen.device == "cpu" else "bf16"
        rounds = 1 if args.small else args.rounds
        for name in args.works.split(","):
            place = Place(chosen.device, precision, rounds, args.small, args.data, Path(root) / name)
            place.root.mkdir()
            began = time.perf_counter()
            print(f"\n{name}: {(WORKS[name].__doc__ or '').rstrip('.')}")
            try:
                WORKS[name](place)
            except Exception as error:  # the next one is measured all the same
                traceback.print_exc()
                print(f"failed: {type(error).__name__}: {str(error).splitlines()[:1]}")
            print(f"({time.perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
