"""What a model answers. Views draw the blocks of an answer, never a particular plugin's model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Union

import msgspec

from zoo.blocks import Bar, Bars, Block, Paragraph, Table, Vector
from zoo.encoding import is_encodable
from zoo.plurals import counted


class Score(msgspec.Struct, frozen=True):
    """A label and how probable it is."""

    label: str
    probability: float
    """0 to 1."""


class BaseAnswer(msgspec.Struct, frozen=True):
    """What stands in the place of an input: an answer, or why there is none."""

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """What views draw; those of an answer without blocks of its own are its fields.

        Args:
            source: the input, as it is shown above the answer; empty where it is in sight already.
        """
        fields = msgspec.structs.asdict(self)
        return (*_heading(source), Table(headers=("", ""), rows=tuple((name, str(fields[name])) for name in fields)))

    @property
    def remark(self) -> str:
        """What a person has to know beside the answer; empty where that is nothing."""
        return ""

    def _repr_html_(self) -> str:
        """The answer as a notebook shows it."""
        from zoo.rendering.html import html

        remark = (Paragraph(text=self.remark),) if self.remark else ()
        return html((*remark, *self.blocks()))


class Answer(BaseAnswer, frozen=True, kw_only=True, omit_defaults=True):
    """What all answers share; a task of your own has a subclass of it."""

    truncated_at: int | None = None
    """How many tokens of a text were read that has more; None where all of it was read."""

    @property
    def remark(self) -> str:
        """How much was read of an input that was not read whole."""
        return "" if self.truncated_at is None else f"only the first {self.truncated_at:,} tokens were read"


class Classification(Answer, frozen=True, tag="classification"):
    """Labels with probabilities, most probable first."""

    scores: tuple[Score, ...]

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The labels as bars."""
        return (*_heading(source), _bars(self.scores))

    @property
    def label(self) -> str:
        """The most probable label."""
        return self.scores[0].label

    @property
    def probability(self) -> float:
        """Probability of the most probable label."""
        return self.scores[0].probability


class FilledMask(Answer, frozen=True, tag="filled_mask"):
    """Candidates for one masked token, most probable first; the text is given whole with the best one filled in."""

    text: str
    scores: tuple[Score, ...]

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The whole text, which takes the place of the input, and the candidates as bars."""
        return (*_heading(self.text), _bars(self.scores))


class Embedding(Answer, frozen=True, tag="embedding"):
    """A vector that stands for the whole input."""

    vector: tuple[float, ...]
    """Shape (embed_dim,)."""

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The numbers."""
        return (*_heading(source), Vector(numbers=self.vector))


class Rejected(BaseAnswer, frozen=True, tag="rejected"):
    """Stands where an input could not be read or answered."""

    reason: str

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """The reason."""
        return (*_heading(source), Paragraph(text=f"rejected: {self.reason}", tone="error"))


def _heading(text: str) -> tuple[Block, ...]:
    return (Paragraph(text=text, tone="strong"),) if text else ()


def _bars(scores: Sequence[Score]) -> Bars:
    return Bars(bars=tuple(Bar(score.label, score.probability) for score in scores))


Prediction = Union[Classification, FilledMask, Embedding, Rejected]


class TruncationCount:
    """How many inputs of a job were longer than what the model reads."""

    def __init__(self) -> None:
        self._answered = 0
        self._truncated = 0
        self._max_tokens = 0

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Count some more answers."""
        for prediction in predictions:
            if isinstance(prediction, Rejected):
                continue
            self._answered += 1
            if prediction.truncated_at is not None:
                self._truncated += 1
                self._max_tokens = max(self._max_tokens, prediction.truncated_at)

    @property
    def message(self) -> str:
        """The share in words; empty where nothing was cut."""
        if not self._truncated:
            return ""
        verb = "is" if self._truncated == 1 else "are"
        share = f"{self._truncated:,} of {counted(self._answered, 'input')} ({self._truncated / self._answered:.1%})"
        return f"{share} {verb} longer than the {self._max_tokens:,} tokens that the model reads, and {verb} cut there"


def predict_encodable(predict: Callable[[list[Any]], list[Prediction]], inputs: Sequence[Any]) -> list[Prediction]:
    """Answer the inputs, in order; text that is not UTF-8 is rejected in its place."""
    encodable = [not isinstance(one, str) or is_encodable(one) for one in inputs]
    if all(encodable):
        return predict(list(inputs))
    readable = [one for one, answerable in zip(inputs, encodable, strict=True) if answerable]
    answers = iter(predict(readable) if readable else [])
    return [next(answers) if answerable else Rejected("it holds bytes that are not UTF-8") for answerable in encodable]
