"""The rows of an audit: whose they are, and halves of them in which nobody is on both sides."""

from __future__ import annotations

from pathlib import Path

import pytest

import zoo
from zoo.data.example import Example
from zoo.errors import DatasetInvalid
from zoo.metrics.membership import CHANCE, Attack
from zoo.runs.auditing.findings import LOSS, Spent, report_of
from zoo.runs.auditing.rows import AuditRows
from zoo.runs.auditing.shadows import check_divisible, halves_of
from zoo.runs.request import DataRequest, RunRequest


def asked(**options: str) -> RunRequest:
    return RunRequest(
        name="discreet",
        verb="finetune",
        model="bert/bert-tiny",
        plugin="bert",
        task="text-classification",
        data=DataRequest(path="rows.csv", sha256=""),
        options=options,
    )


PRIVATE = asked(private="eps=8", unit="author")


def rows_of(people: int, *, known: int = 60) -> AuditRows:
    """Sixty rows, of which as many are known to be of somebody; rows 0 and 1 are the same text, of two people."""
    examples = [Example(f"text {0 if i == 1 else i}", "ab"[i % 2], row=i + 1) for i in range(60)]
    whose = {id(example): f"author {i % people}" for i, example in enumerate(examples[:known])}
    return AuditRows(tuple(examples[:30]), tuple(examples[30:50]), tuple(examples[50:]), whose)


@pytest.mark.parametrize("pair", range(4))
def test_nobody_is_in_both_halves(pair: int) -> None:
    rows = rows_of(12)
    check_divisible(rows, PRIVATE)
    inside, outside = halves_of(rows, PRIVATE, pair)

    assert [not one for one in inside] == outside
    people = [
        {rows.whose[id(one)] for one, is_in in zip(rows.all, half, strict=True) if is_in} for half in (inside, outside)
    ]
    assert all(people)
    assert not people[0] & people[1]
    assert inside[0] == inside[1]


def test_rows_of_nobody_are_units_by_what_they_say() -> None:
    rows = rows_of(12, known=0)
    units = rows.units(rows.all)
    assert units[0] == units[1]
    assert len(set(units)) == 59


def test_what_cannot_be_halved_is_refused() -> None:
    with pytest.raises(DatasetInvalid, match="nobody knows whose 20 rows are"):
        check_divisible(rows_of(12, known=40), PRIVATE)
    with pytest.raises(DatasetInvalid, match="60 of 60 rows are of one person or have inputs of one another"):
        check_divisible(rows_of(1), PRIVATE)
    check_divisible(rows_of(12, known=0), asked())


@pytest.mark.parametrize(
    ("unit", "are_apart", "told"),
    [
        ("", False, "whatever is known of the other rows, the advantage is at most 0.46"),
        ("author", True, "whatever is known of the rows of all others, the advantage is at most 0.46"),
        ("author", False, "protects each author with all rows together: eps 1 bounds nothing here"),
        ("client", False, "protects each client with all rows together: eps 1 bounds nothing here"),
    ],
)
def test_a_bound_is_told_of_what_is_protected_alone(unit: str, are_apart: bool, told: str) -> None:
    attacks = {LOSS: Attack(CHANCE, CHANCE, CHANCE)}
    table, *texts = report_of(attacks, "discreet", 50, Spent(1.0, 1e-3, unit), are_apart=are_apart)

    assert told in str(texts[-1])
    assert ("at most by eps 1" in str(table)) == ("at most" in told)


def test_rows_are_apart_where_everybody_is_known_and_on_one_side() -> None:
    assert not rows_of(12).are_apart  # the same people on both sides
    assert not rows_of(60, known=40).are_apart
    assert rows_of(60).are_apart


def test_too_few_rows_are_refused_before_there_is_a_run(words: str, rows: Path, tmp_path: Path) -> None:
    others = tmp_path / "others.csv"
    others.write_text("text,label\n" + "".join(f"good {i},positive\n" for i in range(19)))
    for data, held_out, told in (
        (rows, others, "did not learn from"),
        (rows, rows, "did not learn from"),
        (None, None, "did not learn from"),
        (others, rows, "learnt from"),
    ):
        with pytest.raises(DatasetInvalid, match=rf"\d+ rows? of words that it {told}, and an audit needs 20"):
            zoo.audit(words, data, held_out=held_out)
    assert [run.name for run in zoo.list_runs()] == [words]
