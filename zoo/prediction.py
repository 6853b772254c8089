"""The names that `zoo.answers` has now; to be left out from version 0.2 on."""

from __future__ import annotations

from zoo.answers import (
    Answer,
    BaseAnswer,
    Classification,
    Embedding,
    FilledMask,
    Prediction,
    Rejected,
    Score,
    TruncationCount,
    predict_encodable,
)

__all__ = [
    "Answer",
    "BaseAnswer",
    "Classification",
    "Embedding",
    "FilledMask",
    "Prediction",
    "Rejected",
    "Score",
    "TruncationCount",
    "predict_encodable",
]
