"""What can be chosen for wav2vec 2.0 beside what any model of sound has."""

from __future__ import annotations

from typing import Annotated

from zoo import AudioFinetuneOptions, AudioPretrainOptions, option


class Wav2Vec2FinetuneOptions(AudioFinetuneOptions, frozen=True, kw_only=True):
    """Options of learning letters or labels."""

    freeze_feature_encoder: Annotated[
        bool | None,
        option(
            "Leave the convolutions as they are; auto does so with those that were published, and trains those that "
            "zoo trained from random numbers.",
            advanced=True,
        ),
    ] = None


class Wav2Vec2PretrainOptions(AudioPretrainOptions, frozen=True, kw_only=True):
    """Options of telling hidden parts of recordings from others."""

    mask_share: Annotated[
        float,
        option("Share of a recording that spans are drawn to hide, overlaps counted twice.", gt=0, lt=1, advanced=True),
    ] = 0.65
    distractors: Annotated[
        int,
        option(
            "Other hidden moments of a recording that the right one is told from.",
            ge=1,
            le=10_000,
            unit="moments",
            advanced=True,
        ),
    ] = 100
