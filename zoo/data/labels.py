"""The labels of whole data sets: spelled as a model spells them, or merged where they look the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from zoo.data.example import Dataset, Example
from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.kinds import TargetKind
from zoo.kinds.label import canonical
from zoo.kinds.spelling import differences, distinct_names, merged_names, nearest, quoted, spelling_variants
from zoo.plurals import counted, name_list


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
    unknown = [label for label in dataset.labels if label not in names]
    if unknown:
        raise _unknown_label(dataset, unknown, labels)
    return renamed(dataset, names)


def check_mergeable(target: TargetKind | None) -> None:
    """Insist on targets whose labels can be merged.

    Raises:
        OptionInvalid: they hold none.
    """
    if target is None or not target.fewest_labels:
        targets = f"one {target}" if target else "none"
        raise OptionInvalid(
            f"--merge-labels makes one class of labels that look alike, and the target is {targets} here",
            "leave it out",
        )


def merge_labels(dataset: Dataset) -> Dataset:
    """The same data set, labels that look the same under the name of the most frequent of them."""
    counts = Counter(label for example in dataset.examples for label in _labels_of(dataset, example))
    groups = spelling_variants(counts)
    return msgspec.structs.replace(renamed(dataset, merged_names(groups)), merged=groups)


def renamed(dataset: Dataset, names: dict[str, str]) -> Dataset:
    """The same data set with other names for those of its labels that have one."""
    target = dataset.target
    if target is None or all(names.get(label, label) == label for label in dataset.labels):
        return dataset
    examples = (
        example
        if example.target is None
        else msgspec.structs.replace(example, target=target.renamed(example.target, names))
        for example in dataset.examples
    )
    return msgspec.structs.replace(dataset, examples=tuple(examples))


def _labels_of(dataset: Dataset, example: Example) -> tuple[str, ...]:
    return () if dataset.target is None or example.target is None else dataset.target.labels_of(example.target)


def _unknown_label(dataset: Dataset, unknown: Sequence[str], labels: Sequence[str]) -> DatasetInvalid:
    rows = [example for example in dataset.examples if not set(unknown).isdisjoint(_labels_of(dataset, example))]
    first = rows[0]
    label = next(label for label in _labels_of(dataset, first) if label in unknown)
    in_folder = Path(dataset.path).is_dir()
    others = f", and {counted(len(rows) - 1, f'more such {dataset.unit}')}" if len(rows) > 1 else ""
    advice = ""
    if twin := nearest(label, labels):
        differ_in = " and ".join(differences((label, twin)))
        advice = f"{quoted(twin)} is one and differs in {differ_in}: spell it so, or use --merge-labels; "
    names = distinct_names((*labels, label))
    where = first.input if in_folder else f"{dataset.path}, row {first.row}"
    return DatasetInvalid(
        f"{where}: label {quoted(label)} is none of those trained on{others}",
        f"{advice}labels trained on: {name_list(tuple(names[name] for name in labels))}",
    )
