"""What a causal model learns of an example: the tokens of a text, and which of them it is to predict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.errors import Unsupported
from zoo.kinds.prompt import ASSISTANT, SYSTEM, USER, Message
from zoo.training.text.chat import ChatTemplate, Span

if TYPE_CHECKING:
    from zoo.training.text.causal import CausalBody

USUAL_TOKENS = 1024
"""Most tokens of a text where no number is asked for."""


class LearntText(NamedTuple):
    """Tokens, and which of them are learnt."""

    ids: list[int]
    learnt: list[bool]
    """Whether each is to be predicted from those before it; the first cannot be."""

    @property
    def learnt_tokens(self) -> int:
        """Tokens that are learnt."""
        return sum(self.learnt[1:])

    def cut(self, size: int) -> LearntText:
        """Its first tokens."""
        return LearntText(self.ids[:size], self.learnt[:size])

    def windows(self, size: int, stride: int) -> Iterator[LearntText]:
        """Pieces of at most so many tokens, in which each token is learnt once.

        Args:
            size: tokens of a piece.
            stride: tokens between the beginnings of two; those that a piece repeats of the one before are only seen.
        """
        known = 0
        for start in range(0, max(1, len(self.ids) - size + stride), stride):
            stop = min(start + size, len(self.ids))
            seen = max(0, known - start)
            yield LearntText(self.ids[start:stop], [False] * seen + self.learnt[start + seen : stop])
            known = stop


class LearntTexts:
    """Makes them for one model.

    Args:
        body: of the model.
        model: its name, for messages.
    """

    def __init__(self, body: CausalBody, model: str) -> None:
        self._body, self._model = body, model
        self._template = ChatTemplate(body.chat_template, body.special_tokens, model) if body.chat_template else None

    @property
    def template(self) -> ChatTemplate | None:
        """That of the model; None where it does not chat."""
        return self._template

    def of(self, prompt: Any, completion: str | None) -> LearntText:
        """What is learnt of one example.

        Of a text without a completion that is everything, the token that ends it included; of a prompt the completion
        and its end; of a conversation what the assistant says. A model that chats sees a prompt as what the user says,
        and its completion as the answer to it.

        Args:
            prompt: a text or messages, as `zoo.kinds.prompt` has them.
            completion: what follows; None where the data say none.

        Raises:
            Unsupported: there are messages, and the model does not chat.
        """
        if isinstance(prompt, str):
            if completion is None:
                return self._text(prompt)
            if self._template is None:
                return self._completion(prompt, completion)
            prompt = [{"role": USER, "content": prompt}]
        answer = [] if completion is None else [{"role": ASSISTANT, "content": completion}]
        return self._conversation([*prompt, *answer])

    def prompt_ids(self, prompt: Any, *, raw: bool = False, system: str = "") -> list[int]:
        """Token ids of what the model is to go on from, as training has it.

        Args:
            prompt: a text or messages.
            raw: whether a text is gone on with as it stands, though the model chats.
            system: what the model is told before a conversation that does not begin with such a message.
        """
        if isinstance(prompt, str) and (self._template is None or raw):
            return self._body.text_ids([prompt])[0]
        messages = [{"role": USER, "content": prompt}] if isinstance(prompt, str) else list(prompt)
        if system and messages[0]["role"] != SYSTEM:
            messages.insert(0, {"role": SYSTEM, "content": system})
        return self._body.text_ids([self._chat_template().render(messages)], whole=False)[0]

    def _text(self, text: str) -> LearntText:
        ids = [*self._body.text_ids([text])[0], *self._body.eos_ids[:1]]
        return LearntText(ids, [True] * len(ids))

    def _completion(self, prompt: str, completion: str) -> LearntText:
        """The prompt as it is tokenised alone, which is how it will be asked."""
        (before,), (whole,) = self._body.text_ids([prompt]), self._body.text_ids([prompt + completion])
        after = whole[len(before) :]
        if whole[: len(before)] != before:
            (after,) = self._body.text_ids([completion], whole=False)
        after = [*after, *self._body.eos_ids[:1]] if completion else []
        return LearntText([*before, *after], [False] * len(before) + [True] * len(after))

    def _conversation(self, messages: Sequence[Message]) -> LearntText:
        text, answers = self._chat_template().render_answers(messages)
        encoding = self._body.tokenizer.encode(text, add_special_tokens=False)
        learnt = _within(answers, (start for start, _ in encoding.offsets))
        return self._ended(LearntText(encoding.ids, learnt), to_be_ended=messages[-1]["role"] == ASSISTANT)

    def _ended(self, text: LearntText, *, to_be_ended: bool) -> LearntText:
        """With the end of each answer learnt, and nothing that the template writes after it."""
        ids, learnt, ends = list(text.ids), list(text.learnt), frozenset(self._body.eos_ids)
        for start, stop in runs_of(text.learnt):
            if not text.learnt[start]:
                continue
            end = next((place for place in range(stop, start, -1) if ids[place - 1] in ends), None)
            if end is not None:
                learnt[end:stop] = [False] * (stop - end)
            elif stop < len(text.ids):
                learnt[stop] = ids[stop] in ends
            elif to_be_ended:
                ids += self._body.eos_ids[:1]
                learnt += [True] * (len(ids) - len(learnt))
        return LearntText(ids, learnt)

    def _chat_template(self) -> ChatTemplate:
        if self._template is None:
            raise Unsupported(
                f"{self._model} has no chat template, so it cannot read messages",
                "give it texts: columns prompt and completion, or text; or choose a model that chats",
            )
        return self._template


def _within(spans: Sequence[Span], places: Iterable[int]) -> list[bool]:
    """Whether each place is within one of the spans."""
    return [any(start <= place < stop for start, stop in spans) for place in places]


def runs_of(flags: Sequence[bool]) -> Iterator[Span]:
    """Where the flags are all true, or all false, one after another."""
    place = 0
    for _, group in groupby(flags):
        stop = place + len(list(group))
        yield place, stop
        place = stop
