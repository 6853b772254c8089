"""Where a training step goes, on a GPU or a CPU: time, what is launched, what waits; and what each of our means pays.

    uv run bench/gpu.py [--device auto] [--precision auto] [--works texts,masked,images] [--steps 20]
                        [--ways all,cast,...] [--made-ahead] [--trace FILE.json]

Works: MiniLM on 640 messages, batches of 32, as zoo fine-tunes it; the same network pretrained on them by masked
language modelling; ResNet-50 on 256 photographs of 224 pixels, batches of 64. Ways: all that zoo does, and the same
without one thing each: `replay` (steps computed, not recorded and replayed), `cast` (weights cast by autocast), `tf32`
(float32 multiplied as it is), `trial` (cuDNN's kernels not chosen by trial), `fill` (as many hidden tokens scored as
there are).

After the steps in which libraries choose their kernels, torch's profiler looks at the next: milliseconds a step, those
in which the GPU computes, operators and kernels a step, and operations a step that wait for the device
(zoo.training.waiting has their names; on a CPU nobody waits, and the optimizer's kernel reads a number for each
tensor). Then the same without the profiler, and how many times as fast all is as the way without. With `--made-ahead`
the same batches, made before, come again and again: what is looked at is the step, not how fast the CPU makes batches.
`--trace` keeps what the profiler saw of the last, for chrome://tracing. On a CPU there is one way.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import engine as overhead
from predict_images import write_images

SKIPPED = 30
"""Steps before those that are looked at."""
IMAGES, IMAGE_BATCH = 256, 64
WORKS = ("texts", "masked", "images")
WAYS: dict[str, tuple[str, Any]] = {
    "all": ("", None),
    "replay": ("", None),
    "cast": ("zoo.training.working_weights.copies_pay", lambda device: False),
    "tf32": ("", None),
    "trial": ("zoo.training.arithmetic.MIN_STEPS", 10**9),
    "fill": ("zoo.training.objectives.masked_lm.HIDDEN_MULTIPLE", 1),
}
"""What is replaced, and by what, in the way without; the others are options of the run."""
CONCERNED = {"tf32": ("fp32",), "trial": ("images",), "fill": ("masked",), "cast": ("bf16", "fp16")}
"""The works, or the precisions, that a way makes a difference to; all where it is not named."""


class Looked:
    """What was seen of some steps.

    Args:
        steps: how many.
    """

    def __init__(self, steps: int) -> None:
        self.steps, self.seconds, self.gpu_seconds = steps, 0.0, 0.0
        self.operators, self.kernels, self.waits = 0, 0, Counter[str]()

    def line(self) -> str:
        """A row of the table."""
        waits = ", ".join(f"{count / self.steps:.1f} {wait}" for wait, count in self.waits.most_common()) or "none"
        each = 1000 / self.steps
        return (
            f"{self.seconds * each:9.2f}{self.gpu_seconds * each:9.2f}"
            f"{self.operators / self.steps:11.0f}{self.kernels / self.steps:9.0f}   {waits}"
        )


def run_of(work: str, way: str, device: str, precision: str, folder: Path, steps: int) -> Any:
    """What a worker hands to a plugin."""
    import msgspec

    run = overhead.new_run(overhead.DATA, steps, folder, mixing="")
    if work == "images":
        run = images_run(run, folder, steps)
    elif work == "masked":
        run = masked_run(run, steps)
    options = msgspec.structs.replace(run.options, compile=way != "replay")
    return dataclasses.replace(run, device=device, precision=precision, options=options, exact=way == "tf32")


def masked_run(run: Any, steps: int) -> Any:
    """The same network, to be pretrained on the same messages."""
    from zoo.ability_options import option_set
    from zoo.options import parse
    from zoo.tasks import get_task

    options = {"max_steps": steps, "batch_size": overhead.BATCH, "save_steps": 10**6}
    parsed = parse(option_set(run.card.ability("pretrain", "fill-mask")), options)
    return dataclasses.replace(run, task=get_task("fill-mask"), labels=(), options=parsed)


def images_run(run: Any, folder: Path, steps: int) -> Any:
    """ResNet-50 from random numbers."""
    from zoo.ability_options import option_set
    from zoo.catalog import Catalog
    from zoo.data import load
    from zoo.options import parse
    from zoo.tasks import get_task

    write_images(folder / "images", IMAGES)
    card, task = Catalog.load().resolve("resnet50-scratch"), get_task("image-classification")
    dataset = load(str(folder / "images"), task)
    options = {"max_steps": steps, "batch_size": IMAGE_BATCH, "image_size": 224, "save_steps": 10**6}
    parsed = parse(option_set(card.ability("finetune", task.name)), options)
    return dataclasses.replace(
        run, card=card, task=task, weights=None, train=dataset.examples, labels=dataset.labels, options=parsed
    )


@contextmanager
def steps_of(run: Any, *, made_ahead: bool) -> Iterator[Callable[[int], None]]:
    """Gives what takes so many steps of a training, and waits until they are computed."""
    from zoo.testing import PluginHooks
    from zoo.training import arithmetic
    from zoo.training.engine import encoded_rows
    from zoo.training.loader import TrainingBatches
    from zoo.training.methods import make_method
    from zoo.training.optimizer_step import OptimizerSteps
    from zoo.training.parallel import make_accelerator
    from zoo.training.plan import Demand, make_plan
    from zoo.training.setup import TrainingSetup
    from zoo.training.source import Source, begin, learner_of

    hooks, accelerator = PluginHooks(run.card.plugin), make_accelerator(run)
    objective: Any = hooks.pretrain(run) if run.task.name == "fill-mask" else hooks.finetune(run)
    sources = (Source(objective=objective, run=run),)
    learner = learner_of(sources)
    method = make_method(learner, run.options)
    train_set, _ = encoded_rows(sources[0])
    plan = make_plan(run.options, [Demand(len(train_set), objective)], lr=overhead.LR, world_size=1)
    setup = TrainingSetup(sources, learner, run, accelerator, method, plan)
    begin(sources, method.module)
    with ExitStack() as stack:
        stack.enter_context(arithmetic.products(accelerator.device, exact=run.exact))
        stack.enter_context(
            arithmetic.convolutions(accelerator.device, method.module, [train_set], run.options.max_steps)
        )
        batches = TrainingBatches(setup, [train_set], [plan.batch_size])
        taken = OptimizerSteps(setup, lambda event: None)
        method.train_mode()
        collated: Iterator[Any] = stack.enter_context(closing(batches.collated_from(1)))
        if made_ahead:
            collated = itertools.cycle(list(itertools.islice(collated, len(train_set) // plan.batch_size)))
        done = 0

        def take(count: int) -> None:
            nonlocal done
            for step in range(done + 1, done + count + 1):
                taken.take(step, batches, collated)
            taken.settle()
            done += count

        yield take


def looked_at(run: Any, steps: int, trace: str, *, made_ahead: bool) -> Looked:
    """What torch's profiler sees of steps."""
    from torch.profiler import ProfilerActivity, profile

    from zoo.training.waiting import WAIT

    looked = Looked(steps)
    on_gpu = run.device.startswith("cuda")
    with steps_of(run, made_ahead=made_ahead) as take:
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


