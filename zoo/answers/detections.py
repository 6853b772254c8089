"""Things in a picture, each with the box around it."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from zoo.answers.answer import Answer, heading
from zoo.blocks import Block, Boxes, BoxMark


class Detection(msgspec.Struct, frozen=True):
    """A thing and the box around it, in pixels of the picture as it is shown."""

    left: float
    top: float
    right: float
    bottom: float
    label: str
    score: float
    """0 to 1."""


class Detections(Answer, frozen=True, tag="detections"):
    """What is where in a picture."""

    detections: tuple[Detection, ...]
    """Best first."""
    width: int
    """Of the picture as it is shown, in pixels."""
    height: int

    on_picture: ClassVar[bool] = True

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The picture with its boxes."""
        marks = tuple(
            BoxMark(one.left, one.top, one.right, one.bottom, one.label, one.score) for one in self.detections
        )
        return (*heading(source), Boxes(image=source, width=self.width, height=self.height, boxes=marks))
