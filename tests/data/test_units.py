"""Whose a row is: a column says so, and nobody's rows are on both sides of a division."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from zoo.data import load
from zoo.data.splitting import input_key
from zoo.data.units import check_units, divide_by_unit, keys_of_units, likely_unit_column, of_somebody, units_by_row
from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.tasks import get_task

TASK = get_task("text-classification")


def write(path: Path, column: str = "User ID") -> Path:
    """Forty rows of ten people; the last two are of nobody, and two people wrote the same."""
    rows = [f"text {0 if i in (0, 1) else i},{'ab'[i % 2]},{i % 10}" for i in range(38)]
    path.write_text(f"text,label,{column}\n" + "\n".join([*rows, "text 38,a,", "text 39,b, "]) + "\n")
    return path


def test_people_are_kept_together(tmp_path: Path) -> None:
    """So are rows with the same input, whosever they are."""
    path = write(tmp_path / "rows.csv")
    units = units_by_row(path, "user id")
    dataset = of_somebody(load(path, TASK), units, "User ID")
    assert [one.row for one in dataset.rejected] == [39, 40]
    assert "column User ID is empty" in dataset.rejected[0].reason

    keys = [input_key(one) for one in dataset.examples]
    train, held_out = divide_by_unit(dataset, 0.3, 7, keys, units)
    assert held_out
    of_train, of_held_out = ({units[one.row] for one in part} for part in (train, held_out))
    assert not of_train & of_held_out
    assert not set(map(input_key, train)) & set(map(input_key, held_out))

    together = keys_of_units([units[one.row].encode() for one in dataset.examples], keys)
    assert together[0] == together[1]  # persons 0 and 1 wrote text 0
    assert len(set(together)) == 9


@pytest.mark.parametrize("lost", ["3", "5", "8"])
def test_one_person_less_moves_no_other_one(tmp_path: Path, lost: str) -> None:
    """An epsilon is said of data that differ by one: so what others are learnt from hangs on nobody else."""
    path = write(tmp_path / "rows.csv")
    units = units_by_row(path, "User ID")
    whole = of_somebody(load(path, TASK), units, "User ID")
    rest = msgspec.structs.replace(whole, examples=tuple(one for one in whole.examples if units[one.row] != lost))
    for whose in (units, {}):
        learnt = [
            {one.row for one in divide_by_unit(data, 0.3, 7, [input_key(one) for one in data.examples], whose)[0]}
            for data in (whole, rest)
        ]
        assert learnt[1] == {row for row in learnt[0] if units[row] != lost}


def test_nothing_to_train_on_is_one_line(tmp_path: Path) -> None:
    dataset = load(write(tmp_path / "rows.csv"), TASK)
    keys = [input_key(one) for one in dataset.examples]
    with pytest.raises(OptionInvalid, match=r"--eval-share 0.5 holds out all of 1 unit"):
        divide_by_unit(dataset, 0.5, 0, keys, dict.fromkeys(range(1, 41), "one"))


def test_a_text_that_all_wrote_takes_no_longer() -> None:
    """Each of them hangs on the one before: what is found is found once."""
    units = [str(number).encode() for number in range(50_000)]
    assert len(set(keys_of_units(units, [b"ok"] * len(units)))) == 1


def test_columns_of_people_are_known_by_their_names(tmp_path: Path) -> None:
    for column in ("User ID", "patient", "subject_id", "speaker_id", "customer-no"):
        assert likely_unit_column(write(tmp_path / "rows.csv", column)) == (column, 38, 38)
    for column in ("rating", "used", "identity of nobody", "subject", "members"):
        assert likely_unit_column(write(tmp_path / "rows.csv", column)) is None
    assert likely_unit_column(write(tmp_path / "rows.csv", "speaker"), ("text", "speaker")) is None
    (tmp_path / "each.csv").write_text("text,label,user\none,a,1\ntwo,b,2\n")
    assert likely_unit_column(tmp_path / "each.csv") is None
    (tmp_path / "kinds.csv").write_text("text,member\n" + "".join(f"text {i},{i % 2}\n" for i in range(60)))
    assert likely_unit_column(tmp_path / "kinds.csv") is None


def test_nobody_is_protected_by_a_guess(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv")
    with pytest.raises(OptionInvalid, match="column User ID looks as if it said whose a row is"):
        check_units(path, "")
    with pytest.raises(DatasetInvalid, match="has no column writer"):
        check_units(path, "writer")
    check_units(path, "User ID")
    check_units(write(tmp_path / "rows.csv", "rating"), "")
