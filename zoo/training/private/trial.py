"""Whether the gradients of several examples can be computed at once: found out with a few, against plain autograd."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import torch

from zoo.errors import Unsupported
from zoo.memory import is_out_of_memory
from zoo.sanitize import one_line
from zoo.training.batches import MicroBatch
from zoo.training.examples import Examples
from zoo.training.loader import MicroBatchRequest, collated
from zoo.training.moving import WeightedBatch
from zoo.training.private.gradients import Apart, Together, disagreement
from zoo.training.private.plan import Private
from zoo.training.setup import TrainingSetup

TRIED = 3
"""Examples that are computed both ways."""
TOLERANCE = 1e-2
"""How far gradients may be apart, as a share of their norm: what is left is rounding, that to TF32
included."""


def find_way(setup: TrainingSetup, examples: Examples, private: Private) -> None:
    """Settle how gradients are computed; a resumed run goes on as it began.

    Raises:
        Unsupported: the network notes down what it sees, elsewhere than in what is learnt.
    """
    units = private.units[:: max(1, len(private.units) // TRIED)][:TRIED]
    private.together = all(len(unit) == 1 for unit in private.units)
    if private.together:
        reason = _fault(setup, examples, [unit[0] for unit in units])
        if reason:
            private.together = False
            setup.run.note(f"the gradients of rows are computed one by one, as {reason}")
    _check_traces(setup, examples, list(units[0][: setup.plan.sources[0].micro_batch_size]))


def _fault(setup: TrainingSetup, examples: Examples, indices: Sequence[int]) -> str:
    """Why the gradients of several cannot be computed at once; empty where they can."""
    objective, module = setup.sources[0].objective, setup.method.module.eval()
    batch, weights = _collated(setup, examples, list(indices))
    try:
        losses, gradients = Together(objective, module)(batch, weights)
        setup.method.train_mode()
        with setup.accelerator.autocast():
            Together(objective, module)(batch, weights)
    except Exception as error:  # whatever a network does that torch's transformations of functions do not know
        if is_out_of_memory(error):
            return "memory does not suffice for several at once"
        words = one_line(str(error)).split(". ")[0]
        return f"this network cannot do so with several at once ({type(error).__name__}: {words[:120]})"
    finally:
        module.eval()
    apart = Apart(objective, module)
    alone = [apart(*_collated(setup, examples, [index])) for index in indices]
    ours = [losses, *gradients.values()]
    theirs = [
        torch.cat([loss for loss, _ in alone]),
        *(torch.cat([gradient[name] for _, gradient in alone]) for name in gradients),
    ]
    difference = disagreement(ours, theirs)
    return "" if difference <= TOLERANCE else f"those of several at once differ from them by {difference:.1%}"


def _check_traces(setup: TrainingSetup, examples: Examples, indices: list[int]) -> None:
    """Insist on a network that keeps nothing of what it sees but by its gradients."""
    module, objective = setup.method.module, setup.sources[0].objective
    setup.method.train_mode()
    before = {name: buffer.clone() for name, buffer in module.named_buffers()}
    with setup.accelerator.autocast():
        Apart(objective, module)(*_collated(setup, examples, indices))
    for name, buffer in module.named_buffers():
        if not torch.equal(buffer, before[name]):
            raise Unsupported(
                f"--private protects gradients, and this network keeps statistics of rows, too: {one_line(name)}",
                "use --method lora or head, or another model",
            )


def _collated(setup: TrainingSetup, examples: Examples, indices: list[int]) -> WeightedBatch:
    request = MicroBatchRequest(examples, MicroBatch(indices, len(indices)), 0)
    with contextlib.closing(collated(setup, [request])) as batches:
        return next(batches)
