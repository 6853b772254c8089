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
from zoo.data import load
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


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    installed._points.cache_clear()
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
    assert ", .arrow1" in unknown.value.hint


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
    assert ", .arrow1 (zoo-arrows 1.0)" in capsys.readouterr().out.splitlines()[-1]
    assert main(["tasks", "text-regression"]) == ExitCode.OK
    assert "Parquet, .arrow1 (zoo-arrows 1.0)" in capsys.readouterr().out
    assert main(["tasks", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["formats"] == [
        {"extension": ".arrow1", "distribution": "zoo-arrows", "version": "1.0"}
    ]


def test_a_broken_one_is_told_beside_the_others(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.install("arrow1", READER, distribution="zoo-arrows", group=installed.GROUP)
    site.install("arrow2", "read_columns = 3", distribution="zoo-bows", group=installed.GROUP)
    assert main(["tasks"]) == ExitCode.PLUGIN
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1].endswith(", .arrow1 (zoo-arrows 1.0)")
    assert "warning: format arrow2: " in captured.err
    assert "has no read_columns and no read_rows" in captured.err


DIARY = """
import zoo

TITLE = "a diary"

def is_of(path):
    return (path / "diary.txt").is_file()

def parts(folder):
    years = sorted(folder.glob("*/diary.txt"))
    return {"train": years[0].parent, "test": years[-1].parent, "other": folder} if len(years) > 1 else {}

def read_columns(path, log=None):
    return ("label", "text")

def read_rows(path, columns, log=None):
    with zoo.open_lines(path / "diary.txt", log) as lines:
        for number, line in enumerate(lines, 1):
            row = dict(zip(("label", "text"), line.rstrip().split(": ")))
            yield zoo.Row(number, {name: row[name] for name in columns})
"""


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    for year in ("2024", "2025"):
        (tmp_path / "diary" / year).mkdir(parents=True)
        (tmp_path / "diary" / year / "diary.txt").write_text("good: a fine day\nbad: rain\n" * 5 + f"good: {year}\n")
    return tmp_path / "diary"


def test_a_folder_is_known_by_what_the_format_says_of_it_and_so_are_its_parts(
    site: Site, diary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.install("diary", DIARY, distribution="zoo-diaries", group=installed.GROUP)

    assert parts_of(diary) == (diary / "2024", None, diary / "2025")
    dataset = load(diary, CLASSIFY)
    assert (dataset.examples[0].input, dataset.examples[0].target, len(dataset.examples)) == ("a fine day", "good", 11)
    assert main(["data", "inspect", str(diary)]) == ExitCode.OK
    assert "read as a diary" in capsys.readouterr().out
    assert parts_of(diary / "2025") == (diary / "2025", None, None)


@pytest.mark.parametrize("function", ["is_of", "parts"])
def test_one_that_fails_when_it_is_asked_is_named(function: str, site: Site, diary: Path) -> None:
    source = DIARY.replace(f"def {function}(", f"def {function}(unasked, ")
    site.install("diary", source, distribution="zoo-diaries", group=installed.GROUP)
    with pytest.raises(PluginBroken, match=r"format diary \(zoo-diaries 1\.0\) fails on .*TypeError"):
        load(diary, CLASSIFY)
