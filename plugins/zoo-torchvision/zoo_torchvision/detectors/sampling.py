"""Which anchors and proposals of a picture are learnt from, drawn from a seed of that picture."""

from __future__ import annotations

from typing import Any

import torch


class SeededSampler:
    """torchvision's sampler of positive and negative examples (Ren et al. 2015, section 3.1.3), with a seed.

    torchvision's draws from the global generator: what a picture teaches would depend on the pictures beside it.

    Args:
        sampler: torchvision's, whose numbers are kept.
    """

    def __init__(self, sampler: Any) -> None:
        self._count: int = sampler.batch_size_per_image
        self._positives = int(self._count * sampler.positive_fraction)
        self.seed = 0
        """Of the next call."""

    def __call__(self, labels: list[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Choose among the examples of pictures.

        Args:
            labels: for each picture -1 for what is ignored, 0 for negative examples, more for positive ones.

        Returns:
            For each picture masks of the positive and of the negative ones that are chosen, uint8.
        """
        generator = torch.Generator().manual_seed(self.seed)
        pairs = [self._of_picture(one, generator) for one in labels]
        return [positive for positive, _ in pairs], [negative for _, negative in pairs]

    def _of_picture(self, labels: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        positive, negative = torch.where(labels >= 1)[0], torch.where(labels == 0)[0]
        count = min(len(positive), self._positives)
        rest = min(len(negative), self._count - count)
        return _mask(labels, positive, count, generator), _mask(labels, negative, rest, generator)


def _mask(labels: torch.Tensor, places: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """1 at some of the places, drawn at random; uint8 of the shape of the labels."""
    chosen = torch.randperm(len(places), generator=generator)[:count].to(places.device)
    mask = torch.zeros_like(labels, dtype=torch.uint8)
    mask[places[chosen]] = 1
    return mask
