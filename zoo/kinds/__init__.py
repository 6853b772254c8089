"""What one value of a data set is: texts, images and recordings go in, labels and numbers come out.

Each kind owns everything about its values. Tasks are built from kinds. Nothing else in zoo asks which kind a value is:
it asks the kind.
"""

from __future__ import annotations

from zoo.kinds.boxes import BOXES, Box
from zoo.kinds.completion import COMPLETION
from zoo.kinds.image import IMAGE
from zoo.kinds.input_kind import InputKind
from zoo.kinds.kind import Unusable
from zoo.kinds.label import LABEL
from zoo.kinds.labels import LABELS
from zoo.kinds.mask import MASK, LabelMask
from zoo.kinds.number import NUMBER
from zoo.kinds.prompt import PROMPT
from zoo.kinds.record import Record
from zoo.kinds.recording import RECORDING
from zoo.kinds.spans import SPANS, Span
from zoo.kinds.target_kind import TargetKind
from zoo.kinds.text import TEXT
from zoo.kinds.transcript import TRANSCRIPT

INPUT_KINDS: tuple[InputKind, ...] = (TEXT, IMAGE, PROMPT, RECORDING)
"""The likelier first where a table has columns of both."""

TARGET_KINDS: tuple[TargetKind, ...] = (LABEL, LABELS, NUMBER, BOXES, MASK, SPANS)

__all__ = [
    "BOXES",
    "COMPLETION",
    "IMAGE",
    "INPUT_KINDS",
    "LABEL",
    "LABELS",
    "MASK",
    "NUMBER",
    "PROMPT",
    "RECORDING",
    "SPANS",
    "TARGET_KINDS",
    "TEXT",
    "TRANSCRIPT",
    "Box",
    "InputKind",
    "LabelMask",
    "Record",
    "Span",
    "TargetKind",
    "Unusable",
]
