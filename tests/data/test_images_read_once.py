"""Images are read once for one purpose, whatever is found out about them; folders are listed once."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

import zoo
from tests.opened_files import reads_below
from zoo import cached_file, file_cache
from zoo.data import inspect, load
from zoo.data.guessing import likely_task
from zoo.file_cache import FileCache, media_fact, open_media, read_once
from zoo.kinds.facts import Size
from zoo.tasks import get_task

CLASSIFY = get_task("image-classification")


class Older(NamedTuple):
    """A fact with fewer fields."""

    bytes: int


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of three images each."""
    for label, colour in (("red", (200, 0, 0)), ("blue", (0, 0, 200))):
        folder = tmp_path / "data" / "photos" / label
        folder.mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (8 + number, 8), colour).save(folder / f"{number}.png")
    return tmp_path / "data" / "photos"


@pytest.fixture
def table(photos: Path) -> Path:
    """A table of the same images."""
    rows = [f"photos/{picture.relative_to(photos)},{picture.parent.name}" for picture in photos.rglob("*.png")]
    (photos.parent / "table.csv").write_text("\n".join(["file_name,label", *rows]) + "\n")
    return photos.parent / "table.csv"


@pytest.fixture(params=["photos", "table"])
def data(request: pytest.FixtureRequest) -> Path:
    """The folder, and the table."""
    path: Path = request.getfixturevalue(request.param)
    return path


def all_once(data: Path) -> Counter[str]:
    """Each image opened once, and the table once, or each folder listed once; as `reads_below` gives them."""
    folders = [data, *data.glob("*")]
    return Counter(str(path) for path in (*data.parent.rglob("*.png"), *(folders if data.is_dir() else (data,))))


def test_inspecting_and_then_loading_reads_once(data: Path) -> None:
    with reads_below(data.parent) as reads, read_once():
        assert likely_task(data) is CLASSIFY
        inspected = inspect(data, CLASSIFY)
        loaded = load(data, CLASSIFY)
    assert (inspected.train.rows, len(loaded.examples)) == (6, 6)
    assert reads == all_once(data)
    assert loaded.sha256 == load(data, CLASSIFY).sha256
    for example in loaded.examples:
        assert example.digest == hashlib.sha256(Path(example.input).read_bytes()).hexdigest()


def test_what_is_kept_between_two_looks_is_what_has_not_changed(photos: Path) -> None:
    files = FileCache()
    with read_once(files):
        before = load(photos, CLASSIFY)
    shutil.copy(photos / "blue" / "0.png", photos / "red" / "new.png")
    shutil.copy(photos / "blue" / "1.png", photos / "red" / "1.png")
    (photos / "red" / "2.png").unlink()
    with reads_below(photos) as reads, read_once(files):
        after = load(photos, CLASSIFY)
    assert {name for name in reads if name.endswith(".png")} == {
        str(photos / "red" / "new.png"),
        str(photos / "red" / "1.png"),
    }
    assert after == load(photos, CLASSIFY)
    assert (len(before.examples), len(after.examples)) == (6, 6)


def test_a_file_that_is_too_large_to_be_kept_whole_is_decoded_all_the_same(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = inspect(photos, CLASSIFY)
    monkeypatch.setattr(cached_file, "KEPT_BYTES", 10)
    assert inspect(photos, CLASSIFY) == whole


def test_digests_beyond_the_limit_are_made_again(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_cache, "MOST_MEDIA", 2)
    monkeypatch.setattr(file_cache, "MOST_VALUES", 2)
    with reads_below(photos) as reads, read_once():
        assert load(photos, CLASSIFY) == load(photos, CLASSIFY)
    assert sum(count for name, count in reads.items() if name.endswith(".png")) == 6 + 4


def test_images_are_not_digested_where_nobody_asks_for_that(photos: Path) -> None:
    with reads_below(photos) as reads:
        for _ in range(2):
            assert not isinstance(zoo.read_image(photos / "red" / "0.png"), zoo.Rejected)
    assert reads == {str(photos / "red" / "0.png"): 2}


def test_what_is_recorded_is_not_read_again_and_must_not_change(data: Path) -> None:
    with read_once() as files:
        loaded = load(data, CLASSIFY)
    recorded = FileCache(files.encode())
    path = Path(loaded.examples[0].input)
    with reads_below(data.parent / "photos") as reads, read_once(recorded):
        assert load(data, CLASSIFY) == loaded
        assert not [name for name in reads if name.endswith(".png")]
        assert not isinstance(zoo.read_image(path), zoo.Rejected)
        shutil.copy(loaded.examples[-1].input, path)
        for read in (lambda: zoo.read_image(path), lambda: load(data, CLASSIFY)):
            with pytest.raises(zoo.DatasetInvalid, match=f"{path} has changed since the run was asked for"):
                read()


def test_what_is_not_recorded_is_not_digested(photos: Path) -> None:
    path = photos / "red" / "0.png"
    with read_once(FileCache(b"")) as files:
        assert not isinstance(zoo.read_image(path), zoo.Rejected)
        assert files.encode() == b""


def test_what_was_found_out_is_kept_while_the_file_is_as_it_was(photos: Path) -> None:
    with read_once() as files:
        before = inspect(photos, CLASSIFY)
    for cache in (files, FileCache(files.encode())):
        with reads_below(photos) as reads, read_once(cache):
            assert inspect(photos, CLASSIFY) == before
        assert not [name for name in reads if name.endswith(".png")]
    Image.new("L", (30, 30)).save(photos / "red" / "1.png")
    (photos / "red" / "2.png").write_bytes(b"no image")
    for _ in range(2):  # what cannot be used is looked at each time
        with reads_below(photos) as reads, read_once(files):
            after = inspect(photos, CLASSIFY)
    assert {name for name in reads if name.endswith(".png")} == {str(photos / "red" / "2.png")}
    assert after == inspect(photos, CLASSIFY)
    assert after.train.images is not None
    assert (after.train.images.largest, after.train.rejected_rows) == (Size(30, 30), 1)


def test_facts_of_another_version_are_found_out_anew(photos: Path) -> None:
    path = str(photos / "red" / "0.png")

    def look(path: str) -> Older:
        with open_media(path) as file:
            return Older(len(file.read()))

    with read_once():
        assert media_fact(path, "size", Older, look) == look(path)
        assert media_fact(path, "size", Size, lambda path: Size(8, 8)) == Size(8, 8)
        assert media_fact(path, "size", Size, lambda path: Size(9, 9)) == Size(8, 8)
