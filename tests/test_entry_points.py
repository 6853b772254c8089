"""Entry points are those that `importlib.metadata` finds, which is asked where archives bring distributions, too."""

from __future__ import annotations

import sys
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.plugin_site import Site
from zoo import entry_points

PREFIX = "zoo."
POINTS = (
    "# a comment\n[console_scripts]\nred = red:main\n\n[zoo.plugins]\nred = red.plugin\nblue=red.plugin:BLUE [extra]\n"
)


def describe(folder: Path, *, name: str = "red_things", metadata: str = "Name: Red-Things\nVersion: 1.2\n") -> None:
    folder.mkdir(parents=True)
    (folder / name).mkdir()
    (folder / name / "METADATA").write_text(f"Metadata-Version: 2.1\n{metadata}\nName: of the description\n")
    (folder / name / "entry_points.txt").write_text(POINTS)


def test_they_are_those_that_importlib_finds(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install("toy", "", distribution="toy-plugin")
    describe(tmp_path / "one", name="red_things-1.2.dist-info")
    describe(tmp_path / "other", name="red.things-1.3.dist-info")
    monkeypatch.setattr(sys, "path", [*sys.path, f"{tmp_path / 'one'}/", str(tmp_path / "other")])
    expected = set(entry_points._of_importlib(PREFIX))

    assert expected == set(entry_points._of_folders(PREFIX)) == set(entry_points.entry_points(PREFIX))
    assert {("red", ("Red-Things", "1.2")), ("blue", ("Red-Things", "1.2"))} < {
        (point.name, point.distribution) for point in expected
    }
    assert entry_points.folder_of("red.Things") == str(tmp_path / "one")
    assert entry_points.folder_of("nowhere") is None
    (blue,) = (point for point in expected if point.name == "blue")
    assert (blue.module, blue.place) == ("red.plugin", str(tmp_path / "one"))


def test_an_egg_on_the_path_brings_some_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = tmp_path / "red_things-1.2-py3.11.egg" / "EGG-INFO"
    described.mkdir(parents=True)
    (described / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: red-things\nVersion: 1.2\n")
    (described / "entry_points.txt").write_text(POINTS)
    monkeypatch.setattr(sys, "path", [*sys.path, str(described.parent)])

    points = [point for point in entry_points.entry_points(PREFIX) if point.distribution == ("red-things", "1.2")]
    assert [point.name for point in points] == ["red", "blue"]
    assert entry_points.folder_of("red-things") == str(described.parent)


class Odd(metadata.Distribution):
    """Brings a plugin, and has no files."""

    def read_text(self, filename: str) -> str | None:
        if filename == "entry_points.txt":
            return POINTS
        if filename == "METADATA":
            return "Name: odd"
        raise UnicodeDecodeError("utf-8", b"", 0, 1, "damaged")

    def locate_file(self, path: object) -> Any:
        raise NotImplementedError


class Finder:
    """Finds it."""

    @classmethod
    def find_spec(cls, *_: object) -> None:
        """No module."""

    @classmethod
    def find_distributions(cls, context: metadata.DistributionFinder.Context) -> list[metadata.Distribution]:
        return [Odd()] if context.name in (None, "odd") else []


def test_an_odd_distribution_does_not_keep_others_from_being_found(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(entry_points.entry_points(PREFIX))
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    added = set(entry_points.entry_points(PREFIX)) - before
    assert {(point.name, point.distribution[0], point.place) for point in added} == {
        ("red", "odd", ""),
        ("blue", "odd", ""),
    }
    assert entry_points.folder_of("odd") is None


def test_what_they_stand_for_is_loaded() -> None:
    point = entry_points.EntryPoint("path", "pathlib:Path.home [extra]", "zoo.plugins", entry_points.UNKNOWN, "")
    assert point.load() == Path.home
    assert point._replace(value="pathlib").load() is sys.modules["pathlib"]


def test_an_archive_brings_some_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "red.zip", "w") as archive:
        archive.writestr("red_things-1.2.dist-info/METADATA", "Name: red-things\nVersion: 1.2\n")
        archive.writestr("red_things-1.2.dist-info/entry_points.txt", POINTS)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "red.zip")])

    points = [point for point in entry_points.entry_points(PREFIX) if point.distribution == ("red-things", "1.2")]
    assert [point.name for point in points] == ["red", "blue"]
    assert entry_points.folder_of("red-things") == f"{tmp_path / 'red.zip'}/"
    assert entry_points.folder_of("nowhere") is None
