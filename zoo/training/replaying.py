"""Computing that is recorded once and replayed: on a GPU that is done sooner than it takes to launch its kernels.

Forward and backward of a small network are hundreds of kernels of a few microseconds, each launched by a call that
takes longer. A CUDA graph launches them all at once. It holds for one shape of a batch, so batches are padded to few of
them; and it is a copy of what was launched, so whatever waits for the device, or goes by numbers it reads there, cannot
be recorded. Nothing is taken on trust: a recording is used only if it gives the gradients that computing gives, and
sooner.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import nn

from zoo.training.moving import WeightedBatch
from zoo.training.waiting import noting_waits

SEEN = 3
"""How often a shape comes before it is recorded: the first times, libraries choose their kernels."""
MIN_STEPS = 50
"""Optimizer steps still to come below which nothing is recorded: a recording takes as long as a few steps."""
MAX_RECORDINGS = 32
MAX_PARAMETERS = 1_000_000_000
"""Of a network above which nothing is recorded: its kernels take longer than launching them."""
FASTER = 1.1
"""How many times as fast a recording has to be for others to be made."""
TOLERANCE = 1e-3
"""Of the length of the gradient: how far that of a recording may be from what computing gives."""

Sums = tuple[torch.Tensor, ...]
"""Each of shape (), as whoever computes has them."""
Compute = Callable[[WeightedBatch, float], Sums]
"""From a batch, and a factor of its gradients, to some sums; the gradients are added to those of the parameters."""
Replay = Callable[[], Sums]


class Recorder(Protocol):
    """Records what a device is given to do."""

    def record(self, compute: Callable[[], Sums]) -> Replay:
        """Record without computing; what is replayed reads and writes the memory that was read and written."""
        ...

    def synchronize(self) -> None:
        """Wait until the device has nothing to do."""
        ...


class CudaGraphs:
    """Records CUDA graphs, which share their memory, since no two are replayed at once.

    Other threads go on with theirs meanwhile: batches are made and copied in some.

    Args:
        device: a CUDA device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def record(self, compute: Callable[[], Sums]) -> Replay:
        """As a graph, from the default random generator on: a replay draws what computing would draw."""
        with torch.cuda.device(self._device):
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
                sums = compute()

        def replay() -> Sums:
            graph.replay()
            return sums

        return replay

    def synchronize(self) -> None:
        """Wait for the device."""
        torch.cuda.synchronize(self._device)


def recorder_for(device: torch.device) -> Recorder | None:
    """What records on a device; None where nothing does."""
    return CudaGraphs(device) if device.type == "cuda" else None


class _Recording(NamedTuple):
    """Of one shape."""

    weighted: WeightedBatch
    """What a batch and its weights are copied into before a replay."""
    replay: Replay

    def __call__(self, weighted: WeightedBatch) -> Sums:
        """What computing would give, with its gradients."""
        (own, own_weights), (batch, weights) = self.weighted, weighted
        for name, tensor in batch.items():
            own[name].copy_(tensor)
        own_weights.copy_(weights)
        return tuple(each.clone() for each in self.replay())  # the next replay writes over them


class _State(NamedTuple):
    """What computing changes."""

    gradients: list[torch.Tensor | None]
    buffers: list[torch.Tensor]
    random: torch.Tensor


