"""Runs that are packed to be replayed on another machine."""

from __future__ import annotations

import json
import shutil
import stat
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

import zoo
from tests.replaying.records import data_of, edit
from zoo.catalog import Catalog
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.data.layout import parts_of
from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.replaying import unpacking
from zoo.replaying.data import Part, parts_of_data
from zoo.replaying.packing import Places, files_of
from zoo.replaying.paths_in_text import names_path, without_paths
from zoo.runs.request import DataRequest, RunRequest


def test_a_bundle_has_the_run_and_nothing_of_the_machine(
    run: zoo.Run, tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(
        run.folder.request_path,
        device_reason=f"as {data_of(run)} and {Path.home()}/x/y say",
        out=str(tmp_path / "a.csv"),
    )
    assert main(["export", run.name, "--bundle", str(tmp_path / "words.zip")]) == ExitCode.OK
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'words.zip'}\n"
    assert "1 data file" in err

    with zipfile.ZipFile(tmp_path / "words.zip") as archive:
        names = archive.namelist()
        texts = [archive.read(name).decode() for name in names]
        packed = archive.read("data/1/rows.csv")
    assert sorted(names) == ["README.md", "bundle.json", "data/1/rows.csv", "recipe.toml", "record.json", "run.json"]
    assert packed == data_of(run).read_bytes()
    for text in texts:
        for place in (str(tmp_path), str(store), str(Path.home()) + "/", "my data"):
            assert place not in text
    assert 'data = "data/1/rows.csv"' in texts[names.index("recipe.toml")]

    for wrong in ("words.zip", "words.tar", "nowhere/words.zip"):
        with pytest.raises(OptionInvalid):
            zoo.bundle(run, tmp_path / wrong)
    for flags in (["--without-data"], ["DIR", "--bundle", "b.zip"], []):
        assert main(["export", run.name, *flags]) == ExitCode.USAGE


def test_data_that_have_changed_are_not_packed(run: zoo.Run, tmp_path: Path) -> None:
    data_of(run).write_text("text,label\na,b\nc,d\n")
    with pytest.raises(DatasetInvalid, match="have changed since"):
        zoo.bundle(run, tmp_path / "words.zip")
    assert zoo.bundle(run, tmp_path / "words.zip", with_data=False).data_files == 0
    with pytest.raises(DatasetInvalid, match=r"without its data: data was rows\.csv"):
        zoo.replay(tmp_path / "words.zip")


def test_the_data_of_a_private_run_stay(run: zoo.Run, tmp_path: Path) -> None:
    edit(run.folder.request_path, options=run.folder.request.options | {"private": "eps=8"})
    assert zoo.bundle(run, tmp_path / "words.zip").without_data == "the run is private"
    with zipfile.ZipFile(tmp_path / "words.zip") as archive:
        assert run.folder.request.data.sha256 not in archive.read("run.json").decode()
    found = zoo.replay_differences(tmp_path / "words.zip", data=data_of(run).parent)
    assert [one.what for one in found] == ["data", "noise of its private training"]


def test_so_do_those_of_a_run_about_a_private_one(run: zoo.Run, tmp_path: Path) -> None:
    edit(run.folder.request_path, private_before=True)
    assert zoo.bundle(run, tmp_path / "about.zip").without_data == "the run is about a private one, or may be"
    with zipfile.ZipFile(tmp_path / "about.zip") as archive:
        assert run.folder.request.data.sha256 not in archive.read("run.json").decode()
        assert json.loads(archive.read("run.json"))["private_before"] is True


