"""Whose rows are whose."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.data.clients import client_names, clients_in, rows_by
from zoo.errors import DatasetInvalid


def test_folders_and_data_files_are_clients(tmp_path: Path) -> None:
    for name in ("b.csv", "c.csv.gz", "St. Anna.csv", "README.md", ".hidden.csv"):
        (tmp_path / name).write_text("text,label\n")
    (tmp_path / "a clinic").mkdir()
    (tmp_path / "a clinic" / "rows.csv").write_text("text,label\n")
    (tmp_path / "d").mkdir()

    assert [(one.name, one.path.relative_to(tmp_path).as_posix()) for one in clients_in(tmp_path)] == [
        ("St-Anna", "St. Anna.csv"),
        ("a-clinic", "a clinic/rows.csv"),
        ("b", "b.csv"),
        ("c", "c.csv.gz"),
        ("d", "d"),
    ]


def test_names_are_plain_and_differ() -> None:
    assert client_names(["St. Anna", "St Anna", "st.anna", "..", "/", "a" * 60]) == [
        "St-Anna",
        "St-Anna-2",
        "st-anna-3",
        "client",
        "client-2",
        "a" * 40,
    ]


def test_names_keep_the_letters_of_every_script() -> None:
    names = [
        "Mu\u0308nchen",
        "M\u00fcnchen",
        "\u5317\u4eac",
        "\u041c\u043e\u0441\u043a\u0432\u0430 2",
        "\u0926\u093f\u0932\u094d\u0932\u0940",
        "\U0001f3e5 a\x1b[31m",
    ]
    assert client_names(names) == [
        "M\u00fcnchen",
        "M\u00fcnchen-2",
        "\u5317\u4eac",
        "\u041c\u043e\u0441\u043a\u0432\u0430-2",
        "\u0926\u093f\u0932\u094d\u0932\u0940",
        "a-31m",
    ]
    assert max(len(name.encode()) for name in client_names(["\u5317" * 99] * 12)) < 200


@pytest.mark.parametrize(("files", "message"), [((), "no client"), (("one.csv",), "one client only, one")])
def test_several_learn_together(tmp_path: Path, files: tuple[str, ...], message: str) -> None:
    for name in files:
        (tmp_path / name).write_text("text,label\n")
    with pytest.raises(DatasetInvalid, match=message):
        clients_in(tmp_path)


def test_rows_go_by_a_column(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label,Site\na,x,south\nb,x,north\nc,y,\nd,y,south \n")

    assert rows_by(path, "site") == {"north": {2}, "south": {1, 4}}
    with pytest.raises(DatasetInvalid, match="no column place that would tell clients apart; columns found"):
        rows_by(path, "place")
