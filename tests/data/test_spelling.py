"""Labels that look alike: found, told apart, merged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.data import Dataset, Example, inspect, load, match_labels
from zoo.data.labels import merge_labels
from zoo.errors import DatasetInvalid
from zoo.kinds.spelling import SpellingVariants, distinct_names, quoted, spelling_variants
from zoo.tasks import get_task
from zoo.tasks.task import Task

Write = Callable[[str, str | bytes], Path]


@pytest.mark.parametrize(
    ("labels", "differ_in"),
    [
        (("Refund", "Refund\u200b"), ("invisible characters",)),
        (("Refund", "\ufeffRefund"), ("invisible characters",)),
        (("❤", "❤\ufe0f"), ("invisible characters",)),
        (("Late delivery", "Late  delivery"), ("blanks",)),
        (("Late delivery", "Late\u00a0delivery"), ("blanks",)),
        (("Late delivery", "Late\u00a0Delivery"), ("blanks", "case")),
        (("Caf\u00e9", "Cafe\u0301"), ("Unicode form",)),
        (("A1", "\uff211"), ("Unicode form",)),
        (("Refund", "refund"), ("case",)),
        (("Refund", "refund", "REFUND\u200b"), ("invisible characters", "case")),
    ],
)
def test_what_two_labels_differ_in(labels: tuple[str, ...], differ_in: tuple[str, ...]) -> None:
    assert spelling_variants(dict.fromkeys(labels, 1)) == (
        SpellingVariants(dict.fromkeys(sorted(labels, key=lambda label: (len(label), label)), 1), differ_in),
    )


@pytest.mark.parametrize(
    "labels",
    [
        ("C", "C++", "C#"),
        ("+1", "-1", "1"),
        ("Maße", "Masse"),
        ("résumé", "resume"),
        ("Refund", "Refund."),
        ("a_b", "a b", "a-b"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "\U0001f3f4"),
    ],
)
def test_what_anybody_sees_keeps_labels_apart(labels: tuple[str, ...]) -> None:
    assert spelling_variants(dict.fromkeys(labels, 1)) == ()


def test_the_most_frequent_spelling_of_the_training_data_is_the_name() -> None:
    groups = spelling_variants({"b": 1, "B": 2, "a": 1, "A ": 1, "c": 9}, {"b": 7, "C": 1})
    assert [(group.name, group.rows) for group in groups] == [
        ("B", {"B": 2, "b": 8}),
        ("c", {"c": 9, "C": 1}),
        ("a", {"a": 1, "A ": 1}),
    ]


def test_labels_that_look_alike_are_told_apart() -> None:
    labels = (
        "Refund",
        "Refund\u200b",
        "refund",
        "Late delivery",
        "Late  delivery",
        "Caf\u00e9",
        "Cafe\u0301",
        "❤\ufe0f",
    )
    assert tuple(distinct_names(labels).values()) == (
        "Refund",
        r"'Refund\u200b'",
        "refund",
        "Late delivery",
        r"'Late \x20delivery'",
        "Caf\u00e9",
        r"'Cafe\u0301'",
        "❤\ufe0f",
    )
    assert quoted("it's\u00ad") == r'"it' + r"'s\xad" + '"'


SPELLINGS = ("Refund\u200b", *("Refund",) * 3, "refund", *("Refund",) * 3)
LOOKALIKES = "text,label\n" + "".join(f"good {i},{SPELLINGS[i % 8]}\nbad {i},Parcel\n" for i in range(32))


def test_an_inspection_warns_of_labels_that_look_alike(write: Write, classify: Task) -> None:
    path = write("a.csv", LOOKALIKES)
    assert [finding.message for finding in inspect(path, classify).findings if "alike" in finding.message] == [
        "labels that look alike are classes of their own: 'Refund' (24) and 'refund' (4), 'Refund\\u200b' (4), "
        "which differ in invisible characters and case; --merge-labels makes them one"
    ]
    merged = inspect(path, classify, merge=True)
    assert [(label.label, label.rows) for label in merged.labels] == [("Parcel", 32), ("Refund", 32)]
    assert [(finding.level, finding.message) for finding in merged.findings] == [
        (
            "info",
            "labels that look alike are merged under the first: 'Refund' (24) and 'refund' (4), 'Refund\\u200b' (4), "
            "which differ in invisible characters and case",
        )
    ]


def test_merged_labels_contradict_nothing(write: Write, classify: Task) -> None:
    path = write("a.csv", LOOKALIKES + "good 1,REFUND\n")
    assert inspect(path, classify).train.conflicts.rows == 1
    assert inspect(path, classify, merge=True).train.conflicts.rows == 0


def test_evaluation_data_is_merged_with_the_training_data(write: Write, classify: Task) -> None:
    path, eval_path = write("a.csv", LOOKALIKES), write("b.csv", "text,label\nnew,REFUND\nother,parcel\n")
    apart = inspect(path, classify, eval_path=eval_path)
    assert [f.message for f in apart.findings if f.level == "error"] == [
        "labels of the evaluation data that are not in the training data: REFUND, parcel"
    ]
    merged = inspect(path, classify, eval_path=eval_path, merge=True)
    assert merged.usable
    assert [(label.label, label.eval_rows) for label in merged.labels] == [("Parcel", 1), ("Refund", 1)]


def test_class_folders_are_merged(tmp_path: Path) -> None:
    task = get_task("image-classification")
    for name in ("caf\u00e9", "cafe\u0301", "tea"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(name.encode())
    (tmp_path / "caf\u00e9" / "2.png").write_bytes(b"another")
    assert load(tmp_path, task).labels == ("cafe\u0301", "caf\u00e9", "tea")
    assert load(tmp_path, task, merge=True).labels == ("caf\u00e9", "tea")


def test_nothing_is_left_to_learn_where_merging_makes_one_class(write: Write, classify: Task) -> None:
    with pytest.raises(DatasetInvalid, match="every row is 'Yes'"):
        load(write("a.csv", "text,label\na,yes\nb,Yes\n"), classify, merge=True)


def dataset(*labels: str) -> Dataset:
    examples = tuple(Example(f"t{i}", label, i) for i, label in enumerate(labels, start=1))
    return Dataset("data.csv", examples, {"input": "text", "label": "label"})


def test_merging_keeps_what_was_merged() -> None:
    merged = merge_labels(dataset("a", "A", "a", "b"))
    assert [example.label for example in merged.examples] == ["a", "a", "a", "b"]
    assert merged.merged == (SpellingVariants({"a": 2, "A": 1}, ("case",)),)
    plain = dataset("a", "b")
    assert merge_labels(plain).examples is plain.examples


def test_a_label_the_model_knows_by_another_spelling_is_told() -> None:
    data = dataset("Refund\u200b", "other")
    with pytest.raises(DatasetInvalid) as caught:
        match_labels(data, ("REFUND", "Refund", "other"))
    assert caught.value.message == r"data.csv, row 1: label 'Refund\u200b' is none of those trained on"
    assert caught.value.hint == (
        "'Refund' is one and differs in invisible characters: spell it so, or use --merge-labels; "
        "labels trained on: REFUND, Refund, other"
    )
    matched = match_labels(data, ("REFUND", "Refund", "other"), merge=True)
    assert [example.label for example in matched.examples] == ["Refund", "other"]
