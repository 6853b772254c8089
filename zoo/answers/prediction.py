"""What a predictor gives for an input."""

from __future__ import annotations

from typing import Union

from zoo.answers.classification import Classification
from zoo.answers.embedding import Embedding
from zoo.answers.filled_mask import FilledMask
from zoo.answers.label_set import LabelSet
from zoo.answers.quantity import Quantity
from zoo.answers.rejected import Rejected

Prediction = Union[Classification, LabelSet, Quantity, FilledMask, Embedding, Rejected]
