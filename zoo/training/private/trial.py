"""Whether several examples can be computed at once, and how: found out with a few, against plain autograd."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence

import torch

from zoo.errors import Unsupported
from zoo.memory import is_out_of_memory
from zoo.plurals import counted
from zoo.sanitize import one_line
from zoo.training.batches import MicroBatch
from zoo.training.examples import Examples
from zoo.training.loader import MicroBatchRequest, collated
from zoo.training.moving import WeightedBatch
from zoo.training.private.gradients import Apart, Together, clipped_sum, disagreement
from zoo.training.private.layers import LayerByLayer, Unfit, clipped_sum_of_parts
from zoo.training.private.plan import Private, room_for, trained_bytes
from zoo.training.scalars import in_double
from zoo.training.setup import TrainingSetup
from zoo.units import size

TRIED = 3
"""Examples that are computed both ways."""
TOLERANCE = 1e-2
"""How far gradients may be apart, as a share of their norm: what is left is rounding, that to TF32
included."""
ROUNDING = 1e-3
"""Likewise, of one parameter, as a share of the norm of all: some gradients are nothing but rounding."""


def find_way(setup: TrainingSetup, examples: Examples, private: Private) -> None:
    """Settle how gradients are computed; a resumed run goes on as it began.

    Raises:
        Unsupported: the network notes down what it sees, elsewhere than in what is learnt.
    """
    units = private.units[:: max(1, len(private.units) // TRIED)][:TRIED]
    private.together = all(len(unit) == 1 for unit in private.units)
    if private.together and not _by_layers(setup, examples, private):
        reason = _fault(setup, examples, [unit[0] for unit in units])
        if reason:
            private.together = False
            setup.run.note(f"the gradients of rows are computed one by one, as {reason}")
    _check_traces(setup, examples, list(units[0][: setup.plan.sources[0].micro_batch_size]))


def _by_layers(setup: TrainingSetup, examples: Examples, private: Private) -> bool:
    """Settle whether examples are computed at once without a gradient of each: where these want more memory than there
    is for them, the sum takes less, and it is the one of plain autograd.
    """
    module, each = setup.method.module, trained_bytes(setup.method.module)
    if private.at_once <= room_for(each):
        return False
    try:
        found = _bytes_by_layers(setup, examples, private, each)
    except Exception as error:  # whatever a network does that is not foreseen: each row has its gradient then
        setup.run.note(error.message if isinstance(error, Unfit) else Unfit(_reason(error)).message)
        return False
    finally:
        module.eval()
    asked = setup.options.micro_batch_size is not None
    private.by_layers = private.at_once if asked else min(private.at_once, room_for(found))
    count = counted(private.by_layers, "row")
    setup.run.note(
        f"gradients are shortened layer by layer, {count} at once: {size(private.by_layers * found)} in the place of "
        f"{size(private.by_layers * each)} for a gradient of each"
    )
    return True


def _bytes_by_layers(setup: TrainingSetup, examples: Examples, private: Private, most: int) -> int:
    """The bytes that an example takes layer by layer, fewer than `most`.

    Raises:
        Unfit: the network is none that is computed so, it takes more, or the sum is not that of plain autograd.
    """
    objective, module, clip = setup.sources[0].objective, setup.method.module.eval(), private.privacy.clip
    indices = extremes(examples.lengths, TRIED)
    losses, parts, held = LayerByLayer(objective, module)(*_collated(setup, examples, indices))
    if held >= most:
        raise Unfit("that would take no less memory")
    for part in parts.values():
        part.check()
    ours = clipped_sum_of_parts(parts, module, clip)
    apart, alone = Apart(objective, module), []
    sums: dict[str, torch.Tensor] = {}
    for index in indices:
        loss, gradients = apart(*_collated(setup, examples, [index]))
        alone.append(loss)
        for name, tensor in clipped_sum(gradients, clip).items():
            sums[name] = sums[name] + tensor if name in sums else tensor
    if (by := disagreement([losses], [torch.cat(alone)])) > TOLERANCE:
        raise Unfit(f"losses of several at once differ by {by:.1%}")
    if name := part_that_differs(ours, sums):
        raise Unfit(f"the sum is not that of plain autograd in {one_line(name)}")
    setup.method.train_mode()
    with setup.accelerator.autocast():
        LayerByLayer(objective, module)(*_collated(setup, examples, indices))
    return held


def extremes(lengths: Sequence[int], count: int) -> list[int]:
    """Indices of the longest and of the shortest, so many in all: if any are put into one row, then these.

    Args:
        lengths: of examples.
        count: at least 1.
    """
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])
    return [order[-1], *order[:-1][: count - 1]]


def part_that_differs(ours: Mapping[str, torch.Tensor], theirs: Mapping[str, torch.Tensor]) -> str:
    """The name of a parameter whose gradient is another one; empty where there is none.

    Each is looked at by itself, as the gradients of others may be many times as large.

    Args:
        ours: gradients by name; what nothing was computed with is missing.
        theirs: those of all parameters.
    """
    whole = math.sqrt(sum(float(in_double(tensor).square().sum()) for tensor in theirs.values()))
    for name, tensor in theirs.items():
        if name not in ours:
            allowed, difference = 0.0, float(in_double(tensor).norm())
        else:
            allowed = TOLERANCE * float(in_double(tensor).norm()) + ROUNDING * whole
            difference = float((in_double(ours[name]) - in_double(tensor)).norm())
        if not difference <= allowed:
            return name
    return ""


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
        return _reason(error)
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


def _reason(error: Exception) -> str:
    """Why a network does not compute several at once."""
    if is_out_of_memory(error):
        return "memory does not suffice for several at once"
    words = one_line(str(error)).split(". ")[0]
    return f"this network cannot do so with several at once ({type(error).__name__}: {words[:120]})"


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
