"""Trainings of torch give the same bits again, from their record and from a bundle on another machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zoo
from tests.end_to_end.test_audit import CPU, write_rows
from tests.replaying.test_bundles import with_boxes, with_masks
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode

pytest.importorskip("zoo_bert")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(200), pytest.mark.usefixtures("shared_store")]


def test_a_bundle_gives_the_same_bits_elsewhere(
    shared_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").mkdir()
    data = write_rows(tmp_path / "here" / "rows.csv", 64, seed=3)
    run = zoo.finetune("bert-tiny", data, name="mine", max_steps=6, max_tokens=16, **CPU).wait(progress=False)
    files = {path.name: path.read_bytes() for path in run.folder.model_folder.glob("*.safetensors")}
    packed = zoo.bundle(run, tmp_path / "mine.zip").path
    (tmp_path / "here").rename(tmp_path / "gone")
    run.folder.path.rename(shared_store / "hidden")

    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path / "gone")
    capsys.readouterr()
    assert main(["replay", str(packed), "--name", "again", "--json"]) == ExitCode.OK
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["same"]
    assert verdict["compared_files"] >= len(files) == 1
    again = zoo.open_run("again")
    assert files == {path.name: path.read_bytes() for path in again.folder.model_folder.glob("*.safetensors")}
    assert Path(again.folder.request.data.path).is_relative_to(again.folder.path / "data")
    assert again.replayed.largest_difference is None


def test_pictures_take_along_what_stands_beside_them(
    shared_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Boxes and masks, whose folders stand beside those of the pictures, divided into parts or not, in one run."""
    pytest.importorskip("zoo_resnet")
    here = tmp_path / "here"
    sources = {
        "box": zoo.Source(data=with_boxes(here / "whole"), task="object-detection"),
        "part": zoo.Source(data=with_boxes(here / "divided", "train", "val"), task="object-detection"),
        "mask": zoo.Source(data=with_masks(here / "masks", "train", "val"), task="image-segmentation"),
    }
    options = {"image_size": 32, "batch_size": 2, "max_steps": 3}
    run = zoo.finetune("resnet10-32px", sources=sources, name="seen", **CPU, **options).wait(progress=False)
    packed = zoo.bundle(run, tmp_path / "seen.zip").path
    here.rename(tmp_path / "gone")
    run.folder.path.rename(shared_store / "hidden-pictures")

    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "elsewhere"))
    capsys.readouterr()
    assert main(["replay", str(packed), "--name", "again", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["same"]
    again = zoo.open_run("again").folder
    paths = [one.data.path for one in again.request.sources] + [one.data.eval_path for one in again.request.sources]
    assert {Path(path).relative_to(again.path / "data").as_posix() for path in paths} == {
        "1/images",
        "2/images/train",
        "2/images/val",
        "3/images/train",
        "3/images/val",
    }
