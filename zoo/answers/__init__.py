"""What models answer: one light module an answer. `answer.py` says what zoo asks of each.

Views draw the blocks of an answer, never a particular plugin's model.
"""

from __future__ import annotations

from zoo.answers.answer import Answer, AnswerCells, BaseAnswer, InvalidAnswer
from zoo.answers.calibratable_answer import CalibratableAnswer
from zoo.answers.classification import Classification
from zoo.answers.detections import Detection, Detections
from zoo.answers.embedding import Embedding
from zoo.answers.extracted_answer import ContextSpan, ExtractedAnswer
from zoo.answers.filled_mask import FilledMask
from zoo.answers.generated_text import GeneratedText, ScoredText
from zoo.answers.inputs import (
    TruncationCount,
    is_encodable_input,
    predict_encodable,
    predict_encodable_chunks,
)
from zoo.answers.label_set import LabelSet
from zoo.answers.prediction import Prediction
from zoo.answers.probabilities import ProbabilityTable
from zoo.answers.quantity import Quantity
from zoo.answers.rejected import Rejected
from zoo.answers.scores import Score
from zoo.answers.segmentation import SegmentedImage
from zoo.answers.tagged_spans import TaggedSpan, TaggedSpans
from zoo.answers.transcript import Segment, TimedText, Transcript, shown_piece

__all__ = [
    "Answer",
    "AnswerCells",
    "BaseAnswer",
    "CalibratableAnswer",
    "Classification",
    "ContextSpan",
    "Detection",
    "Detections",
    "Embedding",
    "ExtractedAnswer",
    "FilledMask",
    "GeneratedText",
    "InvalidAnswer",
    "LabelSet",
    "Prediction",
    "ProbabilityTable",
    "Quantity",
    "Rejected",
    "Score",
    "ScoredText",
    "Segment",
    "SegmentedImage",
    "TaggedSpan",
    "TaggedSpans",
    "TimedText",
    "Transcript",
    "TruncationCount",
    "is_encodable_input",
    "predict_encodable",
    "predict_encodable_chunks",
    "shown_piece",
]
