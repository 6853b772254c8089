"""What objectives have in common whose head sees the feature maps of a body: boxes, masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import nn

from zoo.answers import Rejected
from zoo.data.example import Example
from zoo.training.body import HEAD, Network
from zoo.training.head import HeadConfig, note_new_head
from zoo.training.images.annotated import AnnotatedAugmentation, Canvas, reduced
from zoo.training.images.body import freeze_norms
from zoo.training.objective import Batch, Objective

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun
    from zoo.training.images.body import ImageBody

Features = TypeVar("Features")
IMAGES = "images"
"""Entry of a batch: pixels, uint8 of shape (batch, height, width, 3)."""
SCRATCH_STEPS = 600
"""Fewest optimizer steps worth while where the body begins with random numbers, too."""


class MapsObjective(Objective[Features]):
    """A head on feature maps; pictures of all shapes are seen on one canvas, that of the shape usual in training.

    Args:
        run: the training; its options are `zoo.ImageFinetuneOptions`.
        body: gives the maps.
        head_config: what the head is to say.
        head: of random numbers; takes a list of maps.
        seen: what the head sees, from the body's module and a batch; None for the maps alone.
    """

    head = (HEAD,)
    auto_steps = 250
    min_epochs = 12
    micro_batch_size = 16

    def __init__(
        self,
        run: TrainingRun,
        body: ImageBody,
        head_config: HeadConfig,
        head: nn.Module,
        seen: Callable[[nn.Module, Batch], Any] | None = None,
    ) -> None:
        self.run, self.body, self.head_config = run, body, head_config
        self.collate_threads, self.lora_targets = body.collate_threads, body.lora_targets
        self.default_lr, self.head_lr = (body.maps_lr if body.pretrained else body.scratch_lr), body.head_lr
        if not body.pretrained:
            self.auto_steps = SCRATCH_STEPS
        self.images = body.image_store(lambda image: reduced(image, body.canvas_side))
        body.fill_head(head, head_config, self.layout)
        note_new_head(run, head_config, body.head_config)
        seen = seen or body.maps
        if run.device == "cpu" and has_group_norms(head):
            seen = contiguous(seen)
        else:
            head = head.to(memory_format=torch.channels_last)
        self.module = Network(body.module, head, seen)
        if body.pretrained:
            freeze_norms(body.module)
        self._canvas: Canvas | None = None
        self._unreached: tuple[str, ...] = ()

    @property
    def canvas(self) -> Canvas:
        """That of all pictures; there is one once the first are decoded."""
        assert self._canvas is not None
        return self._canvas

    def decode(self, examples: Sequence[Example]) -> list[int | Rejected]:
        """Numbers of the pictures in the store; the first ones, to learn from, decide on the canvas."""
        numbers = self.images.add([example.input for example in examples])
        if self._canvas is None:
            sizes = [self.images.original_size(number) for number in numbers if isinstance(number, int)]
            self._canvas = self.body.canvas(*(sizes or [(1, 1)]))
        return numbers

    @property
    def augmentation(self) -> AnnotatedAugmentation:
        """What makes a random view in training."""
        options = self.run.options
        return AnnotatedAugmentation(self.canvas, options.crop_scale, options.flip, options.rotate, options.jitter)

    @property
    def empty(self) -> torch.Tensor:
        """A black canvas, uint8 of shape (1, height, width, 3)."""
        return torch.zeros(1, self.canvas.height, self.canvas.width, 3, dtype=torch.uint8)

    def begin(self) -> None:
        """Freeze what no map comes from, such as the layers before the pooled vector: no gradient would reach it."""
        parameters = {name: parameter.requires_grad for name, parameter in self.module.named_parameters()}
        self.module.requires_grad_(True).eval()
        with torch.enable_grad():
            self.module(images=self.empty).sum().backward()
        self._unreached = tuple(
            f"{name}."
            for name, module in self.module.named_modules()
            if (own := list(module.parameters())) and all(parameter.grad is None for parameter in own)
        )
        for name, parameter in self.module.named_parameters():
            parameter.requires_grad_(parameters[name] and parameter.grad is not None)
            parameter.grad = None

    def freeze(self, outputs: torch.Tensor) -> None:
        """Freeze all that some outputs come from."""
        if outputs.requires_grad:
            torch.autograd.backward(outputs.sum())
        for parameter in self.module.parameters():
            parameter.requires_grad_(parameter.requires_grad and parameter.grad is None)
            parameter.grad = None

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write what plain torchvision loads, without the layers that no map comes from."""
        assert isinstance(module, Network)
        self.body.end()
        state = module.state_for(self.layout, without=self._unreached)
        self.body.save(folder, state, self.head_config, self.canvas.size)


def has_group_norms(head: nn.Module) -> bool:
    """Whether a head has them; on the CPU their gradients take many times as long where channels come last."""
    return any(isinstance(layer, nn.GroupNorm) for layer in head.modules())


def contiguous(seen: Callable[[nn.Module, Batch], Any]) -> Callable[[nn.Module, Batch], list[torch.Tensor]]:
    """What gives the same maps, laid out channel by channel."""
    return lambda module, batch: [level.contiguous() for level in seen(module, batch)]
