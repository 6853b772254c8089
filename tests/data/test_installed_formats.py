"""Formats of other distributions: files are read by the extension that an entry point of `zoo.formats` is called."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.opened_files import opened
from tests.plugin_site import Site, new_site
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.data import digest, load
from zoo.data.formats import installed, names_data
from zoo.data.layout import parts_of
from zoo.errors import DatasetInvalid, PluginBroken
from zoo.tasks import get_task

CLASSIFY = get_task("text-classification")
READER = """
import zoo

def read_columns(path, log=None):
    return ("label", "text")

def read_rows(path, columns, log=None):
    with zoo.open_lines(path, log) as lines:
        for number, line in enumerate(lines, 1):
            label, tab, text = line.rstrip().partition(" > ")
            row = {"label": label, "text": text}
            yield zoo.Row(number, {name: row[name] for name in columns}) if tab else zoo.Malformed(number, "has no >")
"""

DIARY = """
import zoo

TITLE = "a diary"
PARTS = {"train": "first", "test": "last"}

def is_of(path):
    return path.is_dir() and ((path / "diary").is_file() or (path.parent / "diary").is_file())

def parts(path):
    named = {part: path / name for part, name in PARTS.items()}
    return {part: folder for part, folder in named.items() if folder.is_dir()}

def read_columns(path, log=None):
    return ("mood", "text")

def read_rows(path, columns, log=None):
    for number, day in enumerate(sorted(path.glob("*.day")), 1):
        with zoo.open_lines(day, log) as lines:
            row = dict(zip(("mood", "text"), (line.strip() for line in lines)))
        yield zoo.Row(number, {name: row[name] for name in columns})
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for cached in (installed._points, installed._warn_once):
        cached.cache_clear()
    with new_site(tmp_path / "site", monkeypatch) as site:
        yield site
    installed._points.cache_clear()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.arrow1"
    path.write_text("good > a fine day\nbad > rain\nnothing\n" + "good > sun\nbad > hail\n" * 9)
    return path


def test_its_files_are_data(site: Site, notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.install("arrow1", READER, distribution="zoo-arrows", group=installed.GROUP)
    with opened(notes) as times:
        dataset = load(notes, CLASSIFY)
    assert len(times) == 1, "its digest is made of the bytes that zoo.open_lines has read"
    assert ("a fine day", "good", ("bad", "good")) == (
        dataset.examples[0].input,
        dataset.examples[0].target,
        dataset.labels,
    )
    assert [(3, "has no >")] == [(row.row, row.reason) for row in dataset.rejected]
    assert names_data(notes)
    assert ExitCode.OK == main(["data", "inspect", str(notes)])
    assert "(input from 'text', label from 'label')" in capsys.readouterr().out


def test_what_can_be_read_is_told(site: Site, tmp_path: Path) -> None:
    site.install("arrow1", READER, distribution="zoo-arrows", group=installed.GROUP)
    (tmp_path / "a.odd").write_text("a")
    with pytest.raises(DatasetInvalid, match=r"ends in \.odd") as unknown:
        load(tmp_path / "a.odd", CLASSIFY)
    assert ".txt, .arrow1" in unknown.value.hint


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise ValueError('no')", r"format arrow1 \(zoo-arrows\): ValueError: no"),
        ("read_columns = 3", "has no read_columns and no read_rows"),
        (READER.replace('row = {"label"', 'row = {"other"'), r"format arrow1 \(zoo-arrows 1.0\) fails on .*KeyError"),
    ],
)
def test_a_format_that_fails_is_named(source: str, message: str, site: Site, notes: Path) -> None:
    site.install("arrow1", source, distribution="zoo-arrows", group=installed.GROUP)
    with pytest.raises(PluginBroken, match=message):
        load(notes, CLASSIFY)


