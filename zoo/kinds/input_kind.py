"""What goes into a model, and what every kind of it says of its values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.kinds.kind import INPUT, Kind, Unusable, is_empty, noun_of

if TYPE_CHECKING:
    from zoo.blocks import DrawnBlock
    from zoo.data.report import Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.measure import Measure
    from zoo.kinds.samples import SampleSet

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

    plainly: str = ""
    """What `plain_vectors` looks at, in words; empty where there is no such thing."""

    def plain_vectors(self, learnt_from: Iterable[Any]) -> tuple[Any, Callable[[Iterable[Any]], Any]] | None:
        """What is seen of inputs without any network: arrays of float32 of shape (inputs, numbers), each row of length
        about 1. A linear model of it is what every network has to be better than.

        Args:
            learnt_from: inputs that say what the numbers are.

        Returns:
            Theirs, and what makes those of others; None where there is no such thing.
        """
        return None

    def from_anywhere(self, value: Any) -> Any:
        """The same value for a process that stands in another folder."""
        return str(Path(value).absolute()) if self.from_files else value