def test_of_a_folder_what_is_read_is_packed(run: zoo.Run, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "pets", tmp_path / "elsewhere"
    for path in (folder / "cat", elsewhere):
        path.mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(path / f"{number}.png")
    (folder / "dog").symlink_to(elsewhere)
    for name in ("id_rsa", "secrets.yaml", "notes.md", "labels.json"):
        (folder / name).write_text("{}")
    data, places = DataRequest(path=str(folder)), Places()
    part = Part("data", data.path, "", "image-classification", data, None, "finetune", evaluates=False)
    card = Catalog.load().resolve("echo")
    names = ["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"]
    assert sorted(files_of([part], card, places)) == [f"data/1/pets/{name}" for name in names]
    table = tmp_path / "pets.csv"
    table.write_text("file_name,label\ncat/0.png,cat\ndog/1.png,dog\n")
    (folder / "metadata.csv").write_bytes(table.read_bytes())
    assert sorted(files_of([part], card, places)) == [f"data/1/pets/{name}" for name in (*names, "metadata.csv")]
    (folder / "metadata.csv").unlink()
    (folder / "metadata.csv").symlink_to(table)
    with pytest.raises(DatasetInvalid, match="is a link that leads out of"):
        files_of([part], card, places)


def with_boxes(folder: Path, *parts: str) -> Path:
    """A YOLO folder, divided into parts or not, with files that are none of the data."""
    for part in parts or ("",):
        for name in ("images", "labels"):
            (folder / name / part).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (32, 32), (number, len(part), 0)).save(folder / "images" / part / f"{number}.png")
            (folder / "labels" / part / f"{number}.txt").write_text(f"{number % 2} 0.5 0.5 0.4 0.4\n")
    named = "".join(f"{key}: images/{part}\n" for key, part in zip(("train", "val"), parts or ("", ""), strict=True))
    (folder / "data.yaml").write_text(f"{named}names: [cat, dog]\n")
    for name in ("id_rsa", "notes.json", "labels/secret.txt"):
        (folder / name).write_text("{}")
    return folder


def with_masks(folder: Path, *parts: str) -> Path:
    """Pictures with masks, divided into parts or not."""
    for part in parts or ("",):
        for name in ("images", "masks"):
            (folder / name / part).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (32, 32), (number, len(part), 0)).save(folder / "images" / part / f"{number}.png")
            Image.new("L", (32, 32), number % 2).save(folder / "masks" / part / f"{number}.png")
    (folder / "classes.json").write_text('{"0": "background", "1": "cat"}')
    return folder


def packed_into(folder: Path, parts: list[Part]) -> tuple[Places, list[str]]:
    """Data as their bundle has them, in a folder; and the names of files that are neither pictures nor boxes."""
    places, card = Places(), Catalog.load().resolve("echo")
    names = files_of(parts, card, places)
    for name, path in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / name)
    return places, [name for name in names if not name.endswith((".png", ".txt"))]


@pytest.mark.parametrize("divided", [False, True])
@pytest.mark.parametrize("task", ["object-detection", "image-segmentation"])
def test_what_belongs_to_data_goes_along(tmp_path: Path, task: str, *, divided: bool) -> None:
    """Labels and masks beside the folders of pictures that a job has for its data, and the names of the classes."""
    names = ("train", "val") if divided else ()
    folder = (with_boxes if task == "object-detection" else with_masks)(tmp_path / "here" / "pets", *names)
    train, held_out, _ = parts_of(folder)
    data = DataRequest(path=str(train), eval_path=str(held_out or ""))
    parts = list(
        parts_of_data(RunRequest(name="mine", verb="finetune", model="echo", plugin="echo", task=task, data=data))
    )
    card = Catalog.load().resolve("echo")
    digests = [part.digest_now(card) for part in parts]
    assert len(set(digests)) == 1 + (held_out is not None and held_out != train)

    places, beside = packed_into(tmp_path / "there", parts)
    folder.rename(tmp_path / "gone")
    of_classes = "data.yaml" if task == "object-detection" else "classes.json"
    assert [Path(name).name for name in beside] == [of_classes]
    assert not list((tmp_path / "there").rglob("secret.txt"))
    there = [part._replace(path=str(tmp_path / "there" / places.names[part.path])) for part in parts]
    assert [part.digest_now(card) for part in there] == digests
    assert {example.target is not None for part in there for example in part.read(card).examples} == {True}