def timed(run: Any, steps: int, *, made_ahead: bool) -> float:
    """Milliseconds a step, without a profiler."""
    with steps_of(run, made_ahead=made_ahead) as take:
        take(2 * SKIPPED)
        began = time.perf_counter()
        take(steps)
        return 1000 * (time.perf_counter() - began) / steps


def measure(work: str, way: str, place: Any, args: argparse.Namespace) -> tuple[Looked, float]:
    """One way of a work, with and without the profiler."""
    target, value = WAYS[way]
    total = 10 * (SKIPPED + args.steps)
    with patch(target, value) if target else ExitStack():
        with tempfile.TemporaryDirectory() as folder:
            run = run_of(work, way, place.device, place.precision, Path(folder), total)
            looked = looked_at(run, args.steps, args.trace, made_ahead=args.made_ahead)
        with tempfile.TemporaryDirectory() as folder:
            run = run_of(work, way, place.device, place.precision, Path(folder), total)
            return looked, timed(run, args.steps, made_ahead=args.made_ahead)


def main() -> None:
    """Look, time, print."""
    parser = argparse.ArgumentParser(description="Where a training step goes.")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--works", default="texts", help=f"of {', '.join(WORKS)} (default: texts)")
    parser.add_argument("--ways", default=",".join(WAYS), help="all, and without which things (default: each)")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--made-ahead", action="store_true", help="the same batches again and again")
    parser.add_argument("--trace", default="", help="file for what the profiler saw")
    args = parser.parse_args()
    from zoo.devices import choose

    place = choose(args.device, args.precision)
    print(f"{place.device}, {place.precision} ({place.reason}); {args.steps} steps")
    print(
        f"{'':<20}{'ms/step':>9}{'all is':>8}{'profiled':>9}{'ms GPU':>9}{'operators':>11}{'kernels':>9}   waits a step"
    )
    for work in args.works.split(","):
        whole = 0.0
        for way in args.ways.split(","):
            concerned = CONCERNED.get(way, (work,))
            if way != "all" and (place.device == "cpu" or not {work, place.precision} & set(concerned)):
                continue
            looked, milliseconds = measure(work, way, place, args)
            whole = milliseconds if way == "all" else whole
            name = f"{work}{f', no {way}' if way != 'all' else ''}"
            gain = f"{milliseconds / whole:7.2f}x" if whole else f"{'':8}"
            print(f"{name:<20}{milliseconds:9.2f}{gain}{looked.line()}", flush=True)


if __name__ == "__main__":
    main()
