"""Digests are those of the bytes, are computed once, and a changed file is noticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.weights_factory import sha256, weights_file
from zoo.card import WeightsFile
from zoo.errors import ChecksumMismatch, DownloadFailed
from zoo.fetch.verify import digest_of, verify
from zoo.paths import cache_folder

CONTENT = b"the numbers of a model"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(CONTENT)
    return path


def rewrite_unnoticed(path: Path, content: bytes) -> None:
    """Other bytes of the same length, with the time of the old ones."""
    stat = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_file_that_is_meant_is_returned(file: Path) -> None:
    assert verify(file.parent, weights_file("model.bin", CONTENT)) == file


def test_a_file_without_size_and_digest_only_has_to_be_there(file: Path) -> None:
    assert verify(file.parent, WeightsFile(name="model.bin")) == file


def test_a_missing_file_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed) as caught:
        verify(tmp_path, weights_file("model.bin", CONTENT))

    assert type(caught.value) is DownloadFailed
    assert caught.value.message == f"{tmp_path / 'model.bin'} is not there"


def test_a_folder_in_the_place_of_a_file_is_not_the_file(tmp_path: Path) -> None:
    (tmp_path / "model.bin").mkdir()

    with pytest.raises(DownloadFailed, match="is not there"):
        verify(tmp_path, WeightsFile(name="model.bin"))


def test_another_size_is_told_with_both(file: Path) -> None:
    with pytest.raises(ChecksumMismatch) as caught:
        verify(file.parent, weights_file("model.bin", CONTENT * 1000))

    assert caught.value.message == f"{file} has 22 bytes, not 22,000"


def test_a_pointer_of_git_lfs_is_named_as_one(file: Path) -> None:
    file.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 22000\n")
    for pinned in (weights_file("model.bin", CONTENT), WeightsFile(name="model.bin")):
        with pytest.raises(ChecksumMismatch) as caught:
            verify(file.parent, pinned)

        assert caught.value.message == f"{file} is a git-lfs pointer, not the file itself"
        assert caught.value.hint == "fetch the file, in its repository: git lfs pull"


def test_another_digest_is_told_with_both(file: Path) -> None:
    other = CONTENT[::-1]

    with pytest.raises(ChecksumMismatch) as caught:
        verify(file.parent, weights_file("model.bin", other))

    assert caught.value.message == f"{file} has sha256 {sha256(CONTENT)}, not {sha256(other)}"


def test_a_verdict_is_remembered(file: Path) -> None:
    assert digest_of(file) == sha256(CONTENT)

    rewrite_unnoticed(file, CONTENT[::-1])

    assert digest_of(file) == sha256(CONTENT), "computed again, though size and time are as they were"


def test_a_changed_file_is_noticed(file: Path) -> None:
    stat = file.stat()
    assert digest_of(file) == sha256(CONTENT)

    file.write_bytes(CONTENT[::-1])
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))

    assert digest_of(file) == sha256(CONTENT[::-1])


def test_a_verdict_is_of_the_file_behind_a_link(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(CONTENT[::-1])
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    link = tmp_path / "link"
    link.symlink_to(file)
    assert digest_of(link) == sha256(CONTENT)

    link.unlink()
    link.symlink_to(other)

    assert digest_of(link) == sha256(CONTENT[::-1])


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"path": 1}', b"\xff"])
def test_a_damaged_verdict_is_made_again(file: Path, damage: bytes) -> None:
    digest_of(file)
    (note,) = (cache_folder() / "digests").iterdir()
    note.write_bytes(damage)

    assert digest_of(file) == sha256(CONTENT)
