"""What can be chosen beside the options of every text model.

Dropout is off unless asked for, since a few epochs of fine-tuning do as well without it; but for names in texts, which
are learnt from few words each: with the model's own, F1 on names never seen rises from 0.36 to 0.37 (WNUT 2017).
"""

from __future__ import annotations

from typing import Annotated

from zoo import TextFinetuneOptions, TextPretrainOptions, option

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


class BertFinetuneOptions(TextFinetuneOptions, frozen=True, kw_only=True):
    """Options of fine-tuning BERT for what is said of a text as a whole."""

    dropout: Dropout = 0.0
    vocabulary_size: VocabularySize = None


class BertTaggingOptions(BertFinetuneOptions, frozen=True, kw_only=True):
    """Options of learning names in texts."""

    dropout: Dropout = None


class BertPretrainOptions(TextPretrainOptions, frozen=True, kw_only=True):
    """Options of masked language modelling."""

    dropout: Dropout = 0.0
    vocabulary_size: VocabularySize = None
