"""What can be chosen for any image model, beside the engine's options."""

from __future__ import annotations

from typing import Annotated

from zoo.hyperparameters import FinetuneOptions, PretrainOptions
from zoo.options import Options, option

ImageSize = Annotated[
    int | None,
    option("Width and height the network sees; auto is what the model was made for.", ge=8, le=1024, unit="pixels"),
]
CropScale = Annotated[
    float,
    option(
        "Training sees random parts of at least this share of an image (Szegedy et al. 2014); 1 shows all of it.",
        gt=0,
        le=1,
        advanced=True,
    ),
]
Flip = Annotated[
    bool, option("Training sees every second image mirrored; turn it off where left and right matter, as in digits.")
]
Rotate = Annotated[
    float,
    option("Training sees images turned by up to so much either way.", ge=0, le=180, unit="degrees", advanced=True),
]
Jitter = Annotated[
    float,
    option("Training sees brightness, contrast and saturation changed by up to this share.", ge=0, lt=1, advanced=True),
]
CacheMemory = Annotated[
    int, option("Decoded images kept in memory for the next epoch.", ge=0, le=1_048_576, unit="MB", advanced=True)
]
CacheDisk = Annotated[
    int,
    option(
        "Decoded images kept on disk beyond that, until the run ends.", ge=0, le=16_777_216, unit="MB", advanced=True
    ),
]


class ImageFinetuneOptions(FinetuneOptions, frozen=True, kw_only=True):
    """Options of fine-tuning an image model."""

    image_size: ImageSize = None
    crop_scale: CropScale = 0.35
    flip: Flip = True
    rotate: Rotate = 0.0
    jitter: Jitter = 0.0
    cache_memory: CacheMemory = 1024
    cache_disk: CacheDisk = 4096


class ImagePretrainOptions(PretrainOptions, frozen=True, kw_only=True):
    """Options of pretraining an image model."""

    image_size: ImageSize = None
    crop_scale: CropScale = 0.2
    flip: Flip = True
    rotate: Rotate = 0.0
    jitter: Jitter = 0.4
    cache_memory: CacheMemory = 1024
    cache_disk: CacheDisk = 4096


class ImagePredictOptions(Options, frozen=True, kw_only=True):
    """Options of predicting with an image model."""

    with_task_options = True

    batch_size: Annotated[
        int | None,
        option(
            "Images computed at once; auto is 16 on a CPU, and what suits the model elsewhere.",
            ge=1,
            le=65_536,
            unit="images",
        ),
    ] = None
