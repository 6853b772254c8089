"""What can be chosen beside the engine's options.

Dropout is off unless asked for: a few epochs of fine-tuning do as well without it.
"""

from __future__ import annotations

from typing import Annotated

from zoo import FinetuneOptions, Options, PretrainOptions, option

MaxTokens = Annotated[
    int | None,
    option(
        "Longer texts are cut; auto is as many as the longest needs that the model was made for, at least 128.",
        ge=8,
        le=512,
        unit="tokens",
    ),
]
Dropout = Annotated[float | None, option("Dropout of all layers; auto is the model's own.", ge=0, lt=1, advanced=True)]
VocabularySize = Annotated[
    int | None,
    option(
        "Most word pieces that a model without a vocabulary learns from the data; auto goes by the number of words.",
        ge=100,
        le=30_522,
        unit="tokens",
        advanced=True,
    ),
]


class BertFinetuneOptions(FinetuneOptions, frozen=True, kw_only=True):
    """Options of fine-tuning BERT for classification."""

    max_tokens: MaxTokens = None
    dropout: Dropout = 0.0
    vocabulary_size: VocabularySize = None


class BertPretrainOptions(PretrainOptions, frozen=True, kw_only=True):
    """Options of masked language modelling."""

    max_tokens: MaxTokens = None
    dropout: Dropout = 0.0
    vocabulary_size: VocabularySize = None
    mask_probability: Annotated[float, option("Share of the tokens to be predicted.", gt=0, lt=1, advanced=True)] = 0.15


class BertPredictOptions(Options, frozen=True, kw_only=True):
    """Options of predicting."""

    top_k: Annotated[
        int | None, option("How many labels or fillings are given; auto is all labels and 5 fillings.", ge=1)
    ] = None
    max_tokens: Annotated[
        int | None,
        option("Longer texts are cut; auto is what the model was made for.", ge=8, le=512, unit="tokens"),
    ] = None
    batch_tokens: Annotated[
        int, option("Tokens computed at once, padding included.", ge=64, le=1_048_576, unit="tokens", advanced=True)
    ] = 2048
