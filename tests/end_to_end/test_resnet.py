"""ResNet through the whole of zoo: real worker processes on real images, real signals."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

import zoo
from tests.echo_runs import kill_and_resume, wait_quietly
from zoo.quickstart.digits import write_digits
from zoo.runs.events import InputsPrepared

pytest.importorskip("zoo_resnet")
pytest.importorskip("sklearn")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("shared_store")]

MODEL = "resnet10-32px"
CPU = {"device": "cpu", "precision": "fp32"}
SMALL: dict[str, Any] = {"image_size": 8, "flip": False, "batch_size": 20}
SHORT: dict[str, Any] = SMALL | {"max_steps": 40, "eval_steps": 10, "save_steps": 5}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real handwritten digits, and the labelled ones once more as train and val."""
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder)
    shutil.copytree(folder / "labelled", folder / "divided" / "train")
    shutil.copytree(folder / "test", folder / "divided" / "val")
    return folder


def weights(run: zoo.Run) -> bytes:
    return (run.folder.model_folder / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(digits: Path, shared_store: Path) -> bytes:
    """The final weights of a run that nobody disturbed."""
    return weights(zoo.finetune(MODEL, digits / "labelled", **CPU, **SHORT).wait(progress=False))


@pytest.mark.parametrize("cache", [{}, {"cache_memory": 0}, {"cache_memory": 0, "cache_disk": 0}])
def test_a_killed_run_resumes_to_the_same_bits(digits: Path, uninterrupted: bytes, cache: dict[str, int]) -> None:
    run = kill_and_resume(lambda: zoo.finetune(MODEL, digits / "labelled", **CPU, **SHORT, **cache), step=10)

    assert uninterrupted == weights(run)
    assert not run.folder.path.joinpath("scratch").exists()


def test_from_unlabelled_images_to_answers(digits: Path, tmp_path: Path) -> None:
    """Pretrain, fine-tune the result on a folder divided into train and val, evaluate, predict; in Python."""
    looked = zoo.pretrain(MODEL, digits / "unlabelled", **CPU, **SMALL, max_steps=10, eval_share=0.0)
    looked.wait(progress=False)
    run = zoo.finetune(looked.name, digits / "divided", **CPU, **SMALL, epochs=8.0).wait(progress=False)
    evaluated = zoo.evaluate(run.name, digits / "test", **CPU).wait(progress=False)

    assert run.snapshot.metrics["accuracy"] > 0.4  # guessing is 0.1
    assert evaluated.snapshot.metrics["accuracy"] == pytest.approx(run.snapshot.metrics["accuracy"], abs=1e-6)
    prepared = run.snapshot.prepared
    assert prepared is not None
    assert prepared.memory_bytes == (100 + 360) * 8 * 8 * 3
    assert any(isinstance(event, InputsPrepared) for event in run.events())
    model = zoo.load(run.name, **CPU)
    (three,) = model.predict([sorted((digits / "test" / "3").iterdir())[0]])
    assert isinstance(three, zoo.Classification)
    assert {score.label for score in three.scores} <= set("0123456789")


def test_broken_images_are_set_aside_up_to_the_limit(digits: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(digits / "labelled", data)
    for number in range(4):
        (data / "3" / f"broken{number}.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    run = zoo.finetune(MODEL, data, **CPU, **SMALL, max_steps=2).wait(progress=False)
    aside = [msgspec.json.decode(line) for line in (run.folder.path / "quarantine.jsonl").read_bytes().splitlines()]
    assert {Path(row["file"]).name for row in aside} == {f"broken{number}.png" for number in range(4)}
    assert all("it is no image that can be read here" in row["reason"] for row in aside)
    assert run.snapshot.rejected_rows == 4
    # Folders of classes have no columns that a result could remember.
    assert ({}, {}) == (run.model.card.columns, run.snapshot.columns)

    failing = zoo.finetune(MODEL, data, **CPU, **SMALL, max_steps=2, max_rejected=0.01)
    wait_quietly(failing)
    assert failing.status == "failed"
    assert "cannot be used" in (failing.snapshot.error or "")


def test_files_folders_and_patterns_are_answered_as_typed(digits: Path, tmp_path: Path) -> None:
    """`zoo predict` in a process of its own; what cannot be read is rejected in its place."""
    run = zoo.finetune(MODEL, digits / "labelled", **CPU, **SMALL, max_steps=2).wait(progress=False)
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, source in enumerate(sorted((digits / "test" / "5").iterdir())[:3]):
        shutil.copy(source, photos / f"{number}.png")
    (photos / "4.png").touch()
    words = [str(photos), "*.png", "nowhere.jpg", "--device", "cpu", "--top-k", "2", "--json"]
    command = [sys.executable, "-m", "zoo", "predict", run.name, *words]
    done = subprocess.run(command, cwd=photos, capture_output=True, encoding="utf-8", timeout=120, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]

    assert [Path(answer["input"]).name for answer in answers] == [
        *["0.png", "1.png", "2.png", "4.png"] * 2,
        "nowhere.jpg",
    ]
    rejected = [answer["prediction"]["reason"] for answer in answers if "reason" in answer["prediction"]]
    assert rejected == ["it is empty (0 bytes)", "it is empty (0 bytes)", "No such file or directory"]
    assert len(answers[0]["prediction"]["scores"]) == 2

    out = tmp_path / "answers.csv"
    command = [sys.executable, "-m", "zoo", "predict", run.name, "--file", str(photos), "--out", str(out), "-q"]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    assert len(out.read_text().splitlines()) == 5
