"""What can be chosen beside the options of every image model."""

from __future__ import annotations

from typing import Annotated

from zoo import ImageFinetuneOptions, option


class ResnetFinetuneOptions(ImageFinetuneOptions, frozen=True, kw_only=True):
    """Options of fine-tuning ResNet for classification."""

    frozen_stages: Annotated[
        int,
        option(
            "Leading parts that stay as they are: 1 is the stem, 5 is everything but the new head.",
            ge=0,
            le=5,
            advanced=True,
        ),
    ] = 0
