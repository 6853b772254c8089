"""What every kind says of its values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from zoo.encoding import encode_json
from zoo.errors import OptionInvalid

if TYPE_CHECKING:
    from zoo.blocks import DrawnBlock, PictureBlock
    from zoo.data.report import Inspection, Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.measure import Measure, TargetMeasure
    from zoo.kinds.samples import SampleSet


class Unusable(Exception):
    """A value cannot serve; the text says why."""


class Kind(ABC):
    """One sort of value. Its attributes are the same for all values."""

    name: str
    """For one value, in a person's words; an `s` makes it several."""
    columns: tuple[str, ...]
    """Usual names of the column that holds it, in lower case, the preferred one first."""

    def __str__(self) -> str:
        return self.name

    @abstractmethod
    def likeness(self, cells: list[Any]) -> float:
        """How much the cells of a column, none of them empty, look like such values; 0 where they do not."""


INPUT = "input"
"""The role of the column that holds the input, where it is one."""
TARGET = "label"
"""The role of the column that holds the target, whatever its kind."""


SLIPS = 0.1
"""Share of the cells of a column that may be something else than what the column looks like."""


FEW_KERNELS = 256
"""Compiled kernels of oneDNN that a process keeps where nothing says otherwise.

Texts come in thousands of shapes, and a kernel is half a megabyte; a step of training needs at most two hundred.
"""


class InputKind(Kind):
    """What goes into a model."""

    from_files: bool = False
    """Whether a value is the path of a file; else it is the text of the cell, which must be UTF-8."""
    comes_first: bool = False
    """Whether a table that names such files is of them, whatever else it holds: what is said in a recording is text."""
    group_columns: tuple[str, ...] = ()
    """Usual names, in lower case, of a column that says which values belong together, such as those of one speaker:
    where both parts of a data set hold some of a group, figures are better than for new ones."""
    group: str = ""
    """What such values have in common, in a word."""
    is_always_drawn: bool = False
    """Whether a value is drawn beside its answer or target even where nothing is marked on it."""
    kernels: int = FEW_KERNELS
    """Compiled kernels that a process keeps which learns from such values, some for each shape of a batch."""
    from_microphone: bool = False
    """Whether a value is what a microphone gives, as the path of a WAV file."""
    singular: str
    """The name with its article."""
    cell: str
    """What its column must hold."""
    example: str
    """One as it is typed at a shell."""
    example_data: str
    """The name of a data set of it, likewise."""
    data_advice: str
    """Which files and folders hold such data."""

    @property
    def roles(self) -> Mapping[str, InputKind]:
        """What the columns of one input hold: mostly the input itself, in one column."""
        return {INPUT: self}

    def joined(self, parts: Sequence[Any]) -> Any:
        """The input made of the values of its columns, in the order of `roles`."""
        return parts[0]

    def read(self, value: Any, column: str, base: Path) -> str:
        """The input a cell holds: a text, or the absolute path of a file.

        Args:
            value: the cell.
            column: its column, for messages.
            base: the folder that relative paths start from.

        Raises:
            Unusable: saying why it is none.
        """
        if is_empty(value):
            raise Unusable(f"column {column} is empty")
        if not isinstance(value, str):
            raise Unusable(f"column {column} holds {noun_of(value)}, not {self.cell}")
        return self.parse(value, column, base)

    @abstractmethod
    def parse(self, text: str, column: str, base: Path) -> str:
        """The input that the text of a cell stands for; arguments and errors as in `read`."""

    @abstractmethod
    def digests(self, inputs: Iterable[Any]) -> list[str]:
        """What is equal for equal inputs: the sha256 of a file; empty where the input itself is compared."""

    @abstractmethod
    def expand(self, words: Iterable[str]) -> list[Any]:
        """The inputs that words stand for which a person typed, in order.

        A name of nothing stays as it is: the model rejects it in its place.

        Raises:
            DatasetInvalid: a folder or a pattern stands for none.
        """

    def typed(self, text: str) -> Any:
        """The input that a person typed, in a line or in a field.

        Raises:
            Unusable: saying why it is none.
        """
        return text

    def typed_words(self, text: str) -> list[str]:
        """The words that stand for such an input on a command line, see `expand`."""
        return [text]

    def from_python(self, value: Any) -> Any:
        """The input that a caller gives from Python; what cannot be one stays as it is."""
        return value

    def unread_note(self, column: str, columns: Sequence[str]) -> str:
        """What a person should know of columns that may belong to the input, too, and are not read; empty for none.

        Args:
            column: of the input.
            columns: all that there are.
        """
        return ""

    def is_one(self, value: Any) -> bool:
        """Whether a list that a caller gives from Python is one input, rather than several."""
        return False

    def write_held(self, value: Any, stem: Path) -> Path | None:
        """Write an input that Python holds itself, where others are named by files; None where it is none.

        Args:
            value: of a cell.
            stem: of the file, which has no ending yet.

        Raises:
            Unusable: saying why it cannot be written.
            OSError: likewise, of the disk.
        """
        return None

    def display_text(self, value: Any) -> str:
        """The input as a person sees it beside its answer."""
        return str(value)

    def is_named_by(self, path: Path) -> bool:
        """Whether a file holds such a value by its name."""
        return False

    @abstractmethod
    def measure(self, base: Path, limits: ModelLimits) -> Measure:
        """What looks at the inputs of one part of a data set, and has seen none yet.

        Args:
            base: the folder that files are named from.
            limits: of the model that they are for.
        """

    @abstractmethod
    def facts(self, part: Part) -> Iterator[tuple[str, str]]:
        """What was measured, in words: a heading of at most eight characters, and the rest of its line."""

    @abstractmethod
    def findings(self, part: Part) -> Iterator[Finding]:
        """What a person should know of it."""

    @abstractmethod
    def samples(self, folder: Path, longest: int) -> SampleSet:
        """Little data to learn from and to answer, for the tests that plugins pass.

        Args:
            folder: where it is written.
            longest: most words of a text.
        """

    def file_of(self, value: Any, table: str) -> str:
        """The file that a value is found in.

        Args:
            value: an input.
            table: the file whose row it is.
        """
        return value if self.from_files else table

    def picture_of(self, value: Any) -> str:
        """The absolute path of the picture that an input is, to be shown beside its answer; empty where it is none."""
        return ""

    def drawing_of(self, value: Any, title: str = "") -> DrawnBlock | None:
        """What is drawn of an input; None where that is nothing.

        Args:
            value: an input.
            title: of the drawing.
        """
        return None

    def from_anywhere(self, value: Any) -> Any:
        """The same value for a process that stands in another folder."""
        return str(Path(value).absolute()) if self.from_files else value


