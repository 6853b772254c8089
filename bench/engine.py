"""What the engine costs beside the arithmetic: zoo's training loop beside a bare one over the same batches.

    uv run bench/engine.py [--data FILE.csv] [--steps 40] [--rounds 5]

MiniLM in bf16 where it is native. The bare loop makes the very batches that the engine made (the calls of
`Objective.collate` are noted and repeated), and does what any loop must: forward, backward, clip, fused AdamW. The
engine adds to that its schedule, random states, events written to a log, the question whether to stop, and metering.
In one process, alternating; checked in the same run: the last losses of the two agree.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

DATA = str(files("zoo") / "quickstart" / "customer_messages_train.csv")
BATCH, LR = 32, 1e-4


def new_run(data: str, steps: int, folder: Path) -> Any:
    """What a worker hands to a plugin, with a log that is really written."""
    import zoo
    from zoo.catalog import Catalog
    from zoo.data import load
    from zoo.devices import choose
    from zoo.fetch import locate
    from zoo.options import parse
    from zoo.runs.events import encode
    from zoo.task import get_task

    card = Catalog.load().resolve("all-minilm-l6-v2")
    task = get_task("text-classification")
    dataset = load(data, task)
    options = {"max_steps": steps, "batch_size": BATCH, "lr": LR, "warmup": 0.0, "schedule": "constant"}
    options |= {"dropout": 0.0, "weight_decay": 0.0, "save_steps": 10**6}
    log = (folder / "events.jsonl").open("ab")

    def emit(event: Any) -> None:
        log.write(encode(event) + b"\n")
        log.flush()

    assert card.weights is not None
    return zoo.TrainingRun(
        card=card,
        task=task,
        weights=locate(card.weights),
        train=dataset.examples,
        eval=(),
        labels=dataset.labels,
        options=parse(card.abilities["finetune"].options, options),
        device="cpu",
        precision=choose("cpu").precision,
        folder=folder,
        emit=emit,
        should_stop=(folder / "stop").exists,
    )


def engine(run: Any) -> tuple[float, float, list[Any]]:
    """Seconds a step, last loss, and the calls of collate."""
    from zoo_bert.classification import Classification

    objective, calls, times, losses = Classification(run), [], [], []
    collate, compute = objective.collate, objective.losses

    def noting(features: Any, seeds: Any, *, training: bool) -> Any:
        calls.append((features, seeds))
        times.append(time.perf_counter())
        return collate(features, seeds, training=training)

    def telling(module: Any, batch: Any) -> Any:
        output = compute(module, batch)
        losses.append(output.losses.detach().float().mean())
        return output

    objective.collate, objective.losses = noting, telling  # type: ignore[method-assign]
    objective.fit(run)
    per_step = len(calls) // run.options.max_steps
    return (times[-1] - times[0]) / (len(times) - 1) * per_step, float(losses[-1]), calls


def bare(run: Any, calls: list[Any]) -> tuple[float, float]:
    """The same of a loop without anything around it."""
    import torch
    from zoo_bert.classification import Classification

    objective = Classification(run)
    module = objective.module.train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=LR, weight_decay=0.0, fused=True)
    low = run.precision == "bf16"
    times, value = [], 0.0
    for features, seeds in calls:
        times.append(time.perf_counter())
        batch = objective.collate(features, seeds, training=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            losses = objective.losses(module, batch).losses
        loss = losses.float().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        value = loss.item()
    return (times[-1] - times[0]) / (len(times) - 1), value


def main() -> None:
    """Measure, check, print."""
    parser = argparse.ArgumentParser(description="The engine beside a bare loop.")
    parser.add_argument("--data", default=DATA, help="CSV with columns `text` and `label`")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    from zoo.allocator import keep_freed_memory

    keep_freed_memory()
    ours, theirs = [], []
    for _ in range(asked.rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            run = new_run(asked.data, asked.steps, Path(folder))
            (Path(folder) / "model").mkdir()
            step_s, loss, calls = engine(run)
            bare_s, bare_loss = bare(run, calls)
        ours.append(step_s)
        theirs.append(bare_s)
    ours, theirs = ours[1:], theirs[1:]
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    low, middle, high = (100 * (value - 1) for value in (min(ratios), statistics.median(ratios), max(ratios)))
    print(f"{asked.steps} steps of {BATCH}, {asked.rounds} rounds; last losses {loss:.4f} and {bare_loss:.4f}")
    print(f"engine {statistics.median(ours) * 1000:.1f} ms a step, bare loop {statistics.median(theirs) * 1000:.1f} ms")
    print(f"overhead {middle:+.1f}% (median of the rounds; {low:+.1f} to {high:+.1f})")


if __name__ == "__main__":
    main()
