"""What can be chosen for any model of sound, beside the engine's options."""

from __future__ import annotations

from typing import Annotated

from zoo.hyperparameters import FinetuneOptions, PretrainOptions
from zoo.options import Options, option

CacheMemory = Annotated[
    int,
    option("Decoded recordings kept in memory for the next epoch.", ge=0, le=1_048_576, unit="MB", advanced=True),
]
CacheDisk = Annotated[
    int,
    option(
        "Decoded recordings kept on disk beyond that, until the run ends.",
        ge=0,
        le=16_777_216,
        unit="MB",
        advanced=True,
    ),
]


class AudioFinetuneOptions(FinetuneOptions, frozen=True, kw_only=True):
    """Options of fine-tuning a model of sound."""

    spec_augment: Annotated[
        bool,
        option("Training sees recordings without some bands of time and pitch (SpecAugment, Park et al. 2019)."),
    ] = True
    cache_memory: CacheMemory = 1024
    cache_disk: CacheDisk = 4096


class AudioPretrainOptions(PretrainOptions, frozen=True, kw_only=True):
    """Options of pretraining a model of sound on recordings alone."""

    cache_memory: CacheMemory = 1024
    cache_disk: CacheDisk = 4096


class AudioPredictOptions(Options, frozen=True, kw_only=True):
    """Options of predicting with a model of sound."""

    with_task_options = True

    batch_size: Annotated[int, option("Recordings computed at once.", ge=1, le=65_536, unit="recordings")] = 8


class LetterPredictOptions(AudioPredictOptions, frozen=True, kw_only=True):
    """Options of predicting with a model of sound that writes letters (CTC)."""

    words: Annotated[
        str,
        option(
            "A file of words: transcripts have no others, found by beam search; empty takes the likeliest letters.",
            file=True,
        ),
    ] = ""
    language_model: Annotated[
        str,
        option(
            "A file of n-grams (ARPA, .gz, too) that says how likely words are after others, for the beam search; "
            "without --words transcripts have its words.",
            file=True,
        ),
    ] = ""
    lm_weight: Annotated[
        float,
        option(
            "Of the language model beside what is heard (alpha of Hannun et al. 2014).", ge=0, le=100, advanced=True
        ),
    ] = 0.5
    word_score: Annotated[
        float,
        option(
            "Added for each word where there is a language model, which likes few words (beta there).",
            ge=-100,
            le=100,
            unit="nats",
            advanced=True,
        ),
    ] = 1.5
    beam: Annotated[
        int,
        option("Texts that are followed at once where there are words.", ge=1, le=10_000, unit="texts", advanced=True),
    ] = 100