def test_a_file_of_classes_that_a_person_names_goes_along_once(tmp_path: Path) -> None:
    folder = with_masks(tmp_path / "masks", "train", "val")
    for classes in (folder / "classes.json", tmp_path / "named.json"):
        if not classes.exists():
            (folder / "classes.json").rename(classes)
        data = DataRequest(path=str(folder / "images" / "train"), classes=str(classes))
        part = Part("data", data.path, "", "image-segmentation", data, None, "finetune", evaluates=False)
        there = tmp_path / f"there {classes.name}"
        places, beside = packed_into(there, [part])
        assert [Path(name).name for name in beside] == [classes.name]
        moved = msgspec.structs.replace(data, classes=str(there / places.names[data.classes]))
        again = part._replace(path=str(there / places.names[data.path]), data=moved)
        card = Catalog.load().resolve("echo")
        assert again.digest_now(card) == part.digest_now(card)


def test_the_same_data_read_as_two_parts_stand_in_one_place(tmp_path: Path) -> None:
    data = DataRequest(path=str(with_boxes(tmp_path / "pets", "train", "val") / "images" / "train"))
    boxes = Part("data", data.path, "", "object-detection", data, None, "finetune", evaluates=False)
    places, beside = packed_into(tmp_path / "there", [boxes._replace(verb="predict"), boxes])
    assert (places.names[data.path], beside) == ("data/1/images/train", ["data/1/data.yaml"])


def test_what_lies_far_from_its_table_is_not_packed(tmp_path: Path) -> None:
    table = tmp_path / "a" / "b" / "c" / "d" / "rows.csv"
    table.parent.mkdir(parents=True)
    for number in range(2):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "a" / f"{number}.png")
    table.write_text("file_name,label\n../../../0.png,cat\n../../../1.png,dog\n")
    data = DataRequest(path=str(table))
    part = Part("data", data.path, "", "image-classification", data, None, "finetune", evaluates=False)
    places, _ = packed_into(tmp_path / "there", [part])
    assert places.names[data.path] == "data/1/b/c/d/rows.csv"
    names = table.read_text()
    table.write_text(names.replace("../../..", str(tmp_path / "a")))
    with pytest.raises(DatasetInvalid, match=r"rows\.csv names .*0\.png by its whole path"):
        packed_into(tmp_path / "there", [part])
    table.write_text(names)
    for number in range(2):
        (tmp_path / "a" / f"{number}.png").rename(tmp_path / f"{number}.png")
    table.write_text(table.read_text().replace("../../../", "../../../../"))
    with pytest.raises(DatasetInvalid, match=r"names .*0\.png, which is too far from it") as refusal:
        packed_into(tmp_path / "there", [part])
    assert "3 levels above rows.csv" in str(refusal.value.hint)


@pytest.fixture
def packed(run: zoo.Run, tmp_path: Path) -> Path:
    return zoo.bundle(run, tmp_path / "words.zip").path


def rewritten(packed: Path, **changes: Any) -> Path:
    """The same archive with other content of some files."""
    target = packed.with_name("hostile.zip")
    with zipfile.ZipFile(packed) as before, zipfile.ZipFile(target, "w") as after:
        for entry in before.infolist():
            after.writestr(entry, changes.get(entry.filename.partition(".")[0], before.read(entry)))
    return target


def refused(path: Path, words: str) -> None:
    with pytest.raises(OptionInvalid, match=words):
        zoo.replay(path)
    assert [one.name for one in zoo.list_runs()] == ["words"]
    assert list((Path(zoo.list_runs()[0].folder.path).parent).glob(".data-*")) == []


@pytest.mark.parametrize(
    "name",
    [
        "../out.csv",
        "/etc/x",
        "data/../../x",
        "C:/x",
        "data\\x",
        "data/1/",
        "data//x",
        "data/./x",
        "data/a:x",
        "x" * 2000,
    ],
)
def test_an_archive_that_leads_out_of_its_folder_is_refused(packed: Path, name: str) -> None:
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    refused(packed, "has a file named|is a link, a folder")


