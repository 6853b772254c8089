"""Where a training step goes, on a GPU or a CPU: time, what is launched, what waits.

    uv run bench/gpu.py [--device auto] [--precision auto] [--steps 20] [--trace FILE.json]

MiniLM on 640 messages, batches of 32, as zoo fine-tunes it. After the steps in which libraries choose their kernels,
torch's profiler looks at the next: milliseconds a step, those in which the GPU computes, operators and kernels a step,
and operations a step that wait for the device (zoo.training.waiting has their names; on a CPU nobody waits, and the
optimizer's kernel reads a number for each tensor). Then the same without the profiler, with steps computed and, on a
CUDA device, replayed. `--trace` keeps what the profiler saw, for chrome://tracing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import engine as overhead

SKIPPED = 30
"""Steps before those that are looked at."""


class Looked:
    """What was seen of some steps.

    Args:
        steps: how many.
    """

    def __init__(self, steps: int) -> None:
        self.steps, self.seconds, self.gpu_seconds = steps, 0.0, 0.0
        self.operators, self.kernels, self.waits = 0, 0, Counter[str]()

    def line(self, name: str) -> str:
        """A row of the table."""
        waits = ", ".join(f"{count / self.steps:.1f} {wait}" for wait, count in self.waits.most_common()) or "none"
        each = 1000 / self.steps
        return (
            f"{name:<28}{self.seconds * each:9.2f}{self.gpu_seconds * each:9.2f}"
            f"{self.operators / self.steps:11.0f}{self.kernels / self.steps:9.0f}   {waits}"
        )


def texts_run(device: str, precision: str, folder: Path, steps: int, *, replay: bool) -> Any:
    """MiniLM, to be fine-tuned."""
    import dataclasses

    import msgspec

    run = overhead.new_run(overhead.DATA, steps, folder)
    options = msgspec.structs.replace(run.options, compile=replay)
    return dataclasses.replace(run, device=device, precision=precision, options=options)


@contextmanager
def steps_of(run: Any) -> Iterator[Callable[[int], None]]:
    """Gives what takes so many steps of a training, and waits until they are computed."""
    from zoo.testing import PluginHooks
    from zoo.training.engine import _encoded
    from zoo.training.loader import TrainingBatches
    from zoo.training.methods import make_method
    from zoo.training.optimizer_step import OptimizerSteps
    from zoo.training.parallel import make_accelerator
    from zoo.training.plan import Demand, make_plan
    from zoo.training.setup import TrainingSetup
    from zoo.training.source import Source, begin, learner_of

    objective = PluginHooks("bert").finetune(run)
    sources = (Source(objective=objective, run=run),)
    learner = learner_of(sources)
    method = make_method(learner, run.options)
    train_set, _ = _encoded(sources[0])
    plan = make_plan(run.options, [Demand(len(train_set), objective)], lr=overhead.LR, world_size=1)
    setup = TrainingSetup(sources, learner, run, make_accelerator(run), method, plan)
    begin(sources, method.module)
    taken, batches = OptimizerSteps(setup, lambda event: None), TrainingBatches(setup, [train_set])
    method.train_mode()
    done = 0
    with closing(batches.collated_from(1)) as collated:

        def take(count: int) -> None:
            nonlocal done
            for step in range(done + 1, done + count + 1):
                taken.take(step, batches, collated)
            taken.settle()
            done += count

        yield take


def looked_at(run: Any, device: str, steps: int, trace: str) -> Looked:
    """What torch's profiler sees of steps."""
    from torch.profiler import ProfilerActivity, profile

    from zoo.training.waiting import WAIT

    looked = Looked(steps)
    on_gpu = device.startswith("cuda")
    with steps_of(run) as take:
        take(SKIPPED)
        with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]) as seen:
            began = time.perf_counter()
            take(steps)
            looked.seconds = time.perf_counter() - began
    for event in seen.events():
        name = event.name.removeprefix("aten::")
        if str(event.device_type).endswith("CUDA"):
            looked.kernels += 1
            looked.gpu_seconds += event.device_time / 1e6
        elif event.name.startswith("aten::"):
            looked.operators += 1
            looked.waits[name] += name in WAIT
        elif "Synchronize" in event.name:
            looked.waits[event.name] += 1
    looked.waits = Counter({name: count for name, count in looked.waits.items() if count})
    if trace:
        seen.export_chrome_trace(trace)
    return looked


def timed(run: Any, steps: int) -> float:
    """Milliseconds a step, without a profiler."""
    with steps_of(run) as take:
        take(2 * SKIPPED)
        began = time.perf_counter()
        take(steps)
        return 1000 * (time.perf_counter() - began) / steps


def main() -> None:
    """Look, time, print."""
    parser = argparse.ArgumentParser(description="Where a training step goes.")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--trace", default="", help="file for what the profiler saw")
    args = parser.parse_args()
    from zoo.devices import choose

    place = choose(args.device, args.precision)
    print(f"{place.device}, {place.precision} ({place.reason}); {args.steps} steps of {overhead.BATCH} texts")
    print(f"{'':<28}{'ms/step':>9}{'ms GPU':>9}{'operators':>11}{'kernels':>9}   waits a step")
    total = 10 * (SKIPPED + args.steps)

    def run(folder: str, *, replay: bool) -> Any:
        return texts_run(place.device, place.precision, Path(folder), total, replay=replay)

    times = {}
    for name, replay in (("computed", False), ("replayed where it pays", True)):
        if replay and not place.device.startswith("cuda"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            print(looked_at(run(folder, replay=replay), place.device, args.steps, args.trace).line(name), flush=True)
        with tempfile.TemporaryDirectory() as folder:
            times[name] = timed(run(folder, replay=replay), args.steps)
    for name, milliseconds in times.items():
        print(f"{name}: {milliseconds:.2f} ms a step, {1000 * overhead.BATCH / milliseconds:,.0f} texts/s")
    if len(times) == 2:
        computed, replayed = times.values()
        print(f"replaying: {computed / replayed:.2f}x as fast")


if __name__ == "__main__":
    main()
