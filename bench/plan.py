"""What `zoo plan` says of a training, beside what the training then takes: time, memory, disk.

    uv run bench/plan.py [--only text-full speech ...] [--quick] [--json FILE]

Thirteen runs of different kinds, on data that come with zoo: texts (whole network, LoRA, head, a text model from random
numbers with checkpoints, and with folds), several tasks on one body, pretraining of two kinds, pictures (whole network
and head), detection, recordings, and bf16 where the processor has it. Each is planned and then done, with the same
settings, in a worker of its own. Time is from the launch of the worker to the end of the run. Memory is the most that
the worker had at once, as the kernel counts it (on other systems than Linux: as it is looked at, twenty times a
second). Disk is the most that checkpoints, folds and result took at once, looked at as often. The goal: within 25%
each.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

POLL_S = 0.05
GOAL = 0.25
MESSAGES = str(files("zoo") / "quickstart" / "customer_messages_train.csv")
DIGITS_SPOKEN = str(files("zoo") / "quickstart" / "spoken_digits" / "train.csv")
Settings = dict[str, Any]


class Real(NamedTuple):
    """What a run took."""

    seconds: float
    memory_bytes: int
    disk_bytes: int


def trainings(root: Path, quick: bool) -> dict[str, tuple[str, Any, Settings]]:
    """Name to model, data and settings."""
    from zoo.quickstart.digits import write_digits
    from zoo.quickstart.shapes import write_shapes

    for write, name in ((write_digits, "digits"), (write_shapes, "shapes")):
        write(root / name)
    with Path(MESSAGES).open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    sentences = root / "sentences.txt"
    sentences.write_text("".join(f"{' '.join(text.split())}\n" for text in texts), encoding="utf-8")
    digits, shapes = str(root / "digits" / "test"), str(root / "shapes" / "train.jsonl")
    some, many = (12, 40) if quick else (120, 600)
    minilm = "all-minilm-l6-v2"
    return {
        "text-full": (minilm, MESSAGES, {"max_steps": some, "precision": "fp32"}),
        "text-default": (minilm, MESSAGES, {} if not quick else {"max_steps": some}),
        "text-lora": (minilm, MESSAGES, {"max_steps": some, "method": "lora"}),
        "text-head": (minilm, MESSAGES, {"method": "head"}),
        "text-checkpoints": ("bert-mini", MESSAGES, {"max_steps": many, "save_steps": many // 4}),
        "text-folds": ("bert-mini", MESSAGES, {"max_steps": some, "folds": 3}),
        "several-tasks": (
            minilm,
            None,
            {"sources": {"kind": MESSAGES, "texts": str(sentences)}, "max_steps": some},
        ),
        "pretrain-bert": ("bert-mini", str(sentences), {"pretraining": True, "max_steps": many}),
        "pretrain-gpt": ("gpt-tiny-scratch", str(sentences), {"pretraining": True, "max_steps": many}),
        "images-full": ("resnet10-32px", digits, {"max_steps": some}),
        "images-head": ("resnet18-32px", digits, {"method": "head"}),
        "detection": ("ssdlite320_mobilenet_v3_large-scratch", shapes, {"max_steps": some // 4}),
        "speech": ("wav2vec2-tiny", DIGITS_SPOKEN, {"max_steps": some}),
    }


def done(model: str, data: Any, settings: Settings) -> Real:
    """Do a training, and watch what it takes."""
    import zoo
    from zoo.runs.events import RunLaunched

    settings = dict(settings)
    begin = zoo.pretrain if settings.pop("pretraining", False) else zoo.finetune
    run = begin(model, data, **settings)
    memory = disk = 0
    while run.snapshot.pending:
        memory, disk = max(memory, _memory(run)), max(disk, _written(run.folder.path))
        time.sleep(POLL_S)
    snapshot = run.wait(progress=False).snapshot
    disk = max(disk, _written(run.folder.path))
    launched = next(event.at for event in run.events() if isinstance(event, RunLaunched))
    run.remove()
    return Real((snapshot.ended_at or time.time()) - launched, memory, disk)


def _memory(run: Any) -> int:
    """The most that the worker has had so far."""
    import psutil

    from zoo.runs import liveness

    recorded = liveness.recorded(run.folder)
    if recorded is None:
        return 0
    status = Path(f"/proc/{recorded.pid}/status")
    try:
        if match := re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(encoding="ascii"), re.MULTILINE):
            return int(match[1]) * 1024
        return int(psutil.Process(recorded.pid).memory_info().rss)
    except (OSError, psutil.Error):
        return 0


def _written(folder: Path) -> int:
    """What checkpoints, folds and the result take now."""
    sizes: dict[int, int] = {}
    for part in ("checkpoints", "folds", "model"):
        for path in (folder / part).rglob("*"):
            try:
                sizes |= {path.stat().st_ino: path.stat().st_size} if path.is_file() else {}
            except OSError:
                continue
    return sum(sizes.values())


def compared(model: str, data: Any, settings: Settings) -> dict[str, Any]:
    """Plan, then do."""
    import zoo

    began = time.time()
    plan = zoo.plan(model, data, **settings)
    planning_s = time.time() - began
    if plan.time is None or plan.memory is None or plan.disk is None:
        sys.exit(f"nothing is known of {model}: {plan.command}")
    real = done(model, data, settings)
    planned = (plan.time.total_s, plan.memory.worker_bytes, plan.disk.needed_bytes)
    return {"planned": planned, "real": tuple(real), "planning_s": planning_s, "machine": plan.machine.facts()}


def row(name: str, figures: dict[str, Any]) -> tuple[str, str]:
    """A line of the table, and the names of what missed the goal."""
    from zoo.units import size

    cells, missed = [], []
    writers = (lambda value: f"{value:.1f} s", size, size)
    for what, write, planned, real in zip(
        ("time", "memory", "disk"), writers, figures["planned"], figures["real"], strict=True
    ):
        off = planned / real - 1 if real else 0.0
        cells.append(f"{write(planned):>9} {write(real):>9} {off:+5.0%}")
        missed += [what] if abs(off) > GOAL else []
    return f"{name:<17} {'  '.join(cells)}  {figures['planning_s']:5.1f} s", ", ".join(missed)


def main() -> None:
    """Print a table of planned beside real."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--quick", action="store_true", help="few steps: whether it works, not how exact it is")
    parser.add_argument("--json", default="", metavar="FILE")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_HOME"] = str(Path(folder) / "zoo")
        all_of_them = trainings(Path(folder), args.quick)
        if unknown := set(args.only) - all_of_them.keys():
            sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(all_of_them)}")
        results: dict[str, Any] = {}
        print(
            " " * 18 + "  ".join(f"{what + ': planned, real':^25}" for what in ("time", "memory", "disk")),
            " planning",
        )
        missed: list[str] = []
        for name, (model, data, settings) in all_of_them.items():
            if args.only and name not in args.only:
                continue
            results[name] = compared(model, data, settings)
            line, off = row(name, results[name])
            missed += [f"{name}: {off}"] if off else []
            print(line, flush=True)
        print("all within 25%" if not missed else f"beyond 25%: {'; '.join(missed)}")
        print(next(iter(results.values()))["machine"])
        if args.json:
            Path(args.json).write_text(json.dumps(results, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
