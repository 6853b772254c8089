"""Reading a label: what format it comes from leaves no trace in its name.

A label is text. Truth values are `true` and `false` however a program writes them (`true`, `True`, `TRUE`), and a whole
number that was written as a float is whole (`1.0` is `1`). Nothing else is made equal: `01`, `1.00`, `1e3`, `3.10`,
`nan`, `None` and `NA` are names as they stand.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from zoo.data.example import Dataset, Example
from zoo.data.inputs import Unusable, is_empty, kind_of
from zoo.data.spelling import differences, merged_names, nearest, quoted, spelling_variants, told_apart
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


def match_labels(dataset: Dataset, labels: Sequence[str], *, merge: bool = False) -> Dataset:
    """The same data set, its labels spelled as the model spells them.

    It may have been trained on labels that were read otherwise (`True`), or on the numbers of classes that have names
    here.

    Args:
        dataset: with labels.
        labels: those the model knows.
        merge: whether a label that only looks like one of them is that one.

    Raises:
        DatasetInvalid: naming the first row with a label that the model does not know, and that label.
    """
    names: dict[str, str] = {}
    if not set(dataset.class_names) & set(labels):
        names |= {name: str(number) for number, name in enumerate(dataset.class_names) if str(number) in labels}
    names |= {canonical(label): label for label in reversed(labels)} | {label: label for label in labels}
    if merge:
        unmatched = (label for label in dataset.labels if label not in names)
        names |= {label: twin for label in unmatched if (twin := nearest(label, labels))}
    unknown = [example for example in dataset.examples if example.label is not None and example.label not in names]
    if unknown:
        raise _unknown_label(dataset, unknown, labels)
    return renamed(dataset, names)


def merge_labels(dataset: Dataset) -> Dataset:
    """The same data set, labels that look the same under the name of the most frequent of them."""
    counts = Counter(example.label for example in dataset.examples if example.label is not None)
    groups = spelling_variants(counts)
    return msgspec.structs.replace(renamed(dataset, merged_names(groups)), merged=groups)


def renamed(dataset: Dataset, names: dict[str, str]) -> Dataset:
    """The same data set with other names for those of its labels that have one."""
    if all(names.get(label, label) == label for label in dataset.labels):
        return dataset
    examples = (
        msgspec.structs.replace(example, label=names[example.label]) if example.label in names else example
        for example in dataset.examples
    )
    return msgspec.structs.replace(dataset, examples=tuple(examples))


def _unknown_label(dataset: Dataset, unknown: list[Example], labels: Sequence[str]) -> DatasetInvalid:
    first = unknown[0]
    label = str(first.label)
    others = f", and {len(unknown) - 1:,} more such rows" if len(unknown) > 1 else ""
    advice = ""
    if twin := nearest(label, labels):
        differ_in = " and ".join(differences((label, twin)))
        advice = f"{quoted(twin)} is one and differs in {differ_in}: spell it so, or use --merge-labels; "
    names = told_apart((*labels, label))
    return DatasetInvalid(
        f"{dataset.path}, row {first.row}: label {quoted(label)} is none of those trained on{others}",
        f"{advice}labels trained on: {shown(tuple(names[known] for known in labels))}",
    )


def _is_number(value: Any) -> bool:
    """Whether a value is a number or a truth value, of Python or of numpy."""
    if hasattr(value, "dtype"):
        return value.shape == () and value.dtype.kind in "biuf"
    return isinstance(value, int | float)