class FittedTarget(NamedTuple):
    """A target as it belongs to the input of its row."""

    target: Any
    """None where the cell holds none."""
    faults: tuple[str, ...] = ()
    """What is wrong with parts of the cell that are left out or mended, such as one box of several."""


class TargetKind(Kind):
    """What a model learns to predict."""

    fewest_labels: ClassVar[int] = 0
    """Different labels that training data must have at least; 0 for targets that hold none."""
    exact: ClassVar[bool] = True
    """Whether an answer is right or wrong; else it is more or less far off."""
    divisible: ClassVar[bool] = False
    """Whether a text may hold several labels, with a separator between them."""
    has_classes: ClassVar[bool] = False
    """Whether each target is one of several classes, which a training can weigh."""
    label_unit: ClassVar[str] = ""
    """What carries one label, in a person's words, where a row has several of them, each with its own."""
    from_files: ClassVar[bool] = False
    """Whether a cell may be the path of a file."""
    has_named_values: ClassVar[bool] = False
    """Whether a file may say which class each value is, see `named_by`."""
    needs_all_cells: ClassVar[bool] = False
    """Whether how a column is written shows in all of its cells only."""

    learnt_in_part: ClassVar[bool] = False
    """Whether a model reads more of a row than it learns, so that people want to see which is which."""
    without: ClassVar[str] = ""
    """What a training learns from data that have no column of it, in words; empty where they must have one."""

    @abstractmethod
    def read(self, value: Any, column: str) -> Any:
        """The target a cell holds; None where there is none.

        Args:
            value: as the format gives it: text, a truth value or a number, of Python or of numpy.
            column: its column, for messages.

        Raises:
            Unusable: it is no target.
        """

    def read_with_input(self, cell: Any, column: str, value: Any) -> FittedTarget:
        """The target a cell holds as it belongs to the input of its row, and what is wrong with parts of it.

        Args:
            cell: as in `read`.
            column: its column, for messages.
            value: the input.

        Raises:
            Unusable: it is no target, or none of this input.
        """
        target = self.read(cell, column)
        return FittedTarget(None if target is None else self.fitted_to(target, value))

    def of_answer(self, target: Any) -> Any:
        """The target that a model's answer is, as data would have it.

        Args:
            target: `zoo.Answer.as_target`.
        """
        return target

    def fault_sort(self, fault: str) -> str:
        """What such faults have in common, in a few words that follow their number; empty where all are counted as one.

        Args:
            fault: as `read_with_input` words it.
        """
        return ""

    def digest(self, target: Any) -> bytes:
        """What is equal for equal targets, where files beside the table say them; empty where the table does."""
        return b""

    def written(self, target: Any) -> str:
        """The target as a cell of a table has it."""
        return target if isinstance(target, str) else encode_json(target, enc_hook=str).decode()

    def on_picture(self, picture: str, target: Any) -> PictureBlock | None:
        """What is drawn of a target on the picture that it belongs to; None where that is nothing.

        Args:
            picture: path of its file.
            target: of the picture; may be None, for a row that has none.
        """
        return None

    def labels_of(self, target: Any) -> tuple[str, ...]:
        """The labels that a target holds; none where it is of another sort."""
        return ()

    def renamed(self, target: Any, names: Mapping[str, str]) -> Any:
        """The target with other names for those of its labels that have one."""
        return target

    @abstractmethod
    def findings(self, inspection: Inspection) -> Iterator[Finding]:
        """What a person should know of the targets of the data."""

    def divided_at(self, separator: str) -> TargetKind:
        """The same kind, the labels of a text divided at a separator; an empty one leaves the kind as it is.

        Raises:
            OptionInvalid: there is nothing to divide.
        """
        if separator:
            raise OptionInvalid(
                f"--separator {separator} divides the labels of a row, and the target is one {self} here",
                "--task says what is learnt; zoo tasks lists the tasks",
            )
        return self

    def named_by(self, classes: str) -> TargetKind:
        """The same kind, its values named by a file of classes; an empty path leaves the kind as it is.

        Raises:
            OptionInvalid: it has no values to name.
        """
        if classes:
            raise OptionInvalid(
                f"--classes {classes} names values of classes, and the target is one {self} here",
                "--task says what is learnt; zoo tasks lists the tasks",
            )
        return self

    def adapted_to(self, cells: Sequence[Any], base: Path | None = None, inputs: Iterable[Any] = ()) -> TargetKind:
        """The same kind, read as the cells of a column are written.

        Args:
            cells: of the first rows, or of all where the kind `needs_all_cells`; none of them is empty.
            base: the folder that relative paths start from.
            inputs: of the same rows, read as they are iterated; None where a row has none that is usable.
        """
        return self

    def beside(self, training: TargetKind) -> TargetKind:
        """What evaluation data are read by.

        Args:
            training: the same kind as the training data were read by.
        """
        return self

    def fitted_to(self, target: Any, value: Any) -> Any:
        """A target as it belongs to the input of its row.

        Args:
            target: as `read` gives it.
            value: the input.

        Raises:
            Unusable: the two do not belong together.
        """
        return target

    def reading_note(self, column: str) -> str:
        """What a person should know of how the cells of a column are read; empty where that is plain."""
        return ""

    def nothing_to_learn(self, targets: Sequence[Any]) -> str:
        """Why nothing can be learnt from targets that are all usable; empty where something can."""
        return ""

    def teaches_nothing(self, target: Any) -> str:
        """Why no training begins with a row that has such a target; empty where it can."""
        return ""

    def samples(self, labels: Sequence[str]) -> list[Any]:
        """A cell for each of a few classes of inputs, as JSON has it, for the tests that plugins pass."""
        return list(labels)

    def sample_rows(self, inputs: SampleSet) -> list[tuple[Any, Any]]:
        """(cell of an input, cell of its target) of each row, likewise; by the class of the input."""
        from zoo.kinds.samples import LABELS

        cells = dict(zip(LABELS, self.samples(LABELS), strict=True))
        return [(value, cells[label]) for value, label in inputs.rows()]

    def strata(self, targets: Sequence[Any]) -> list[Hashable]:
        """What holding rows out divides in the same share, each for itself, for every target of the data."""
        return list(targets)

    def measure(self, limits: ModelLimits) -> TargetMeasure:
        """What looks at the targets of one part of a data set, beside the labels, and has seen none yet.

        Args:
            limits: of the model that they are for.
        """
        from zoo.kinds.measure import NoMeasure

        return NoMeasure()

    def facts(self, part: Part) -> Iterator[tuple[str, str]]:
        """What was measured, in words: a heading of at most eight characters, and the rest of its line."""
        return iter(())


def is_empty(value: Any) -> bool:
    """Whether a cell holds nothing: null, NaN or white space."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())  # noqa: PLR0124


def noun_of(value: Any) -> str:
    """What a value is, in a person's words."""
    nouns = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return nouns.get(type(value), type(value).__name__)
