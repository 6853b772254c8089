"""What can be chosen for any text model, beside the engine's options."""

from __future__ import annotations

from typing import Annotated

from zoo.hyperparameters import FinetuneOptions, PretrainOptions
from zoo.options import Options, option

MaxTokens = Annotated[
    int | None,
    option(
        "Longer texts are cut, or read in parts where spans are learnt; auto is as many as the longest needs that the "
        "model was made for, at least 128.",
        ge=8,
        le=512,
        unit="tokens",
    ),
]


class TextFinetuneOptions(FinetuneOptions, frozen=True, kw_only=True):
    """Options of fine-tuning a text model."""

    max_tokens: MaxTokens = None


class TextPretrainOptions(PretrainOptions, frozen=True, kw_only=True):
    """Options of pretraining a text model."""

    max_tokens: MaxTokens = None


class TextPredictOptions(Options, frozen=True, kw_only=True):
    """Options of predicting with a text model."""

    with_task_options = True

    max_tokens: Annotated[
        int | None,
        option(
            "Longer texts are cut, or read in parts where spans are found; auto is what the model was made for.",
            ge=8,
            le=512,
            unit="tokens",
        ),
    ] = None
    batch_tokens: Annotated[
        int | None,
        option(
            "Tokens computed at once, padding included; auto is 2,048 on a CPU, elsewhere by the memory that is free.",
            ge=64,
            le=1_048_576,
            unit="tokens",
            advanced=True,
        ),
    ] = None


CausalTokens = Annotated[
    int | None,
    option(
        "Longer texts are divided where all of them is learnt, else cut; auto is as many as the longest needs, at most "
        "1,024 and what the model was made for.",
        ge=8,
        le=131_072,
        unit="tokens",
    ),
]


class CausalFinetuneOptions(FinetuneOptions, frozen=True, kw_only=True):
    """Options of fine-tuning a model that generates texts."""

    max_tokens: CausalTokens = None


class CausalPretrainOptions(PretrainOptions, frozen=True, kw_only=True):
    """Options of pretraining a model that generates texts."""

    max_tokens: CausalTokens = None


class CausalPredictOptions(Options, frozen=True, kw_only=True):
    """Options of predicting with a model that generates texts."""

    with_task_options = True

    batch_tokens: Annotated[
        int,
        option(
            "Tokens of prompts and answers computed at once, padding included.",
            ge=64,
            le=1_048_576,
            unit="tokens",
            advanced=True,
        ),
    ] = 8192
