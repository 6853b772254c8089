"""Processes that compute a network in parts, of which one runs out of memory.

The others wait for what it was about to bring together with them. So it goes through the same pass once more with a
few examples, for which there is room: the collectives that it took part in it leaves out, and in the rest it takes part
with numbers that nobody will use. When all have come to the end of the pass, they hear that it has failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from torch import nn

from zoo.errors import RunFailed
from zoo.memory import is_out_of_memory, release_memory
from zoo.sanitize import one_line
from zoo.training.meetings import meetings
from zoo.training.parallel import in_any_rank
from zoo.training.sharding import give_up

if TYPE_CHECKING:
    from accelerate.accelerator import Accelerator

ELSEWHERE = "another process of the run has too little"
FEW = 2
"""Examples that a pass is gone through with once more: batch norms want more than one."""
Result = TypeVar("Result")


class LackOfOne(MemoryError):
    """A process had too little memory for its part of a pass; raised in all of them."""


def few_of(indices: Sequence[int], lengths: Sequence[int]) -> list[int]:
    """The shortest of some examples: a few, and at most half of them.

    Args:
        indices: of the examples.
        lengths: of all there are.
    """
    return sorted(indices, key=lengths.__getitem__)[: max(1, min(FEW, len(indices) // 2))]


def together(
    module: nn.Module, accelerator: Accelerator, compute: Callable[[], Result], with_few: Callable[[], object]
) -> Result:
    """What a pass through a network gives that is divided among processes; all of them have to call this.

    Args:
        module: the network, divided.
        accelerator: knows the processes.
        compute: goes through the network, forward alone or backward, too.
        with_few: the same with a few examples.

    Raises:
        LackOfOne: gradients are lost, in all processes.
        RunFailed: there is not even room for a few examples.
    """
    give_up(module)  # so that all bring the same together, in the same order
    meetings().begin()
    reason = ""
    try:
        result = compute()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        reason = one_line(str(error)) or type(error).__name__
    # After the block, as the error keeps everything alive that was computed so far.
    if reason:
        _catch_up(module, with_few)
    if in_any_rank(bool(reason), accelerator):
        give_up(module)
        raise LackOfOne(reason or ELSEWHERE)
    return result


def _catch_up(module: Any, with_few: Callable[[], object]) -> None:
    """Come to the end of the pass, where the others wait."""
    if module._get_fsdp_state()._is_root:  # it has begun
        module.reset_iter_state()
    release_memory()
    try:
        with meetings().missed():
            with_few()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        words = one_line(str(error))
    else:
        return
    raise RunFailed(
        f"memory ran out, and there is not even room for a few examples: {words}",
        "use --activation-checkpointing, more --processes, a smaller model, or shorter or smaller examples",
    )
