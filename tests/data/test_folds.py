"""Rows dealt to folds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from zoo.data import load
from zoo.data.folds import fold_numbers
from zoo.data.groups import group_column, group_keys
from zoo.tasks import get_task


def test_each_stratum_is_divided_evenly_and_groups_stay_together() -> None:
    groups = [f"{row % 40}".encode() for row in range(60)]
    strata = ["a" if row % 40 < 30 else "b" for row in range(60)]

    folds = fold_numbers(groups, strata, 5)

    assert Counter(folds) == dict.fromkeys(range(5), 12)
    of_a = Counter(fold for fold, stratum in zip(folds, strata, strict=True) if stratum == "a")
    assert of_a == dict.fromkeys(range(5), of_a[0])
    assert len(set(zip(groups, folds, strict=True))) == len(set(groups))


def test_folds_depend_on_what_rows_hold_and_not_on_their_order() -> None:
    groups = [f"{row}".encode() for row in range(50)]
    strata = [row % 3 for row in range(50)]

    forward = dict(zip(groups, fold_numbers(groups, strata, 4), strict=True))
    backward = dict(zip(groups[::-1], fold_numbers(groups[::-1], strata[::-1], 4), strict=True))
    others = dict(zip(groups, fold_numbers(groups, strata, 4, seed=1), strict=True))

    assert forward == backward
    assert forward != others


def test_people_with_several_labels_count_by_the_rarest() -> None:
    groups = [f"person {person}".encode() for person in range(30) for _ in range(3)]
    strata = ["rare" if row % 18 == 1 else "usual" for row in range(90)]

    folds = fold_numbers(groups, strata, 5)

    assert Counter(fold for fold, stratum in zip(folds, strata, strict=True) if stratum == "rare") == dict.fromkeys(
        range(5), 1
    )
    backward = fold_numbers(groups[::-1], strata[::-1], 5)
    assert backward[::-1] == folds


def test_rows_of_one_person_and_rows_with_the_same_text_belong_together(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        "text,label,user_id\n" + "one,a,1\ntwo,b,1\ntwo,a,2\nthree,b,3\nfour,a,\n" + "five,b,4\nsix,a,5\nsix,b,6\n"
    )
    task = get_task("text-classification")
    dataset = load(path, task)

    assert group_column(dataset, task.input) == "user_id"
    keys = group_keys(dataset, dataset.examples, "user_id")
    assert keys[0] == keys[1] == keys[2]
    assert keys[6] == keys[7]
    assert len(set(keys)) == 5
    assert len(set(group_keys(dataset, dataset.examples))) == 6
    assert group_keys(dataset, dataset.examples[::-1], "user_id")[::-1] == keys


def test_an_empty_column_keeps_nothing_together(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label,speaker\none,a,\ntwo,b,\ntwo,b,\nthree,a,\n")
    dataset = load(path, get_task("text-classification"))
    assert group_keys(dataset, dataset.examples, "speaker") == group_keys(dataset, dataset.examples)
