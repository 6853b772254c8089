"""A label for each pixel of a picture."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from zoo.answers.answer import Answer, AnswerCells, InvalidAnswer, heading
from zoo.answers.probabilities import ProbabilityTable
from zoo.answers.scores import Score
from zoo.blocks import Block, Mask

MOST_LABELS = 256
"""As a palette has room for."""


class SegmentedImage(Answer, frozen=True, tag="segmented_image"):
    """Which label each pixel of a picture has."""

    on_picture: ClassVar[bool] = True

    width: int
    """Of the picture as it is shown, in pixels."""
    height: int
    labels: tuple[str, ...]
    mask: bytes
    """A PNG of mode P or L and of the same size: a pixel of the value i is labels[i]; in JSON it is base64."""
    shares: tuple[Score, ...] = ()
    """The labels that occur with their shares of the pixels, 0 to 1, the largest first."""
    probabilities: ProbabilityTable | None = None
    """Of all labels, in the mean over each cell of a grid that is laid over the picture; None where they were not asked
    for."""

    @classmethod
    def of_indexes(cls, indexes: Any, labels: tuple[str, ...], probabilities: ProbabilityTable | None = None) -> Self:
        """Make one of the index of the label of each pixel.

        Args:
            indexes: uint8 of shape (height, width), of numpy or of torch.
            labels: of the model, at most 256.
            probabilities: of the labels, if they were asked for.
        """
        import io

        import numpy as np
        from PIL import Image

        array = np.ascontiguousarray(np.asarray(indexes, dtype=np.uint8))
        height, width = array.shape
        file = io.BytesIO()
        Image.fromarray(array).save(file, "PNG", compress_level=1)
        counts = np.bincount(array.reshape(-1), minlength=len(labels)).tolist()
        shares = (Score(label, count / array.size) for label, count in zip(labels, counts, strict=True) if count)
        ranked = tuple(sorted(shares, key=lambda one: -one.probability))
        return cls(width, height, labels, file.getvalue(), ranked, probabilities)

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The mask over its picture."""
        block = Mask(image=source, width=self.width, height=self.height, labels=self.labels, mask=self.mask)
        return (*heading(source), block)

    def cells(self) -> AnswerCells:
        """The labels with their shares, without the mask."""
        return AnswerCells(", ".join(f"{one.label} {one.probability:.1%}" for one in self.shares))

    def as_target(self) -> tuple[tuple[str, ...], bytes]:
        """The labels, and the mask of their indexes."""
        return self.labels, self.mask

    def checked(self, labels: frozenset[str]) -> Self:
        """With a PNG as large as it says, of labels of the model."""
        unknown = next((label for label in self.labels if labels and label not in labels), None)
        if unknown is not None:
            raise InvalidAnswer(f"label {unknown!r}", "labels are those of the model")
        if not 0 < len(self.labels) <= MOST_LABELS:
            raise InvalidAnswer(f"{len(self.labels)} labels", f"a mask has 1 to {MOST_LABELS}")
        if self.mask[:8] != b"\x89PNG\r\n\x1a\n" or len(self.mask) < 24:
            raise InvalidAnswer(f"mask {self.mask[:8]!r}", "a mask is the content of a PNG")
        size = (int.from_bytes(self.mask[16:20]), int.from_bytes(self.mask[20:24]))  # its header chunk comes first
        if size != (self.width, self.height):
            raise InvalidAnswer(
                f"a mask of {size[0]} x {size[1]} pixels", f"it is as large as it says, {self.width} x {self.height}"
            )
        if self.probabilities is not None:
            if len(self.probabilities.shape) != len(size):
                raise InvalidAnswer(f"probabilities of shape {self.probabilities.shape}", "they are (height, width)")
            if wrong := self.probabilities.fault():
                raise InvalidAnswer(wrong, "zoo.ProbabilityTable.of packs an array")
        return self

    def numbers(self) -> dict[str, float]:
        """The shares by their labels."""
        return {one.label: one.probability for one in self.shares}

    def otherwise(self, other: Self) -> float:
        """Share of the pixels that have other labels."""
        one, another = self._label_indexes(), other._label_indexes()
        if self.labels != other.labels or one.shape != another.shape:
            return 1.0
        return float((one != another).mean())

    def _label_indexes(self) -> Any:
        """Of each pixel, shape (height, width)."""
        import io

        import numpy as np
        from PIL import Image

        return np.asarray(Image.open(io.BytesIO(self.mask)))
