"""What a predictor gives for an input."""

from __future__ import annotations

from typing import Union

from zoo.answers.answer import Answer
from zoo.answers.rejected import Rejected

Prediction = Union[Answer, Rejected]
"""The answer of a task, whoever brings it, or why there is none."""
