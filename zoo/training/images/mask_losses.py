"""Losses of masks, one for each picture: cross entropy, soft Dice, and the sum of both."""

from __future__ import annotations

import torch
from torch import nn

from zoo.training.images.annotated import IGNORED

SMOOTH = 1e-5
"""In numerator and denominator of Dice, as nnU-Net and MONAI have it."""


def mask_losses(scores: torch.Tensor, truths: torch.Tensor, loss: str) -> torch.Tensor:
    """The loss that `--loss` names; `both` is the sum, as nnU-Net has it (Isensee et al. 2018, arXiv:1809.10486).

    Args:
        scores: float32 of shape (batch, classes, height, width).
        truths: indexes of classes, uint8 of shape (batch, height, width); 255 is ignored.
        loss: `cross-entropy`, `dice` or `both`.

    Returns:
        Shape (batch,).
    """
    if loss == "dice":
        return dice_losses(scores, truths)
    entropies = cross_entropies(scores, truths)
    return entropies + dice_losses(scores, truths) if loss == "both" else entropies


def cross_entropies(scores: torch.Tensor, truths: torch.Tensor) -> torch.Tensor:
    """Of each picture the mean over its pixels that have a class; arguments as in `mask_losses`."""
    pixels = nn.functional.cross_entropy(scores, truths.long(), ignore_index=IGNORED, reduction="none")
    return pixels.sum((1, 2)) / counted_pixels(truths)


def dice_losses(scores: torch.Tensor, truths: torch.Tensor) -> torch.Tensor:
    """One minus soft Dice (Milletari et al. 2016, arXiv:1606.04797), of each picture the mean over the classes it has.

    A class that a picture does not have is left out: the probability that it gets is missing from those that are there.
    Arguments as in `mask_losses`.
    """
    known = (truths != IGNORED)[:, None]
    classes = torch.arange(scores.shape[1], device=truths.device, dtype=truths.dtype)
    masks = truths[:, None] == classes[:, None, None]
    probabilities = scores.softmax(1)
    common = (probabilities * masks).sum((2, 3))
    answered = (probabilities * known).sum((2, 3))
    pixels = masks.sum((2, 3))
    dice = (2 * common + SMOOTH) / (answered + pixels + SMOOTH)
    present = pixels > 0
    return ((1 - dice) * present).sum(1) / present.sum(1).clamp(min=1)


def counted_pixels(truths: torch.Tensor) -> torch.Tensor:
    """How many pixels of each picture have a class, at least one; float32 of shape (batch,)."""
    return (truths != IGNORED).sum((1, 2)).clamp(min=1).float()
