"""A conversation with a model that chats: what was said so far is asked again with every message."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator

from zoo.answers import Prediction, Rejected
from zoo.kinds.prompt import ASSISTANT, SYSTEM, USER, Message

Stream = Callable[[list[Message]], Generator[str | Prediction]]


class Chat:
    """What a person and a model have said to each other.

    Args:
        stream: gives the pieces of the next message of a conversation, and last the answer itself.
        system: what the model is told before the conversation; empty for nothing.
    """

    def __init__(self, stream: Stream, system: str = "") -> None:
        self.stream = stream
        self.system = system
        """May change from one message to the next."""
        self.said: list[Message] = []
        """What was said by both, in turns."""
        self.answer: Prediction | None = None
        """The last answer, once it is complete; its text is in `said`."""

    def ask(self, text: str) -> Generator[str]:
        """The pieces of the answer to a message, as they come.

        Whoever closes the iterator stops the model. What was said by then belongs to the conversation; a message to
        which nothing was said does not.

        Raises:
            ZooError: as the model raises it.
        """
        question: Message = {"role": USER, "content": text}
        pieces: list[str] = []
        self.answer = None
        try:
            with contextlib.closing(self.stream(self.messages(question))) as items:
                for item in items:
                    if isinstance(item, str):
                        pieces.append(item)
                        yield item
                    else:
                        self.answer = item
            if not pieces and self.answer is not None and not isinstance(self.answer, Rejected):
                pieces.append(self.answer.cells().prediction)
                yield pieces[0]
        finally:
            if pieces:
                answer = "".join(pieces).replace("\0", "")  # which no message may hold, whatever a model writes
                self.said += [question, {"role": ASSISTANT, "content": answer}]

    def messages(self, *more: Message) -> list[Message]:
        """The conversation as the model reads it.

        Args:
            more: what is said next.
        """
        beforehand: list[Message] = [{"role": SYSTEM, "content": self.system}] if self.system.strip() else []
        return [*beforehand, *self.said, *more]