def test_two_of_one_extension_are_both_named(site: Site, notes: Path) -> None:
    for name in ("zoo-arrows", "zoo-bows"):
        site.install("arrow1", READER, distribution=name, group=installed.GROUP)
    with pytest.raises(PluginBroken, match="zoo-arrows and zoo-bows both call their format 'arrow1'"):
        load(notes, CLASSIFY)


def test_they_are_listed_with_the_tasks(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.install("arrow1", READER, distribution="zoo-arrows", group=installed.GROUP)
    assert main(["tasks"]) == ExitCode.OK
    assert ".txt, .arrow1 (zoo-arrows 1.0)" in capsys.readouterr().out.splitlines()[-1]
    assert main(["tasks", "text-regression"]) == ExitCode.OK
    assert "Parquet, .arrow1 (zoo-arrows 1.0)" in capsys.readouterr().out
    assert main(["tasks", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["formats"] == [
        {"name": "arrow1", "extension": ".arrow1", "distribution": "zoo-arrows", "version": "1.0"}
    ]


def test_a_broken_one_is_told_beside_the_others(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.install("arrow1", READER, distribution="zoo-arrows", group=installed.GROUP)
    site.install("arrow2", "read_columns = 3", distribution="zoo-bows", group=installed.GROUP)
    assert main(["tasks"]) == ExitCode.PLUGIN
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1].endswith(".txt, .arrow1 (zoo-arrows 1.0)")
    assert "warning: format arrow2: " in captured.err
    assert "has no read_columns and no read_rows" in captured.err


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    for folder, days in (("first", 8), ("last", 4)):
        (tmp_path / "paper" / folder).mkdir(parents=True)
        for day in range(days):
            text = f"{'good' if day % 2 else 'bad'}\nwhat happened on day {day} of the {folder}\n"
            (tmp_path / "paper" / folder / f"{day}.day").write_text(text)
    (tmp_path / "paper" / "diary").touch()
    return tmp_path / "paper"


def test_a_folder_known_by_what_it_holds_has_parts_of_its_own(
    site: Site, diary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.install("diary", DIARY, distribution="zoo-diary", group=installed.GROUP)
    assert parts_of(diary) == (diary / "first", None, diary / "last")
    dataset = load(diary / "last", CLASSIFY, columns={"label": "mood"})
    assert [("what happened on day 0 of the last", "bad")] == [(e.input, e.target) for e in dataset.examples[:1]]
    before = digest(diary)
    (diary / "first" / "0.day").write_text("good\nwhat happened on day 9 of the first\n")
    assert before != digest(diary), "the contents of its files are what is digested"
    assert ExitCode.OK == main(["data", "inspect", str(diary), "--label", "mood"])
    out = capsys.readouterr().out
    assert "read as a diary (zoo-diary 1.0)" in out
    assert "8 rows" in out
    assert main(["tasks", "--json"]) == ExitCode.OK
    assert [("diary", "")] == [(f["name"], f["extension"]) for f in json.loads(capsys.readouterr().out)["formats"]]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ('{"learn": path}', "fails on .*: ValueError: its parts are learn, not train"),
        ("1 / 0", "format diary .* fails on .*: ZeroDivisionError"),
    ],
)
def test_wrong_parts_are_its_fault(parts: str, message: str, site: Site, diary: Path) -> None:
    source = DIARY.replace("    named = ", f"    return {parts}\n    named = ")
    site.install("diary", source, distribution="zoo-diary", group=installed.GROUP)
    with pytest.raises(PluginBroken, match=message):
        parts_of(diary)


@pytest.mark.parametrize("source", [DIARY.replace("path.is_dir() and", "path.surprise and"), "raise ValueError('no')"])
def test_one_that_fails_to_recognise_leaves_other_data_alone(
    source: str, site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site.install("diary", source, distribution="zoo-diary", group=installed.GROUP)
    path = tmp_path / "a.csv"
    path.write_text("text,label\na,b\nc,d\n")
    assert 2 == len(load(path, CLASSIFY).examples)
    assert 1 == len([record for record in caplog.records if "format diary (zoo-diary" in record.getMessage()])