def test_links_and_repeated_names_are_refused(packed: Path) -> None:
    copy = Path(shutil.copy(packed, packed.with_name("copy.zip")))
    link = zipfile.ZipInfo("data/1/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    refused(packed, "is a link")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(copy, "a") as archive:
        archive.writestr("run.json", "{}")
    refused(copy, "has a file named 'run.json'")


def test_what_unpacks_to_too_much_is_refused(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "FREE_BYTES", 1000)
    monkeypatch.setattr(unpacking, "MOST_EXPANSION", 20)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/1/bomb", bytes(10_000_000))
    refused(packed, "would unpack to")
    monkeypatch.setattr(unpacking, "MOST_FILES", 3)
    refused(packed, "has 7 files, more than 3")


def test_what_the_archive_does_not_list_or_lists_otherwise_is_refused(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        run = json.loads(archive.read("run.json"))
    refused(rewritten(packed, **{"data/1/rows": b"text,label\na,b\n"}), "is damaged at 'data/1/rows.csv'")
    refused(rewritten(packed, run=b"{}"), "is damaged at 'run.json'")
    refused(rewritten(packed, bundle=b"{}"), "has a bundle.json that is none")
    refused(rewritten(packed, bundle=b'{"format":"zip","zoo":"9","files":[],"with_data":true}'), "whose format")
    assert run["data"]["path"] == "bundle:data/1/rows.csv"
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("extra.txt", "x")
    refused(packed, "has other files than it says, such as 'extra.txt'")
    packed.write_bytes(packed.read_bytes()[:200])
    refused(packed, "it is no zip archive")
    refused(packed.with_name("nowhere.zip"), "cannot be read")


def test_archives_that_nobody_writes_are_refused(packed: Path) -> None:
    for compression in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        copy = Path(shutil.copy(packed, packed.with_name("copy.zip")))
        with zipfile.ZipFile(copy, "a", compression) as archive:
            archive.writestr("data/1/x", b"x" * 100)
        refused(copy, "is compressed as nothing in a bundle is")
    deep = b'{"a":' * 100_000
    with zipfile.ZipFile(packed.with_name("deep.zip"), "w") as archive:
        archive.writestr("bundle.json", deep)
    refused(packed.with_name("deep.zip"), "has a bundle.json that is none")
    with zipfile.ZipFile(packed.with_name("name.zip"), "w") as archive:
        archive.writestr("nämé", b"x")
    content = packed.with_name("name.zip").read_bytes()
    packed.with_name("name.zip").write_bytes(content.replace("ä".encode(), b"\xff\xfe"))
    refused(packed.with_name("name.zip"), "it is no zip archive")


@pytest.mark.parametrize("path", ["/etc/hosts/x", "bundle:../x", "bundle:run.json", "rows.csv"])
def test_a_stranger_names_no_file_of_this_machine(packed: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def placed(archive: unpacking._Archive, folder: Path) -> Any:
        content = archive.struct("run.json", dict[str, Any])
        content["data"]["path"] = path
        monkeypatch.setattr(archive, "struct", lambda *_, **__: content)
        return before(archive, folder)

    before = unpacking._Archive.request
    monkeypatch.setattr(unpacking._Archive, "request", placed)
    refused(packed, "names")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cpu: /home/me/x.csv is there", "cpu: x.csv is there"),
        ("'C:\\Users\\me\\x.csv'", "'x.csv'"),
        ("see https://example.org/a/b and bert/tiny, 1/2", "see https://example.org/a/b and bert/tiny, 1/2"),
        ("~/a/b.csv", "b.csv"),
        ("/", "/"),
        ("/home/Jane Doe/x.csv", "x.csv"),
        ("C:\\Users\\Jane Doe\\x.csv", "x.csv"),
        ("see file:///home/jane/x", "see x"),
        ("data:/home/jane/x and -/home/jane/y", "data:x and -y"),
        ("\\\\server\\share\\x is there", "x is there"),
        ("../../x and a/../y, 1..2", "x and a/y, 1..2"),
    ],
)
def test_paths_become_names(text: str, expected: str) -> None:
    assert without_paths(text) == expected
    assert not names_path(expected)
