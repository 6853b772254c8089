"""Things in a picture, each with the box around it."""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

from zoo.answers.answer import Answer, InvalidAnswer, heading
from zoo.blocks import Block, Boxes, BoxMark

ROUNDING = 0.1
"""Pixels that a box may reach over the edge of its picture."""


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

    def checked(self, labels: frozenset[str]) -> Self:
        """With boxes that lie in the picture, of labels of the model, the best first."""
        if self.width < 1 or self.height < 1:
            raise InvalidAnswer(f"a picture of {self.width} x {self.height} pixels", "width and height are those of it")
        before = 1.0
        for place, one in enumerate(self.detections):
            name = f"detections[{place}]"
            if labels and one.label not in labels:
                raise InvalidAnswer(f"{name}.label {one.label!r}", "labels are those of the model")
            if not 0 <= one.score <= 1:
                raise InvalidAnswer(f"{name}.score {one.score}", "scores are from 0 to 1")
            if one.score > before:
                raise InvalidAnswer(f"{name}.score {one.score} after {before}", "the best box comes first")
            if not self._holds(one):
                corners = f"{one.left:g}, {one.top:g} to {one.right:g}, {one.bottom:g}"
                raise InvalidAnswer(
                    f"{name} from {corners}", f"a box has an area within the picture of {self.width} x {self.height}"
                )
            before = one.score
        return self

    def _holds(self, one: Detection) -> bool:
        """Whether a box lies in the picture."""
        across = -ROUNDING <= one.left < one.right <= self.width + ROUNDING
        return across and -ROUNDING <= one.top < one.bottom <= self.height + ROUNDING

    def numbers(self) -> dict[str, float]:
        """Scores, and corners as shares of width and height, by place and label."""
        numbers: dict[str, float] = {}
        for place, one in enumerate(self.detections):
            corners = (one.left / self.width, one.top / self.height, one.right / self.width, one.bottom / self.height)
            values = zip(("score", "left", "top", "right", "bottom"), (one.score, *corners), strict=True)
            numbers |= {f"{name} of {place} ({one.label})": value for name, value in values}
        return numbers
