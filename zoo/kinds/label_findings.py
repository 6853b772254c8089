"""What the counts of labels mean for training, in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from zoo.kinds.facts import Finding
from zoo.kinds.kind import TARGET
from zoo.kinds.spelling import distinct_names, listed, quoted, quoted_start
from zoo.plurals import counted, name_list

if TYPE_CHECKING:
    from zoo.data.report import Inspection

FEW_ROWS = 8
"""Below this many rows of a class, results vary from one draw of the data to the next."""
DOMINANT_SHARE = 0.8


def findings(inspection: Inspection) -> Iterator[Finding]:
    """Labels that only one part has, and what is wrong with those of the training data."""
    if inspection.eval:
        yield from of_both(inspection)
    yield from _of_training(inspection)


def of_both(inspection: Inspection) -> Iterator[Finding]:
    """Labels that only one part has."""
    evaluation = inspection.eval
    names = distinct_names(count.label for count in inspection.labels)
    unseen = tuple(names[count.label] for count in inspection.labels if count.eval_rows and not count.rows)
    if unseen and inspection.train.mapping.get(TARGET):
        yield Finding("error", f"labels of the evaluation data that are not in the training data: {name_list(unseen)}")
    unjudged = tuple(names[count.label] for count in inspection.labels if count.rows and not count.eval_rows)
    if unjudged and evaluation and evaluation.mapping.get(TARGET):
        yield Finding("warning", f"labels without evaluation data, which are not judged: {name_list(unjudged)}")


def _of_training(inspection: Inspection) -> Iterator[Finding]:
    part = inspection.train
    if not part.mapping.get(TARGET):
        return
    yield from of_variants(inspection)
    counts = {count.label: count.rows for count in inspection.labels if count.rows}
    rows = sum(counts.values())
    yield from of_commas(counts)
    if len(counts) == 1:
        yield Finding("error", f"{part.path} has one class only: every {part.unit} is {quoted(next(iter(counts)))}")
        return
    if len(counts) * 2 > rows > FEW_ROWS:
        yield Finding(
            "warning",
            f"{counted(len(counts), 'different label')} on {counted(rows, part.unit)}: "
            f"is {part.mapping[TARGET]} the right column?",
        )
        return
    yield from of_rare(inspection, counts)
    largest, most = max(counts.items(), key=lambda item: item[1], default=("", 0))
    if most > DOMINANT_SHARE * rows:
        yield Finding(
            "warning",
            f"{most / rows:.0%} of the {part.unit}s are {quoted(largest)}: look at macro F1 rather than accuracy, "
            "and consider --class-weights auto",
        )


def of_rare(inspection: Inspection, counts: dict[str, int], unit: str = "") -> Iterator[Finding]:
    """Labels that few rows of the training data have.

    Args:
        inspection: of the data.
        counts: how many have each label.
        unit: what carries a label; empty for a row.
    """
    unit, names = unit or inspection.train.unit, distinct_names(counts)
    single = tuple(names[label] for label, count in counts.items() if count == 1)
    if single:
        judged = "" if inspection.eval else ", which nothing will judge"
        yield Finding("warning", f"labels with one {unit} only, too few to learn from{judged}: {name_list(single)}")
    few = tuple(names[label] for label, count in counts.items() if 1 < count < FEW_ROWS)
    if few:
        yield Finding(
            "warning", f"labels with fewer than {counted(FEW_ROWS, unit)}, hard to learn or to judge: {name_list(few)}"
        )


def of_variants(inspection: Inspection) -> Iterator[Finding]:
    """Labels that look the same."""
    variants = inspection.variants
    if not variants:
        return
    if inspection.merged:
        yield Finding("info", f"labels that look alike are merged under the first: {listed(variants)}")
    else:
        yield Finding(
            "warning",
            f"labels that look alike are classes of their own: {listed(variants)}; --merge-labels makes them one",
        )


def of_commas(labels: Iterable[str]) -> Iterator[Finding]:
    """Labels that seem to be several with commas between them: a part is a label of its own, or all parts recur."""
    labels = tuple(labels)
    parts = {label: {part.strip() for part in label.split(",")} - {""} for label in labels if "," in label}
    several = {label: names for label, names in parts.items() if len(names) > 1}
    recurring = Counter(name for names in parts.values() for name in names)
    whole = next((label for label, names in several.items() if not names.isdisjoint(labels)), "")
    if not whole and several and all(recurring[name] > 1 for names in several.values() for name in names):
        whole = next(iter(several))
    if whole:
        yield Finding(
            "warning",
            f"parts of labels with commas occur again, such as those of {quoted_start(whole)}; if these are several "
            "labels, --separator , divides them",
        )
