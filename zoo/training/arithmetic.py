"""How a CUDA device multiplies and convolves during a training; put back as it was afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

from zoo.training.examples import Examples

MIN_STEPS = 200
"""Optimizer steps below which kernels are not chosen by trial: for each shape of a batch that takes as long as many."""


@contextlib.contextmanager
def products(device: torch.device, *, exact: bool) -> Iterator[None]:
    """Multiply float32 as it is, or rounded to TF32 (Ampere and later), many times as fast.

    In half precision little is left that this concerns. It is set in torch's older names, which other libraries may ask
    for: these raise an error where the newer ones were set.

    Args:
        device: that computes; nothing is set for one of another kind.
        exact: whether nothing may be rounded to less than float32 has, in convolutions either.
    """
    if device.type != "cuda":
        yield
        return
    matmul: Any = torch.backends.cuda.matmul
    cudnn: Any = torch.backends.cudnn
    before = matmul.fp32_precision == "tf32", cudnn.conv.fp32_precision == "tf32"
    matmul.allow_tf32 = cudnn.allow_tf32 = not exact
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


@contextlib.contextmanager
def convolutions(device: torch.device, module: nn.Module, examples: Sequence[Examples], steps: int) -> Iterator[None]:
    """Let cuDNN choose the kernels of convolutions by trial, where batches have the same shapes and it pays back.

    Args:
        device: that computes; nothing is set for one of another kind.
        module: what is trained.
        examples: of each source; alike where all cost as much.
        steps: of the training.
    """
    convolves = any(isinstance(layer, nn.Conv2d | nn.Conv3d) for layer in module.modules())
    alike = all(len(set(of_source.lengths)) == 1 for of_source in examples)
    cudnn = torch.backends.cudnn
    if device.type != "cuda" or steps < MIN_STEPS or not (convolves and alike) or cudnn.deterministic:
        yield
        return
    before, cudnn.benchmark = cudnn.benchmark, True
    try:
        yield
    finally:
        cudnn.benchmark = before
