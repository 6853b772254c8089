"""What a model writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self, get_args

from zoo.answers.answer import Answer, AnswerCells, InvalidAnswer, heading, is_whole_number_or_none
from zoo.blocks import Block, Paragraph
from zoo.plurals import counted

Finish = Literal["end", "stop", "length"]
"""Why a text is not longer: the model has ended it, a text has come up that stops it, or there was no room for more."""
_FINISHES = frozenset(get_args(Finish))


class GeneratedText(Answer, frozen=True, tag="generated_text"):
    """What follows a prompt, without the prompt."""

    text: str
    finish: Finish
    tokens: int
    """How many were generated, the one that ends the text included."""
    messages_left_out: int = 0
    """The oldest of a conversation, which was too long; then `truncated_at` says how many tokens were read."""

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The text, a paragraph a line."""
        return (*heading(source), *(Paragraph(text=line) for line in self.text.strip("\n").split("\n")))

    def cells(self) -> AnswerCells:
        """The text."""
        return AnswerCells(self.text)

    @property
    def remark(self) -> str:
        """How much was read of the prompt, and that the text is not complete."""
        unread = super().remark
        if self.messages_left_out:
            left_out = counted(self.messages_left_out, "message")
            unread = f"the conversation is too long for the model, which did not read the oldest {left_out}"
        return "; ".join(filter(None, (unread, f"it was cut after {self.tokens:,} tokens" * (self.finish == "length"))))

    @classmethod
    def quick_check(cls, labels: frozenset[str]) -> Callable[[Any], bool]:
        """A text, and why it ends."""

        def is_right(answer: Any) -> bool:
            return (
                type(answer) is cls
                and type(answer.text) is str
                and type(answer.tokens) is int
                and type(answer.messages_left_out) is int
                and answer.finish in _FINISHES
                and is_whole_number_or_none(answer.truncated_at)
            )

        return is_right

    def checked(self, labels: frozenset[str]) -> Self:
        """Of no negative length."""
        if self.tokens < 0:
            raise InvalidAnswer(f"tokens {self.tokens}", "it is how many were generated, from 0")
        return self


class ScoredText(Answer, frozen=True, tag="scored_text"):
    """How likely a model finds a text that is given: what evaluations are made of."""

    loss: float
    """Mean negative log likelihood of its tokens, in nats."""
    tokens: int
    """How many of them are judged."""
