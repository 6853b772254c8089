"""What a model learns to predict, and what every kind of it says of its values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from zoo.encoding import encode_json
from zoo.errors import OptionInvalid
from zoo.kinds.kind import Kind

if TYPE_CHECKING:
    from zoo.blocks import PictureBlock
    from zoo.data.report import Inspection, Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.measure import TargetMeasure
    from zoo.kinds.samples import SampleSet


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
