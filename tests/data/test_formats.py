"""A file that is no table says what it is, and what to do; contents decide where the name says otherwise."""

from __future__ import annotations

import os
import pickle
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from zoo.data import digest, load
from zoo.errors import DatasetInvalid
from zoo.tasks.task import Task

Write = Callable[[str, str | bytes], Path]


def refused(path: Path, task: Task) -> DatasetInvalid:
    with pytest.raises(DatasetInvalid) as caught:
        load(path, task)
    return caught.value


def workbook(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")


def libre_office(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<office/>")


def tar(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"))


def database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table rows (text, label)")


@pytest.mark.parametrize(
    ("names", "make", "kind", "advice"),
    [
        (("a.xlsx", "a.csv"), workbook, "an Excel workbook", "Save As, CSV UTF-8"),
        (("a.xls", "a.csv"), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1more", "an old Excel or Word file", "CSV UTF-8"),
        (("a.ods",), libre_office, "a LibreOffice document", "Text CSV"),
        (("a.tar.gz", "a.tgz", "a.csv.gz"), tar, "an archive", "unpack it"),
        (("a.sqlite", "a.csv"), database, "an SQLite database", "sqlite3 -header -csv"),
        (("a.pkl", "a.csv"), lambda path: path.write_bytes(pickle.dumps({}, 4)), "a Python pickle", ".parquet instead"),
        (("a.jpg", "a.csv"), lambda path: Image.new("L", (8, 8)).save(path, "JPEG"), "an image", "name the folder"),
        (("a.pdf", "a.txt"), b"%PDF-1.7\n", "a PDF", "export it"),
        (("a.html", "a.csv"), b"\n<!doctype HTML>\n<html>", "a web page", "a download may have brought it"),
        (("a.xml", "a.csv"), b"\xef\xbb\xbf<?xml version='1.0'?>", "an XML document", "export it"),
        (
            ("a.csv", "a.jsonl", "a.parquet", "a.json"),
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
            "a git-lfs pointer, not the file itself",
            "git lfs pull",
        ),
    ],
)
def test_what_is_no_table_is_named(
    names: tuple[str, ...], make: Any, kind: str, advice: str, tmp_path: Path, classify: Task
) -> None:
    for name in names:
        path = tmp_path / name
        if isinstance(make, bytes):
            path.write_bytes(make)
        else:
            make(path)
        error = refused(path, classify)
        assert error.message.startswith(f"{path} is {kind}")
        assert advice in error.hint


def test_parquet_under_another_name_is_read(tmp_path: Path, classify: Task) -> None:
    pyarrow: Any = pytest.importorskip("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"text": ["good film", "bad film"], "label": ["pos", "neg"]})
    for name in ("a.csv", "a", "a.data"):
        parquet.write_table(table, tmp_path / name)
        assert load(tmp_path / name, classify).labels == ("neg", "pos")


def test_text_under_the_name_of_parquet_shows_how_it_begins(write: Write, classify: Task) -> None:
    error = refused(write("a.parquet", "text,label\n"), classify)
    assert error.message.endswith("a.parquet is not a readable Parquet file: it begins with b'text,lab'")


def test_text_that_resembles_something_else_is_text(write: Write, classify: Task, fill_mask: Task) -> None:
    for header in ("PK", "BZh9", "II", "%"):
        path = write("a.csv", f"{header},text,label\n1,good film,pos\n2,bad film,neg\n")
        assert load(path, classify).labels == ("neg", "pos")
    assert len(load(write("a.txt", "<html>\nsome text\n"), fill_mask).examples) == 2


def test_what_no_name_explains_says_what_is_read(tmp_path: Path, write: Write, classify: Task) -> None:
    error = refused(write("a.dat", "text,label\n"), classify)
    assert error.message.endswith("a.dat ends in .dat, which does not say how it is to be read")
    assert ".json" in error.hint
    assert ".gz" in error.hint
    assert "doc.to_json()" in refused(write("a.spacy", "\n"), classify).hint
    os.mkfifo(tmp_path / "a.csv")
    assert refused(tmp_path / "a.csv", classify).message == f"{tmp_path / 'a.csv'} is no ordinary file"
    assert refused(tmp_path / "none.csv", classify).message == f"there is no file or folder {tmp_path / 'none.csv'}"


def test_the_digest_is_that_of_the_bytes(write: Write, classify: Task) -> None:
    import hashlib

    content = b'[{"text": "good film", "label": "pos"}, {"text": "bad film", "label": "neg"}]'
    path = write("a.json", content)
    assert load(path, classify).sha256 == digest(path) == hashlib.sha256(content).hexdigest()
