"""What can be chosen beside the options of every model that writes.

Dropout is off unless asked for: a few epochs of fine-tuning do as well without it.
"""

from __future__ import annotations

from typing import Annotated

from zoo import CausalFinetuneOptions, CausalPretrainOptions, option

Dropout = Annotated[
    float | None,
    option("Dropout of all layers of GPT-2; auto is the model's own. Llama has none.", ge=0, lt=1, advanced=True),
]
VocabularySize = Annotated[
    int | None,
    option(
        "Most tokens that a model without a vocabulary learns from the data; auto goes by the number of words.",
        ge=300,
        le=50_257,
        unit="tokens",
        advanced=True,
    ),
]


class GptFinetuneOptions(CausalFinetuneOptions, frozen=True, kw_only=True):
    """Options of fine-tuning."""

    dropout: Dropout = 0.0
    vocabulary_size: VocabularySize = None


class GptPretrainOptions(CausalPretrainOptions, frozen=True, kw_only=True):
    """Options of causal language modelling."""

    dropout: Dropout = 0.0
    vocabulary_size: VocabularySize = None
