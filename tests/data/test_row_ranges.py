"""Parts of a file: together they are the whole, whatever its format, and each is found without those before it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

import zoo
from zoo.data import InputRows, divided
from zoo.data import row_ranges as ranges_module
from zoo.row_range import RowRange
from zoo.tasks import get_task

TASK = get_task("text-classification")
ROWS = 61


def csv_text() -> str:
    """Rows of every sort that a reader has to get over: line ends in quotes, blank lines, broken rows, blanks."""
    lines = ["\ufefftext,note"]
    for number in range(ROWS):
        kind = number % 9
        lines.append(
            {
                0: f'"row\n{number}",a',
                1: f"row {number},a\n",
                2: f"row {number},a,too many",
                3: f'"row {number}" tail,a',
                4: f'row {number}, "a, b"',
                5: ",a",
                6: f'"row ""{number}""\r\n\r\nend",é',
            }.get(kind, f"row {number},a")
        )
    return "\n".join(lines) + "\n"


def json_lines() -> str:
    lines = [json.dumps({"text": f"row {number}", "n": number}) for number in range(ROWS)]
    lines[7], lines[20] = "{broken", "\n" + lines[20]
    return "\n".join(lines) + "\n"


def write_parquet(path: Path) -> None:
    table = pyarrow.table({"text": [f"row {number}" if number % 7 else None for number in range(ROWS)]})
    pyarrow.parquet.write_table(table, path, row_group_size=10)


FILES: dict[str, Callable[[Path], Any]] = {
    "rows.csv": lambda path: path.write_text(csv_text(), newline=""),
    "rows.tsv": lambda path: path.write_text(csv_text().replace(",", "\t"), newline=""),
    "old-macintosh.csv": lambda path: path.write_text(csv_text().replace("\n", "\r"), newline=""),
    "windows.csv": lambda path: path.write_text(csv_text().replace("\n", "\r\n"), newline=""),
    "wide.csv": lambda path: path.write_text(csv_text(), encoding="utf-16", newline=""),
    "rows.csv.gz": lambda path: path.write_bytes(gzip.compress(csv_text().encode())),
    "rows.jsonl": lambda path: path.write_text(json_lines()),
    "rows.txt": lambda path: path.write_text("".join(f"row {number}\n" for number in range(ROWS))),
    "documents.txt": lambda path: path.write_text("".join(f"row {n}\n" + "\n" * (n % 3 == 0) for n in range(ROWS))),
    "rows.json": lambda path: path.write_text(json.dumps([{"text": f"row {number}"} for number in range(ROWS)])),
    "rows.parquet": write_parquet,
}
SOUGHT = {"rows.csv", "rows.tsv", "windows.csv", "rows.csv.gz", "rows.jsonl", "rows.txt", "rows.parquet"}
"""Those whose parts are read from a place of their own."""


def read(path: Path, part: RowRange | None = None) -> list[Any]:
    return list(InputRows(path, TASK, part=part))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("parts", [2, 3, 7])
def test_the_parts_of_a_file_are_the_file(tmp_path: Path, name: str, parts: int) -> None:
    path = tmp_path / name
    FILES[name](path)
    whole = read(path)
    columns = tuple(InputRows(path, TASK).columns.values())
    ranges = divided(path, columns, parts, block=3)

    assert len(ranges) == parts
    assert whole == [row for one in ranges for row in read(path, one)]
    assert [len(read(path, one)) for one in ranges] == [one.rows for one in ranges]
    assert all(one.first % 3 == 0 for one in ranges)
    if name in SOUGHT:
        assert all(one.number > 1 and one.skipped < 10 for one in ranges[1:])


def test_few_marks_are_kept_of_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges_module, "MOST_MARKS", 4)
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": f"row {number}"}) + "\n" for number in range(1000)))
    ranges = divided(path, ("text",), 7, block=2)

    assert read(path) == [row for one in ranges for row in read(path, one)]
    assert max(one.skipped for one in ranges) > 100


def test_what_cannot_be_divided_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text\n" + "good\n" * 10)
    with pytest.raises(zoo.OptionInvalid, match="10 rows, too few for 4 shards of at least 4 rows") as error:
        divided(path, ("text",), 4, block=4)
    assert error.value.hint == "use --shards 3, or fewer"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").touch()
    with pytest.raises(zoo.DatasetInvalid, match="photos is a folder, and shards divide the rows of a file"):
        divided(tmp_path / "photos", ("image",), 2, block=4)
    (tmp_path / "empty.csv").write_text("text\n")
    with pytest.raises(zoo.DatasetInvalid, match=r"empty.csv has no rows"):
        divided(tmp_path / "empty.csv", ("text",), 2, block=4)
