"""Prompts: a text that a model goes on with, or a conversation whose next message it writes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.encoding import encode_json
from zoo.kinds.kind import Unusable, noun_of
from zoo.kinds.text import TextKind

if TYPE_CHECKING:
    from zoo.kinds.facts import ModelLimits
    from zoo.kinds.measure import Measure

Message = dict[str, str]
"""`role` and `content`."""
ASSISTANT, SYSTEM, USER = "assistant", "system", "user"
"""Roles: the model, what it is told beforehand, the person."""
_OTHER_ROLES = {"gpt": ASSISTANT, "bot": ASSISTANT, "human": USER}
"""Of conversations as ShareGPT has them, with `from` and `value`."""

INSTRUCTIONS, MORE_OF_A_PROMPT = ("prompt", "instruction", "question"), ("input", "context")
"""Names of columns that hold the beginning of a prompt, and those that may hold the rest."""


class PromptKind(TextKind):
    """A text, or a list of messages."""

    name = "prompt"
    columns = ("prompt", "instruction", "question", "messages", "conversations", "input")
    singular = "a prompt"
    cell = "text or messages"
    example = '"some text"'
    example_data = "questions.jsonl"
    data_advice = "CSV, TSV, JSON, Parquet or text"

    def read(self, value: Any, column: str, base: Path) -> Any:
        """A text, or messages as JSON and Parquet have them."""
        if getattr(value, "ndim", 0) == 1:  # an array of numpy, as Parquet's readers give it
            value = list(value)
        if isinstance(value, list | tuple):
            return messages_of(value, f"column {column}")
        return super().read(value, column, base)

    def parse(self, text: str, column: str, base: Path) -> Any:
        """The text as it stands; messages where it is JSON that holds them."""
        messages = _of_json(text)
        return super().parse(text, column, base) if messages is None else messages_of(messages, f"column {column}")

    def typed(self, text: str) -> Any:
        """A text; messages where it is JSON that holds them."""
        messages = _of_json(text)
        return text if messages is None else messages_of(messages, "what was typed")

    def expand(self, words: Iterable[str]) -> list[Any]:
        """Each word is a prompt."""
        return [self.typed(word) for word in words]

    def unread_note(self, column: str, columns: Sequence[str]) -> str:
        """A second part of an instruction, as some data sets have it."""
        unread = [name for name in columns if name.lower() in MORE_OF_A_PROMPT and name != column]
        if not unread or column.lower() not in INSTRUCTIONS:
            return ""
        return f"column {unread[0]} is not read: where the prompt needs it, write both into one column"

    def is_one(self, value: Any) -> bool:
        """Whether it is a list of messages."""
        return _are_messages(value)

    def display_text(self, value: Any) -> str:
        """The text; of a conversation who says what."""
        return value if isinstance(value, str) else conversation_text(value) if _are_messages(value) else str(value)

    def digests(self, inputs: Iterable[Any]) -> list[str]:
        """None of texts, which are compared."""
        return ["" if isinstance(one, str) else hashlib.sha256(encode_json(one)).hexdigest() for one in inputs]

    def likeness(self, cells: list[Any]) -> float:
        """That of texts; messages are prompts for sure."""
        return 1000.0 if cells and all(map(_are_messages, cells)) else super().likeness(cells)

    def measure(self, base: Path, limits: ModelLimits) -> Measure:
        """Lengths and characters."""
        from zoo.kinds.prompt_measure import PromptMeasure

        return PromptMeasure(limits)


PROMPT = PromptKind()


def messages_of(value: Any, where: str) -> list[Message]:
    """The messages of a conversation, each with `role` and `content`.

    Args:
        value: a list of objects with `role` and `content`, or with `from` and `value`.
        where: it was found, for messages.

    Raises:
        Unusable: it is none; saying which message.
    """
    if not isinstance(value, Sequence) or not value:
        raise Unusable(f"{where} holds {noun_of(value)} where a list of messages was expected")
    return [_message(one, f"{where}, message {number}") for number, one in enumerate(value, 1)]


def without_oldest_turn(messages: Sequence[Message]) -> list[Message]:
    """A conversation without the first message of its user and all up to the second; empty where there is no second.

    Messages of the system before it stay: they say how the model is to answer.
    """
    start = next((place for place, one in enumerate(messages) if one["role"] != SYSTEM), len(messages))
    for place in range(start + 1, len(messages)):
        if messages[place]["role"] == USER:
            return [*messages[:start], *messages[place:]]
    return []


def conversation_text(messages: Sequence[Message]) -> str:
    """Who says what, a message a line."""
    return "\n".join(f"{one['role']}: {one['content']}" for one in messages)


def _message(value: Any, where: str) -> Message:
    if not isinstance(value, Mapping):
        raise Unusable(f"{where} is {noun_of(value)}, not an object with role and content")
    role = value.get("role") or value.get("from")
    content = value.get("content") if "content" in value else value.get("value")
    if isinstance(content, Sequence) and not isinstance(content, str):  # parts, as models that see pictures have them
        content = "".join(_part(part, where) for part in content)
    if not isinstance(role, str) or not isinstance(content, str):
        raise Unusable(f"{where} lacks {'a role' if not isinstance(role, str) else 'a text as its content'}")
    if "\0" in content:
        raise Unusable(f"{where} holds a NUL character")
    return {"role": _OTHER_ROLES.get(role, role), "content": content}


def _part(part: Any, where: str) -> str:
    text = part.get("text") if isinstance(part, Mapping) else part
    if not isinstance(text, str):
        raise Unusable(f"{where} has a part that is no text")
    return text


def _of_json(text: str) -> Any:
    """What a text holds that is a list of messages in JSON; None for any other."""
    if not text.lstrip().startswith("[") or '"' not in text:
        return None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return value if _are_messages(value) else None


def _are_messages(value: Any) -> bool:
    """Whether it looks like a list of messages."""
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(isinstance(one, Mapping) and ("role" in one or "from" in one) for one in value)
    )
