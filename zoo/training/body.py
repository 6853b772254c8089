"""The body: a network that turns inputs into vectors, without a head. Objectives put theirs on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self

import torch
from torch import nn

from zoo.answers import Rejected
from zoo.errors import Unsupported
from zoo.suggestions import AS_SAFETENSORS
from zoo.training.head import HeadConfig
from zoo.training.objective import Batch, Features, Objective
from zoo.training.weights import fill

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor, TrainingRun
    from zoo.training.portable.network import Portable

HEAD = "head"
"""Name of the head among the submodules of `Network`."""
Layout = tuple[tuple[str, str], ...]
"""How names of `Network`'s tensors begin, and how the ecosystem has them begin: `("head.", "fc.")`."""


class Level(NamedTuple):
    """A feature map that a body gives."""

    channels: int
    stride: int
    """Pixels of the picture between two places of the map."""


class Body(ABC, Generic[Features]):
    """What a family of models brings to every objective: its network, and how inputs reach it.

    What is stated of learning is for a head on this body; an objective of another kind may know better.
    """

    module: nn.Module
    """The network, in float32 on the CPU, filled with the weights that the run starts from."""
    width: int
    """Of the pooled vector."""
    provides: frozenset[str] = frozenset({"pooled"})
    """What it makes of an input: `pooled` is one vector, `levels` are feature maps."""
    levels: tuple[Level, ...] = ()
    """The feature maps it gives, finest first, strides rising."""
    layout: Layout = ()
    """How names of `Network`'s tensors begin, and how the ecosystem has them begin."""
    shared_part: str = ""
    """Name of the submodule of `module` that is the same whatever the task; empty where that is all of it."""
    lora_targets: tuple[str, ...] = ()
    """Names of the layers that LoRA adapts."""
    output_layer: str = ""
    """Name of the last linear layer within what `new_head` makes; empty where it is that layer itself."""
    head_config: HeadConfig | None = None
    """What the head of the weights is for; None where they have none."""
    output_state: dict[str, torch.Tensor] = {}
    """`weight` and, if it has any, `bias` of the last layer of that head."""
    pretrained: bool
    """Whether the weights are any; otherwise they are random numbers."""
    collate_threads: int = 0
    lr: float = 1e-4
    """Peak learning rate of fine-tuning."""
    head_lr: float = 1e-3
    """The same where the body is frozen."""
    scratch_lr: float = 3e-4
    """The same where nothing is pretrained."""
    scratch_steps: int | None = None
    """Fewest optimizer steps worth while where nothing is pretrained; None for what the engine takes in any case."""

    @property
    def micro_batch_size(self) -> int | None:
        """Most inputs computed at once in training where none is asked for; None leaves it to the objective."""
        return None

    @property
    def evaluation_batch_size(self) -> int | None:
        """Most inputs judged at once; None leaves it to the objective."""
        return None

    @abstractmethod
    def encode(self, inputs: Sequence[Any]) -> Sequence[Features | Rejected]:
        """Turn inputs into what batches are made of, once: same length, same order."""

    def length(self, features: Features) -> int:
        """How much computing an input costs, in arbitrary units."""
        return 1

    @abstractmethod
    def collate(self, features: Sequence[Features], seeds: Sequence[int], *, training: bool) -> Batch:
        """Make a batch of inputs, on the CPU; see `Objective.collate`."""

    def objective(self, run: TrainingRun) -> Objective[Any]:
        """What the task of a training is learnt by on this body."""
        from zoo.training.objectives import build_objective

        return build_objective(run, self)

    def share(self, other: Self) -> None:
        """Learn on the network of another body, made for another source of the same run from the same weights.

        What is frozen in one of the two is frozen for both. A body that keeps beside its network what all sources must
        know of takes that from the other one, too.

        Args:
            other: that of the first source.
        """
        own, shared = (body.module.get_submodule(self.shared_part) for body in (self, other))
        frozen = [name for name, parameter in own.named_parameters() if not parameter.requires_grad]
        for name in frozen:
            shared.get_parameter(name).requires_grad_(False)
        if self.shared_part:
            self.module.set_submodule(self.shared_part, shared)
        else:
            self.module = shared

    def begin(self) -> None:
        """Called when all features are made, by each source of a run; see `Objective.begin`."""

    def end(self) -> None:
        """Called before a result is saved, by each source: what `begin` left out of the network is put back."""

    @abstractmethod
    def pooled(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """One vector an input, shape (batch, width).

        Args:
            module: `self.module`, as the engine prepared it.
            batch: as made by `collate`, on the device.
        """

    def new_head(self, outputs: int) -> nn.Module:
        """A head on the pooled vectors, of random numbers: (batch, width) to (batch, outputs)."""
        return nn.Linear(self.width, outputs)

    def head_for(self, head_config: HeadConfig, head: nn.Module | None = None) -> nn.Module:
        """A head whose numbers are standardised, with the output layer of the weights where it stands for the same.

        Args:
            head_config: what its outputs are to be.
            head: of random numbers; None for one on the pooled vectors.

        Raises:
            StoreInvalid: that layer is of another size.
        """
        head = self.new_head(head_config.outputs) if head is None else head
        if self.head_config is not None and self.head_config.means_the_same_as(head_config):
            state = self.output_state
            if "bias" in state:  # a layer without biases has no numbers that could be standardised
                weight, bias = head_config.standardised(state["weight"], state["bias"], self.head_config)
                state = {"weight": weight, "bias": bias}
            fill(head.get_submodule(self.output_layer), state)
        return head

    def predictor(self, run: PredictionRun) -> Predictor:
        """What answers with this body, and the head that its weights have.

        Raises:
            Unsupported: nothing here answers the task with such a body.
        """
        raise Unsupported(
            f"{run.card.name} cannot predict: plugin {run.card.plugin} has no hook predict, and its body no predictor",
            "the plugin's author must add one: zoo plugins guide body",
        )

    def portable(self, run: PredictionRun) -> Portable:
        """What other libraries compute of this body and the head that its weights have.

        Args:
            run: a prediction on the CPU in fp32.

        Raises:
            Unsupported: it is no single network.
        """
        raise Unsupported(
            f"what answers {run.task.name} with {run.card.name} is not written as one network, as onnx and torch are",
            AS_SAFETENSORS,
        )

    @abstractmethod
    def save(self, folder: Path, state: dict[str, torch.Tensor], head: HeadConfig | None) -> None:
        """Write the result in the ecosystem's own format, with a README that shows how to use it.

        Args:
            folder: exists and is empty.
            state: trained tensors of `Network`, on the CPU in float32, by the names of `layout`; those of the body
                alone where no head is kept.
            head: what the head is for; None where its outputs have no names, and where no head is kept.
        """


def renamed(name: str, layout: Iterable[tuple[str, str]]) -> str:
    """The name of a tensor with its beginning as a layout has it."""
    for ours, theirs in layout:
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    return name


class Network(nn.Module):
    """A body and a head on its vectors or maps: what an objective trains.

    Args:
        module: of the body.
        head: takes the vectors or maps.
        vectors: what the head sees, from the module and a batch; mostly `Body.pooled`.
    """

    def __init__(self, module: nn.Module, head: nn.Module, vectors: Callable[[nn.Module, Batch], Any]) -> None:
        super().__init__()
        self.body, self.head, self._vectors = module, head, vectors

    def state_for(
        self, layout: Iterable[tuple[str, str]], *, head: bool = True, without: tuple[str, ...] = ()
    ) -> dict[str, torch.Tensor]:
        """Its tensors by the names of a layout, with or without those of the head.

        Args:
            layout: how names begin here and there.
            head: whether it is among them.
            without: how the names begin that are left out.
        """
        omitted = without if head else (*without, f"{HEAD}.")
        return {
            renamed(name, layout): tensor.contiguous()
            for name, tensor in self.state_dict().items()
            if not name.startswith(omitted)
        }

    def forward(self, **batch: torch.Tensor) -> torch.Tensor:
        """From a batch of the body's inputs to what the head makes of them, shape (batch, outputs)."""
        outputs: torch.Tensor = self.head(self._vectors(self.body, batch))
        return outputs
