"""What the engine costs beside the arithmetic: zoo's training loop beside a bare one over the same batches.

    uv run bench/engine.py [--data FILE.csv] [--steps 160] [--rounds 3] [--mixing turns|together]

MiniLM in bf16 where it is native; with --mixing two sources of the same rows, each with a head of its own on one body.
The bare loop makes the very batches that the engine makes, and does what any loop must: forward, backward, gradients
cut to length where they are longer, fused AdamW. The engine adds to that its schedule, random states, events written to
a log, the question whether to stop, and metering. Steps of the two alternate in one process, each on a network of its
own: whenever the engine asks for its next batch, the bare loop learns from the same. A quarter of the steps and at
least an epoch, in which kernels are compiled for each new length, is left out; checked in the same run: the last losses
of the two agree.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import tempfile
import time
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

DATA = str(files("zoo") / "quickstart" / "customer_messages_train.csv")
BATCH, LR = 32, 1e-4
ROWS = 640
"""Few, so that after an epoch lengths come again."""


def new_run(data: str, steps: int, folder: Path, mixing: str) -> Any:
    """What a worker hands to a plugin, with a log that is really written."""
    import zoo
    from zoo.ability_options import option_set
    from zoo.catalog import Catalog
    from zoo.data import load
    from zoo.devices import choose
    from zoo.fetch import locate
    from zoo.hyperparameters import MixingOptions
    from zoo.options import parse
    from zoo.runs.events import encode
    from zoo.tasks import get_task

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
    run = zoo.TrainingRun(
        card=card,
        task=task,
        weights=locate(card.weights),
        train=dataset.examples[:ROWS],
        eval=(),
        labels=dataset.labels,
        options=parse(option_set(card.ability("finetune", task.name)), options),
        device="cpu",
        precision=choose("cpu").precision,
        folder=folder,
        emit=emit,
        should_stop=(folder / "stop").exists,
    )
    if not mixing:
        return run
    sources = tuple(dataclasses.replace(run, source=name) for name in ("first", "second"))
    return dataclasses.replace(run, sources=sources, mixing=MixingOptions(mixing=mixing))  # type: ignore[arg-type]


def learnt(run: Any) -> tuple[Any, list[Any]]:
    """What trains, and the objectives of its sources."""
    from zoo.testing import PluginHooks

    trainable = PluginHooks("bert").finetune(run)
    return trainable, [source.objective for source in trainable._sources] if run.sources else [trainable]


class Bare:
    """A loop without anything around it, one step at a time."""

    def __init__(self, run: Any) -> None:
        import torch

        _, self.objectives = learnt(run)
        for objective in self.objectives:
            objective.features(run.train)
            objective.begin()
            objective.module.train()
        modules = torch.nn.ModuleList(objective.module for objective in self.objectives)
        self.parameters = list(modules.parameters())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=LR, weight_decay=0.0, fused=True)
        self.low = run.precision == "bf16"
        self.loss = 0.0

    def learn(self, source: int, features: Any, seeds: Any) -> None:
        """Forward and backward."""
        import torch

        objective = self.objectives[source]
        batch = objective.collate(features, seeds, training=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.low):
            losses = objective.losses(objective.module, batch).losses
        loss = losses.float().mean()
        loss.backward()
        self.loss = loss.item()

    def update(self) -> None:
        """Clip, AdamW."""
        import torch

        norm = torch.nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])
        if norm > 1:
            torch.nn.utils.clip_grads_with_norm_(self.parameters, 1.0, norm)
        self.optimizer.step()
        self.optimizer.zero_grad()


def alternate(run: Any, batches_a_step: int) -> tuple[list[tuple[float, float]], float, float]:
    """Seconds of each step, the engine's and the bare loop's, and their last losses."""
    trainable, objectives = learnt(run)
    bare = Bare(run)
    marks: list[tuple[float, float, float]] = []
    losses = []

    def watch(source: int, objective: Any) -> None:
        collate, compute = objective.collate, objective.losses

        def noting(features: Any, seeds: Any, *, training: bool) -> Any:
            start = time.perf_counter()
            bare.learn(source, features, seeds)
            if len(marks) % batches_a_step == batches_a_step - 1:
                bare.update()
            bare_done = time.perf_counter()
            batch = collate(features, seeds, training=training)
            marks.append((start, bare_done - start, bare_done))
            return batch

        def telling(module: Any, batch: Any) -> Any:
            output = compute(module, batch)
            losses.append(output.losses.detach().float().mean())
            return output

        objective.collate, objective.losses = noting, telling

    for source, objective in enumerate(objectives):
        watch(source, objective)
    trainable.fit(run)
    times = [(next_start - resumed, bare_s) for (_, bare_s, resumed), (next_start, _, _) in pairwise(marks)]
    steps = [
        (sum(ours for ours, _ in of_step), sum(theirs for _, theirs in of_step))
        for of_step in zip(*[iter(times)] * batches_a_step, strict=False)
    ]
    return steps, float(losses[-1]), bare.loss


def main() -> None:
    """Measure, check, print."""
    parser = argparse.ArgumentParser(description="The engine beside a bare loop.")
    parser.add_argument("--data", default=DATA, help="CSV with columns `text` and `label`")
    parser.add_argument("--steps", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mixing", choices=("turns", "together"), default="", help="two sources, mixed so")
    args = parser.parse_args()
    from zoo.allocator import keep_freed_memory

    keep_freed_memory()
    measured: list[list[tuple[float, float]]] = []
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            run = new_run(args.data, args.steps, Path(folder), args.mixing)
            (Path(folder) / "model").mkdir()
            steps, loss, bare_loss = alternate(run, 2 if args.mixing == "together" else 1)
        measured.append(steps[max(args.steps // 4, -(-len(run.train) // BATCH)) :])
    medians = [100 * (statistics.median(ours / theirs for ours, theirs in steps) - 1) for steps in measured]
    ours, theirs = (sum(pair[i] for steps in measured for pair in steps) for i in range(2))
    count = sum(map(len, measured))
    print(f"{count} pairs of steps of {BATCH}, {args.rounds} rounds; last losses {loss:.4f} and {bare_loss:.4f}")
    ours, theirs = ours / count, theirs / count
    print(f"engine {ours * 1000:.1f} ms a step, bare loop {theirs * 1000:.1f} ms: {ours / theirs - 1:+.1%}")
    each = ", ".join(f"{value:+.2f}" for value in medians)
    print(f"overhead {statistics.median(medians):+.2f}% (median of the medians of the rounds: {each})")


if __name__ == "__main__":
    main()
