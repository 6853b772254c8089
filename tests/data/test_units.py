"""Whose a row is: a column says so, and nobody's rows are on both sides of a division."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.data import load, split
from zoo.data.splitting import input_key
from zoo.data.units import check_units, keys_of_units, likely_unit_column, of_somebody, units_by_row
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

    keys = keys_of_units(dataset, units, [input_key(one) for one in dataset.examples])
    train, held_out = split(dataset, 0.3, 7, keys)
    assert held_out
    of_train, of_held_out = ({units[one.row] for one in part} for part in (train, held_out))
    assert not of_train & of_held_out
    assert keys[0] == keys[1]  # persons 0 and 1 wrote text 0
    assert len(set(keys)) == 9


def test_columns_of_people_are_known_by_their_names(tmp_path: Path) -> None:
    for column in ("User ID", "patient", "authors", "speaker_id", "customer-no"):
        assert likely_unit_column(write(tmp_path / "rows.csv", column)) == column
    for column in ("rating", "used", "identity of nobody"):
        assert likely_unit_column(write(tmp_path / "rows.csv", column)) == ""
    (tmp_path / "each.csv").write_text("text,label,user\none,a,1\ntwo,b,2\n")
    assert likely_unit_column(tmp_path / "each.csv") == ""


def test_nobody_is_protected_by_a_guess(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv")
    with pytest.raises(OptionInvalid, match="column User ID looks as if it said whose a row is"):
        check_units(path, "")
    with pytest.raises(DatasetInvalid, match="has no column writer"):
        check_units(path, "writer")
    check_units(path, "User ID")
    check_units(write(tmp_path / "rows.csv", "rating"), "")
