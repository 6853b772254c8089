"""What can be chosen: that of every text model, of texts as long as the longest network takes."""

from __future__ import annotations

from typing import Annotated

from zoo import ImagePredictOptions, TextFinetuneOptions, TextPredictOptions, TextPretrainOptions, option

MOST_TOKENS = 131_072
MaxTokens = Annotated[
    int | None,
    option(
        "Longer texts are cut; auto is as many as the longest needs that the model was made for, at least 128.",
        ge=8,
        le=MOST_TOKENS,
        unit="tokens",
    ),
]


class LongTextFinetuneOptions(TextFinetuneOptions, frozen=True, kw_only=True):
    """Options of fine-tuning."""

    max_tokens: MaxTokens = None


class LongTextPretrainOptions(TextPretrainOptions, frozen=True, kw_only=True):
    """Options of masked language modelling."""

    max_tokens: MaxTokens = None


class LongTextPredictOptions(TextPredictOptions, frozen=True, kw_only=True):
    """Options of predicting."""

    max_tokens: Annotated[
        int | None,
        option("Longer texts are cut; auto is what the model was made for.", ge=8, le=MOST_TOKENS, unit="tokens"),
    ] = None


class WindowedPredictOptions(TextPredictOptions, frozen=True, kw_only=True):
    """Options of predicting with a model that reads a question and a text at once."""

    max_tokens: Annotated[
        int | None,
        option(
            "Tokens read at once, the question among them; longer texts are read in windows. Auto is 384, at most what "
            "the model was made for.",
            ge=8,
            le=MOST_TOKENS,
            unit="tokens",
        ),
    ] = None


class LargePicturePredictOptions(ImagePredictOptions, frozen=True, kw_only=True):
    """Options of predicting with a network that sees pictures large."""

    batch_size: Annotated[
        int, option("Images computed at once, where they are seen at one size.", ge=1, le=65_536, unit="images")
    ] = 4
