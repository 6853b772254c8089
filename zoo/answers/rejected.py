"""Why there is no answer."""

from __future__ import annotations

from zoo.answers.answer import AnswerCells, BaseAnswer, heading
from zoo.blocks import Block, Paragraph


class Rejected(BaseAnswer, frozen=True, tag="rejected"):
    """Stands where an input could not be read or answered."""

    reason: str

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The reason."""
        return (*heading(source), Paragraph(text=f"rejected: {self.reason}", tone="error"))

    def cells(self) -> AnswerCells:
        """The reason, in a column of its own."""
        return AnswerCells("", rejected=self.reason)
