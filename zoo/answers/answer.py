"""What every answer is, and what zoo asks of one: never which answer it is.

An answer of a task is a frozen struct with a few methods. Each has a default that does for an answer which has nothing
better to say:

| method | asked by | default |
|---|---|---|
| `blocks(source)` | every view | a table of the fields |
| `quick_check(labels)` | every prediction | nothing is right at a glance, `checked` looks at all of it |
| `checked(labels)` | every prediction | right, once its fields have their types |
| `cells()` | answers as CSV or TSV | the fields, as text or as JSON |
| `severity(target)` | evaluations, for the list of mistakes | no mistake |
| `log_odds(target)` | `zoo audit`, which looks for training rows | the model does not say how likely it is |
| `shortened()` | the list of mistakes | the whole answer |
| `numbers()` | what compares two answers | the fields that are numbers |
| `otherwise(other)` | the same | whether the cells differ, where there are no numbers |
| `as_target()` | trainings on a teacher's answers | nothing can be learnt from it |
| `check_complete(labels)` | conformance tests | it is complete |

One that can be calibrated is a `zoo.CalibratableAnswer`, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, Self

import msgspec

from zoo.blocks import Block, Boxes, Mask, Paragraph, Picture, Table
from zoo.encoding import encode_json

_PICTURE = "picture"
"""Where an answer remembers the picture that it is about."""


class AnswerCells(NamedTuple):
    """What a row of a table has room for."""

    prediction: str
    probability: float | None = None
    """How sure the model is of it, 0 to 1; None where it does not say."""
    rejected: str = ""
    """Why there is no answer."""


class InvalidAnswer(ValueError):
    """An answer breaks its contract; whoever asked for it adds the name of the plugin.

    Args:
        fault: what is wrong, with field and value, such as "vector[1] inf".
        advice: what the contract asks for.
    """

    def __init__(self, fault: str, advice: str) -> None:
        super().__init__(f"{fault}: {advice}")
        self.fault, self.advice = fault, advice


class FileFormat(NamedTuple):
    """How a file of answers may be written beside tables and JSON lines."""

    writer: str
    """`module:class` of the `zoo.runs.answer_files.AnswerFormat`; imported when it is used."""
    extensions: tuple[str, ...] = ()
    """What such files end in, where that says it; a person can name any format."""


class RecordCount(msgspec.Struct, frozen=True):
    """What a file of answers holds already."""

    rows: int = 0
    rejected: int = 0
    """Of these rows."""
    end: int = 0
    """Bytes of the file up to the end of its last whole record, the header included."""


def _tag(name: str) -> str:
    """The `type` of an answer in JSON where it has none of its own: FilledMask is filled_mask."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class BaseAnswer(msgspec.Struct, frozen=True, tag=_tag, dict=True):
    """What stands in the place of an input: an answer, or why there is none."""

    def remember_picture(self, path: str) -> None:
        """Note the picture that is answered, for a notebook; it is no part of the answer, and no file has it.

        Args:
            path: of its file, absolute.
        """
        vars(self)[_PICTURE] = path

    def blocks(self, source: str = "") -> tuple[Block, ...]:
        """What views draw; those of an answer without blocks of its own are its fields.

        Args:
            source: the input, as it is shown above the answer, such as the path of a file; empty where it is in sight
                already.
        """
        rows = tuple((name, str(value)) for name, value in self._own_fields().items())
        return (*heading(source), Table(headers=("", ""), rows=rows))

    def cells(self) -> AnswerCells:
        """The answer in a table: its fields."""
        fields = self._own_fields()
        value = next(iter(fields.values())) if len(fields) == 1 else fields
        return AnswerCells(value if isinstance(value, str) else encode_json(value, enc_hook=str).decode())

    def _own_fields(self) -> dict[str, Any]:
        """The fields, without those that all answers share."""
        fields = msgspec.structs.asdict(self)
        return {name: value for name, value in fields.items() if name not in Answer.__struct_fields__}

    def check_complete(self, labels: frozenset[str]) -> None:
        """Insist on what conformance tests ask for, and no single prediction is asked for.

        Args:
            labels: those of the model.

        Raises:
            InvalidAnswer: something is missing.
        """

    def severity(self, target: Any) -> float | None:
        """How bad a mistake it is, the larger the worse; None where it is right, or where there is no right and wrong.

        Args:
            target: what the data says, as the kind of the task's target reads it.
        """
        return None

    def log_odds(self, target: Any) -> float | None:
        """How likely the model holds what the data say, as the logarithm of its odds; None where it does not say.

        Args:
            target: what the data says, as the kind of the task's target reads it.
        """
        return None

    def shortened(self) -> Self:
        """As much of it as a list of mistakes keeps."""
        return self

    def numbers(self) -> dict[str, float]:
        """Its numbers by what they are about, such as a label: two answers are the same where these are, and they say
        nothing `otherwise`.
        """
        return {name: value for name, value in self._own_fields().items() if isinstance(value, float)}

    def otherwise(self, other: Self) -> float:
        """Share of what it says without numbers that another answer to the same input says otherwise, 0 to 1.

        Args:
            other: of the same class.
        """
        if self.numbers() or other.numbers():
            return 0.0
        return float(self.cells().prediction != other.cells().prediction)

    @property
    def remark(self) -> str:
        """What a person has to know beside the answer; empty where that is nothing."""
        return ""

    def _repr_html_(self) -> str:
        """The answer as a notebook shows it."""
        from zoo.rendering.html import html

        picture = vars(self).get(_PICTURE, "")
        blocks = self.blocks(picture)
        if picture and not any(isinstance(block, Picture | Boxes | Mask) for block in blocks):
            blocks = (Picture(image=picture), *self.blocks())
        remark = (Paragraph(text=self.remark),) if self.remark else ()
        return html((*remark, *blocks))


class Answer(BaseAnswer, frozen=True, kw_only=True, omit_defaults=True):
    """What all answers share; a task of your own has a subclass of it."""

    file_formats: ClassVar[Mapping[str, FileFormat]] = {}
    """Formats of files of such answers by their names, beside csv, tsv, jsonl and ndjson."""
    on_picture: ClassVar[bool] = False
    """Whether its blocks are drawn on the picture that is answered: `zoo.Boxes` and `zoo.Mask` of the source's path."""

    truncated_at: int | None = None
    """How many tokens of a text were read that has more; None where all of it was read."""

    @property
    def remark(self) -> str:
        """How much was read of an input that was not read whole."""
        return "" if self.truncated_at is None else f"only the first {self.truncated_at:,} tokens were read"

    def as_target(self) -> Any:
        """What data would say of the input, were the answer right, for `zoo.TargetKind.of_answer` of the task's target.

        Asked of the answers of a teacher (`Task.teachable`); None where there is no such thing.
        """
        return None

    @classmethod
    def quick_check(cls, labels: frozenset[str]) -> Callable[[Any], bool]:
        """What says at a glance that a prediction is right as it stands; whatever it refuses goes to `checked`.

        Args:
            labels: what the model tells apart; empty where any will do.
        """
        return lambda answer: False

    def checked(self, labels: frozenset[str]) -> Self:
        """This answer, rounding errors put right; its fields have their types already.

        Args:
            labels: what the model tells apart; empty where any will do.

        Raises:
            InvalidAnswer: a value makes no sense.
        """
        return self


def heading(text: str) -> tuple[Block, ...]:
    """The input above its answer."""
    return (Paragraph(text=text, tone="strong"),) if text else ()


def is_whole_number_or_none(value: object) -> bool:
    """Whether `truncated_at` is of the types that it has to be of."""
    return type(value) is int or value is None
