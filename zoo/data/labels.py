"""Reading a label: what format it comes from leaves no trace in its name.

A label is text. Truth values are `true` and `false` however a program writes them (`true`, `True`, `TRUE`), and a whole
number that was written as a float is whole (`1.0` is `1`). Nothing else is made equal: `01`, `1.00`, `1e3`, `3.10`,
`nan`, `None` and `NA` are names as they stand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from zoo.data.example import Dataset
from zoo.data.inputs import Unusable, is_empty, kind_of
from zoo.data.table import shown
from zoo.errors import DatasetInvalid

_TRUTH_VALUES = {spelling: spelling.lower() for spelling in ("true", "True", "TRUE", "false", "False", "FALSE")}
_WHOLE_FLOAT = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0")


def read_label(value: Any, column: str) -> str | None:
    """The label a cell holds; None where there is none.

    Args:
        value: as the format gives it: text, a truth value or a number, of Python or of numpy.
        column: its column, for messages.

    Raises:
        Unusable: the value is none of these.
    """
    if is_empty(value):
        return None
    if isinstance(value, str):
        return canonical(value.strip())
    if isinstance(value, Decimal) and value.is_finite():
        return canonical(f"{value.normalize():f}")  # 1.00 of a decimal column is padded to its scale
    if _is_number(value) and math.isfinite(value):
        return canonical(str(value))
    what = str(value) if isinstance(value, float | Decimal) else kind_of(value)
    raise Unusable(f"column {column} holds {what}, not text or a number")


def canonical(text: str) -> str:
    """The name of a label that is written so."""
    whole = _WHOLE_FLOAT.fullmatch(text)
    number = whole[1] if whole else text
    return "0" if number == "-0" else _TRUTH_VALUES.get(text, number)


def match_labels(dataset: Dataset, labels: Sequence[str]) -> Dataset:
    """The same data set, its labels spelled as the model spells them.

    It may have been trained on labels that were read otherwise (`True`), or on the numbers of classes that have names
    here.

    Raises:
        DatasetInvalid: naming the first row with a label that the model does not know, and that label.
    """
    names = dataset.class_names
    known = {} if set(names) & set(labels) else {name: str(i) for i, name in enumerate(names) if str(i) in labels}
    known |= {canonical(label): label for label in reversed(labels)}
    known |= {label: label for label in labels}
    unknown = [example for example in dataset.examples if example.label is not None and example.label not in known]
    if unknown:
        first = unknown[0]
        others = f", and {len(unknown) - 1:,} more such rows" if len(unknown) > 1 else ""
        raise DatasetInvalid(
            f"{dataset.path}, row {first.row}: label {first.label!r} is none of those trained on{others}",
            f"labels trained on: {shown(tuple(labels))}",
        )
    return renamed(dataset, known)


def renamed(dataset: Dataset, names: dict[str, str]) -> Dataset:
    """The same data set with other names for its labels."""
    if all(names[label] == label for label in dataset.labels):
        return dataset
    examples = (
        example if example.label is None else msgspec.structs.replace(example, label=names[example.label])
        for example in dataset.examples
    )
    return msgspec.structs.replace(dataset, examples=tuple(examples))


def _is_number(value: Any) -> bool:
    """Whether a value is a number or a truth value, of Python or of numpy."""
    if hasattr(value, "dtype"):
        return value.shape == () and value.dtype.kind in "biuf"
    return isinstance(value, int | float)