class Replaying:
    """Computes, and from some time on replays.

    Gradients have to stay where they are from one step to the next, set to zero in between.

    Args:
        compute: on a batch, the same way each time.
        module: what it computes with.
        recorder: of the device.
        generator: what is random is drawn from.
        tell: told in one line what was decided.
    """

    def __init__(
        self,
        compute: Compute,
        module: nn.Module,
        recorder: Recorder,
        generator: torch.Generator,
        tell: Callable[[str], None],
    ) -> None:
        self._compute, self._recorder, self._generator, self._tell = compute, recorder, generator, tell
        self._parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self._buffers = list(module.buffers())
        self._seen: Counter[Any] = Counter()
        self._recordings: dict[Any, _Recording] = {}
        self._on = sum(parameter.numel() for parameter in module.parameters()) <= MAX_PARAMETERS

    def __call__(self, weighted: WeightedBatch, factor: float, *, more_steps: int) -> Sums:
        """The sums of a batch.

        Args:
            weighted: a batch and its weights, on the device.
            factor: of its gradients.
            more_steps: still to come.
        """
        key = (factor, *_shape(weighted))
        if recording := self._recordings.get(key):
            return recording(weighted)
        self._seen[key] += 1
        due = self._seen[key] > SEEN and more_steps >= MIN_STEPS and len(self._recordings) < MAX_RECORDINGS
        return self._try(key, weighted, factor) if self._on and due else self._compute(weighted, factor)

    def _try(self, key: Any, weighted: WeightedBatch, factor: float) -> Sums:
        """Compute, and record the same; keep the recording if it does the same, and sooner."""
        before, here = self._state(), _random_here()
        with noting_waits() as waits:
            sums = self._compute(weighted, factor)
        if waits:
            self._stop(f"one waits for the device ({', '.join(sorted(waits))})")
            return sums
        if self._generator.device.type != "cpu" and _random_here() != here:
            self._stop("one draws random numbers on the CPU")
            return sums
        if not all(p.grad is None or bool(p.grad.isfinite().all()) for p in self._parameters):
            self._seen[key] -= 1  # as with the first scales of fp16: the next batch of the shape will tell
            return sums
        self._put_back(before)
        sums, computing_s = self._timed(lambda: self._compute(weighted, factor))
        computed = self._state()
        self._put_back(before)
        try:
            recording = self._record(weighted, factor)
            recording(weighted)  # the first time, it is brought to the device
            self._put_back(before)
            replayed, replaying_s = self._timed(lambda: recording(weighted))
        except RuntimeError as error:  # what cannot be recorded, or has no room
            self._stop(f"{error}".partition("\n")[0])
        else:
            if not self._agrees(computed, before):
                self._stop("a replay gives other gradients or statistics")
            elif computing_s < FASTER * replaying_s:
                self._on = False
                return replayed
            else:
                if not self._recordings:
                    gain = computing_s / replaying_s
                    self._tell(f"steps are recorded and replayed, {gain:.1f}x as fast; --no-compile computes each")
                self._recordings[key] = recording
                return replayed
        self._put_back(computed)
        return sums

    @property
    def has_recordings(self) -> bool:
        """Whether any are kept; they take as much memory as a step."""
        return bool(self._recordings)

    def drop(self) -> None:
        """Let go of all recordings, and make no others."""
        self._on = False
        self._recordings.clear()

    def _record(self, weighted: WeightedBatch, factor: float) -> _Recording:
        batch, weights = weighted
        own = {name: tensor.clone() for name, tensor in batch.items()}, weights.clone()
        return _Recording(own, self._recorder.record(lambda: self._compute(own, factor)))

    def _timed(self, compute: Callable[[], Sums]) -> tuple[Sums, float]:
        """What it gives, and how many seconds it takes from an idle device to an idle device."""
        self._recorder.synchronize()
        began = time.perf_counter()
        sums = compute()
        self._recorder.synchronize()
        return sums, time.perf_counter() - began

    def _state(self) -> _State:
        gradients = [None if parameter.grad is None else parameter.grad.clone() for parameter in self._parameters]
        return _State(gradients, [buffer.clone() for buffer in self._buffers], self._generator.get_state())

    def _put_back(self, state: _State) -> None:
        """Let all be as it was, in the memory where it is."""
        self._generator.set_state(state.random)
        for buffer, value in zip(self._buffers, state.buffers, strict=True):
            buffer.copy_(value)
        for parameter, gradient in zip(self._parameters, state.gradients, strict=True):
            if parameter.grad is not None:
                parameter.grad.zero_() if gradient is None else parameter.grad.copy_(gradient)

    def _agrees(self, computed: _State, before: _State) -> bool:
        """Whether gradients, as far as they came since `before`, and buffers are those that were computed."""
        off = length = 0.0
        for parameter, expected, start in zip(self._parameters, computed.gradients, before.gradients, strict=True):
            if parameter.grad is not None and expected is not None:
                off += float((parameter.grad - expected).square().sum())
                length += float((expected if start is None else expected - start).square().sum())
        return off <= TOLERANCE**2 * length and self._buffers_agree(computed)

    def _buffers_agree(self, computed: _State) -> bool:
        """Whether what the network remembers, as the statistics of batch norms, is what it was when it was computed."""
        return all(
            torch.equal(buffer, expected)
            or bool((buffer.double() - expected.double()).norm() <= TOLERANCE * expected.double().norm())
            for buffer, expected in zip(self._buffers, computed.buffers, strict=True)
        )

    def _stop(self, why: str) -> None:
        """Record nothing more in this run."""
        self._on = False
        self._tell(f"steps are computed one by one, not recorded and replayed: {why}")


def _random_here() -> tuple[object, ...]:
    """Where the generators stand that a device knows nothing of."""
    of_numpy: dict[str, Any] = np.random.get_state(legacy=False)
    return random.getstate(), torch.default_generator.get_state().tolist(), of_numpy["state"]["pos"]


def _shape(weighted: WeightedBatch) -> Any:
    """What a recording holds for."""
    batch, weights = weighted
    return tuple((name, tuple(tensor.shape), tensor.dtype) for name, tensor in batch.items()), len(weights)
