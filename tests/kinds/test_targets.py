"""Sets of labels and numbers as targets: what a cell holds, how rows are held out, what a column looks like."""

from __future__ import annotations

import decimal
import random
from collections import Counter
from typing import Any

import pytest

from zoo.kinds import LABEL, LABELS, NUMBER, TARGET_KINDS, TargetKind, Unusable
from zoo.kinds.labels import LabelsKind

np = pytest.importorskip("numpy")


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        (["late", "broken"], ("broken", "late")),
        (["late", "late", " late "], ("late",)),
        ([], ()),
        (["", None], ()),
        ([True, 1.0, 7], ("1", "7", "true")),
        (("a",), ("a",)),
        (np.array(["b", "a"]), ("a", "b")),
        ("late|broken", ("broken", "late")),
        (" late ; broken;", ("broken", "late")),
        ("a;b|c", ("a;b", "c")),
        ("late, broken", ("late, broken",)),
        ("late", ("late",)),
        ("|", ()),
        (";", ()),
        ("[]", ()),
        ('["a|b", "c"]', ("a|b", "c")),
        ("['late', 'broken']", ("broken", "late")),
        ("[PER]|[ORG]", ("[ORG]", "[PER]")),
        ('["late", null, 7]', ("7", "late")),
        ('["it is \\"so\\" \\"here\\""]', ('it is "so" "here"',)),
        ("[1st]", ("[1st]",)),
        ("('late', 'broken')", ("broken", "late")),
        ("{'late', 'broken'}", ("broken", "late")),
        ("[27, 3]", ("27", "3")),
        (3, ("3",)),
        (True, ("true",)),
        ("", None),
        ("  ", None),
        (None, None),
        (float("nan"), None),
    ],
)
def test_a_cell_holds_a_set_of_labels(cell: Any, labels: tuple[str, ...] | None) -> None:
    assert LABELS.read(cell, "tags") == labels


def test_the_separator_can_be_named() -> None:
    kind = LabelsKind(",")
    assert kind.read("late, broken", "tags") == ("broken", "late")
    assert kind.read("a|b;c", "tags") == ("a|b;c",)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ([["a"], "b"], "column tags holds a list with a list in it, not of labels"),
        ([{"a": 1}], "column tags holds a list with an object in it, not of labels"),
        ({"a": 1}, "column tags holds an object, not text or a number"),
        ([float("inf")], "column tags holds inf, not text or a number"),
    ],
)
def test_what_is_no_set_is_told(cell: Any, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        LABELS.read(cell, "tags")
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    "cell", ["['cut off", '["a', "['late' 'broken']", "[ 3 10]", "['a', nan]", "{'a': 1}", "('late')", "[]|a"]
)
def test_what_begins_as_a_list_is_one(cell: str) -> None:
    with pytest.raises(Unusable, match=r"^column tags holds .* which begins as a list and is none: write"):
        LABELS.read(cell, "tags")
    assert LABELS.likeness([cell] * 9) == 0


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (3, 3.0),
        (-0.5, -0.5),
        (decimal.Decimal("1.20"), 1.2),
        (np.float32(0.25), 0.25),
        (np.int8(-3), -3.0),
        (" 1e3 ", 1000.0),
        ("+.5", 0.5),
        ("7.", 7.0),
        ("", None),
        (None, None),
        (float("nan"), None),
        (decimal.Decimal("NaN"), None),
    ],
)
def test_a_cell_holds_a_number(cell: Any, number: float | None) -> None:
    assert NUMBER.read(cell, "price") == number


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1,234", "'1,234', whose comma may mean thousands or decimals: write 1234 or 1.234"),
        ("1,5", "'1,5', whose marks may mean thousands or decimals: write 1234.5"),
        ("1.234,50", "'1.234,50', whose marks may mean thousands or decimals: write 1234.5"),
        ("12 €", "'12 €', which is more than a number: write it without unit or sign"),
        ("50%", "'50%', which is more than a number: write it without unit or sign"),
        ("three", "'three', which is no number"),
        ("nan", "'nan', which is no number"),
        ("2e30", "2e+30; numbers are taken up to 1e+30"),
        ("1e999", "inf, which is no finite number"),
        (float("inf"), "inf, which is no finite number"),
        (10**400, "inf, which is no finite number"),
        (True, "true or false, not a number"),
        ([1.0], "a list, not a number"),
        (np.bool_(True), "bool, not a number"),
        ("9" * 60 + "x", "'" + "9" * 39 + "…', which is more than a number: write it without unit or sign"),
    ],
)
def test_what_is_no_number_is_told(cell: Any, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        NUMBER.read(cell, "price")
    assert str(caught.value) == f"column price holds {reason}"


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,5", "3", "-0,25"], [1.5, 3.0, -0.25]),
        (["1.234,50", "999,00", "2.000.000,1"], [1234.5, 999.0, 2000000.1]),
        (["1 234,5", "1\u00a0234,5", "1'234,5", ",5"], [1234.5, 1234.5, 1234.5, 0.5]),
        (["1,234", "0,250", "12,345"], [1.234, 0.25, 12.345]),
        (["1,5e3", "7", 2.5], [1500.0, 7.0, 2.5]),
        (["1,5"] * 9 + ["1,234"], [1.5] * 9 + [1.234]),
        (["1.5", "1.234"], [1.5, 1.234]),
    ],
)
def test_a_column_is_read_as_it_is_written(cells: list[Any], numbers: list[float]) -> None:
    kind = NUMBER.adapted_to(cells)
    assert [kind.read(cell, "price") for cell in cells] == numbers
    assert bool(kind.reading_note("price")) == any("," in str(cell) for cell in cells)


