"""What clients send, and the mean of it: weights by their rows, as federated averaging has it (McMahan et al. 2017)."""

from __future__ import annotations

import math

import torch
from torch import nn

from zoo.training.checkpoint import trainable_state

State = dict[str, torch.Tensor]
MOST_MOVED = 1e25
"""How far a weight may move in a round: times all rows of all clients that is a number still."""
_ROUNDING = 1e-6
"""By how much more than to a norm it is shortened, as numbers in fp32 are rounded."""
_ROWS = "rows"
_SUM = "sum|"


def travelling(module: nn.Module, *, statistics: bool = True) -> frozenset[str]:
    """Names of what training changes, and clients therefore send: parameters that learn, and the statistics of layers.

    Args:
        module: as its method has it in training; layers that are frozen run as in prediction.
        statistics: whether these are sent.
    """
    learnt = {name for name, parameter in module.named_parameters(remove_duplicate=False) if parameter.requires_grad}
    return frozenset(
        name
        for name in trainable_state(module)
        if name in learnt or (statistics and module.get_submodule(name.rpartition(".")[0]).training)
    )


def copied(module: nn.Module) -> State:
    """The weights as they are, apart from the module, on the CPU."""
    return {name: tensor.clone() for name, tensor in trainable_state(module).items()}


def put_back(module: nn.Module, state: State) -> None:
    """Let the module have weights that `copied` took from it."""
    module.load_state_dict(state, strict=False)


def is_finite(state: State) -> bool:
    """Whether all numbers are any."""
    return all(bool(tensor.isfinite().all()) for tensor in state.values())


def is_near(before: State, after: State) -> bool:
    """Whether weights are so near to those that they began with that they can be averaged."""
    return all(
        bool((tensor.float() - before[name].float()).abs().le(MOST_MOVED).all()) for name, tensor in after.items()
    )


class Average:
    """How far clients moved from where they began, added up, each as often as it has rows.

    Args:
        sums: of an average that was begun before, as `state` gave them.
    """

    def __init__(self, sums: State | None = None) -> None:
        stored = sums or {}
        self._sums = {name.removeprefix(_SUM): tensor for name, tensor in stored.items() if name.startswith(_SUM)}
        self.rows = int(stored[_ROWS]) if _ROWS in stored else 0
        """Of all clients so far."""

    def state(self) -> State:
        """What an average is made of again."""
        if not self.rows:
            return {}
        return {f"{_SUM}{name}": tensor for name, tensor in self._sums.items()} | {_ROWS: torch.tensor(self.rows)}

    def add(self, before: State, after: State, rows: int) -> None:
        """Take in what came of a client.

        Args:
            before: the weights that all began with.
            after: what the client sends.
            rows: it has.
        """
        for name, tensor in after.items():
            self._add(name, tensor.float() - before[name].float(), rows)
        self.rows += rows

    def add_shortened(self, before: State, after: State, most: float) -> float:
        """Take in what came of a client, which counts once, however many rows it has.

        Args:
            before: the weights that all began with.
            after: what the client sends.
            most: L2 norm, over all weights, that it may have moved; it is shortened to it.

        Returns:
            How far it moved.
        """
        moved = {name: tensor.float() - before[name].float() for name, tensor in after.items()}
        norm = math.sqrt(sum(float(tensor.double().square().sum()) for tensor in moved.values()))
        if not math.isfinite(norm):
            return norm
        factor = most / max(norm * (1 + _ROUNDING), most)
        for name, tensor in moved.items():
            self._add(name, tensor, factor)
        self.rows += 1
        return norm

    def _add(self, name: str, moved: torch.Tensor, times: float) -> None:
        if name in self._sums:
            self._sums[name].add_(moved, alpha=times)
        else:
            self._sums[name] = moved.mul_(times)

    def applied_to(self, before: State) -> State:
        """The weights that come of it; what nobody sent stays as it was."""
        return before | {name: moved(before[name], total / self.rows) for name, total in self._sums.items()}

    def total(self, name: str) -> torch.Tensor | None:
        """How far all have moved a tensor; None where nobody has."""
        return self._sums.get(name)


def moved(tensor: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    """A tensor in its own type, rounded where that has whole numbers alone."""
    after = tensor.float() + by
    return (after if tensor.is_floating_point() else after.round()).to(tensor.dtype)