@pytest.mark.parametrize(
    ("cells", "cell", "reason"),
    [
        (["1,234", "2,500"], "1,234", "whose comma may mean thousands or decimals: write 1234 or 1.234"),
        (["1,5", "1.5"], "1,5", "whose marks may mean thousands or decimals: write 1234.5"),
        (["1,5"] * 20 + ["2.5"], "2.5", "where other rows have a decimal comma: write 1234,5"),
        (["1,5"] * 20, "1.234", "where other rows have a decimal comma: write 1234,5"),
        (["1,5"] * 20, "12.34,5", "where other rows have a decimal comma: write 1234,5"),
        (["1,5"] * 20, "1,5 €", "which is more than a number"),
    ],
)
def test_what_may_be_two_numbers_is_none(cells: list[str], cell: str, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        NUMBER.adapted_to(cells).read(cell, "price")


def test_rows_are_held_out_by_the_rarest_label() -> None:
    targets = [("common",)] * 6 + [("common", "rare")] * 2 + [(), ("a", "z")]
    assert LABELS.strata(targets) == ["common"] * 6 + ["rare"] * 2 + [None, "a"]


@pytest.mark.parametrize(("rows", "bins"), [(5, 1), (29, 2), (1000, 10)])
def test_rows_are_held_out_of_bins_of_like_numbers(rows: int, bins: int) -> None:
    numbers = random.Random(rows).sample(range(10 * rows), rows)
    strata = NUMBER.strata([float(number) for number in numbers])
    sizes = Counter(strata)
    assert len(sizes) == bins
    assert max(sizes.values()) - min(sizes.values()) <= 1
    in_order = [stratum for _, stratum in sorted(zip(numbers, strata, strict=True))]
    assert in_order == sorted(in_order)


def test_equal_numbers_are_in_one_bin() -> None:
    strata = NUMBER.strata([1.0] * 90 + [2.0] * 10)
    assert Counter(strata) == {0: 90, 9: 10}


def spread(values: str, rows: int = 40) -> list[str]:
    each = values.split()
    return [each[i % len(each)] for i in range(rows)]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (spread("pos neg"), LABEL),
        (spread("1 2 3 4 5"), LABEL),
        (list(range(1, 41)), None),
        (spread("late|broken late broken|rude"), LABELS),
        (spread("late;broken late rude"), LABELS),
        (spread("R&D|Sales Support"), LABEL),
        ([["late"], ["late", "broken"], []] * 9, LABELS),
        (["['late', 'broken']", "['late']", "[]"] * 9 + ["['lat"], LABELS),
        ([[0.25, 0.5]] * 9, None),
        ([i * 0.37 for i in range(40)], NUMBER),
        ([str(i * 0.37) for i in range(40)], NUMBER),
        ([str(i * 0.37).replace(".", ",") for i in range(40)], NUMBER),
        ([f"{i},{i * 37 % 1000:03}" for i in range(1, 41)], None),
        ([(i * 7919) % 1000 for i in range(40)], NUMBER),
        (spread("0.5 1.0 1.5"), LABEL),
        ([f"{i} €" for i in range(40)], None),
        ([i * 0.37 for i in range(39)] + ["12 €"], NUMBER),
        (["7"] * 40, None),
        (["a long text of many words, each of them different " + str(i) for i in range(40)], None),
    ],
)
def test_a_column_looks_like_one_kind_of_target(cells: list[Any], kind: Any) -> None:
    likeness = {target: target.likeness(cells) for target in TARGET_KINDS}
    best = max(TARGET_KINDS, key=lambda target: likeness[target])
    assert (best if likeness[best] > 0 else None) is kind, likeness


def test_labels_of_a_set_can_be_renamed() -> None:
    assert LABELS.labels_of(("a", "b")) == ("a", "b")
    assert LABELS.renamed(("a", "b"), {"a": "B", "b": "B"}) == ("B",)
    assert NUMBER.labels_of(3.0) == ()
    assert NUMBER.renamed(3.0, {"3": "4"}) == 3.0


@pytest.mark.parametrize(
    ("kind", "target", "cell"),
    [
        (LABEL, "late", "late"),
        (LABELS, ("broken", "late"), "broken|late"),
        (LABELS, (), "[]"),
        (NUMBER, 3.0, "3"),
        (NUMBER, 0.1, "0.1"),
        (NUMBER, 1e22, "1e+22"),
        (NUMBER, 1700000000.125, "1700000000.125"),
    ],
)
def test_a_target_is_read_as_it_was_written(kind: TargetKind, target: Any, cell: str) -> None:
    assert kind.written(target) == cell
    assert kind.read(cell, "x") == target
