"""Files, folders and arguments whose bytes are not UTF-8: set aside or rejected in place, shown escaped."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.echo_plugin import MODULE, SOURCE
from tests.plugin_site import new_site

pytestmark = pytest.mark.slow
Run = Callable[..., subprocess.CompletedProcess[str]]
NAME = os.fsdecode(b"caf\xe9")
ROWS = "text,label\n" + "good fine,positive\nbad awful,negative\n" * 10


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where commands run."""
    try:
        (tmp_path / NAME).touch()
    except OSError:
        pytest.skip("names of this file system are UTF-8")
    (tmp_path / NAME).unlink()
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / f"{NAME}.csv").write_text(ROWS)
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Type a command, with a model that counts the words of texts and one that counts those of paths."""
    pixels = "zoo.ImageInput(input_size=(3, 8, 8), mean=(0.5,), std=(0.5,))"
    of_images = SOURCE.replace("text-classification", "image-classification").replace('name="echo"', 'name="paths"')
    of_images = of_images.replace("zoo.TextInput(max_tokens=512)", pixels)

    def type_in(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "zoo", *words]
        return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=120, check=False)

    with new_site(folder / "site", monkeypatch) as site:
        site.install("echo", SOURCE, module=MODULE)
        site.install("paths", of_images, distribution="zoo-paths", module="counted_paths")
        yield type_in


def test_texts_and_data_files(run: Run, folder: Path) -> None:
    assert run("finetune", "echo", "--data", "rows.csv", "--name", "words").returncode == 0

    typed = run("predict", "words", NAME, "good", "--json")
    first, second = [json.loads(line) for line in typed.stdout.splitlines()]
    assert first == {
        "row": 1,
        "input": r"caf\xe9",
        "prediction": {"type": "rejected", "reason": "it holds bytes that are not UTF-8"},
    }
    assert second["prediction"]["type"] == "classification"
    assert r"caf\xe9" in run("predict", "words", NAME, "good").stdout

    streamed = run("predict", "words", "--file", f"{NAME}.csv", "--json")
    assert (streamed.returncode, len(streamed.stdout.splitlines())) == (0, 20)
    inspected = run("data", "inspect", f"{NAME}.csv", "--json")
    assert json.loads(inspected.stdout)["train"]["path"] == r"caf\xe9.csv"

    for words in (
        ("finetune", "echo", "--data", f"{NAME}.csv"),
        ("finetune", "echo", "--data", "rows.csv", "--eval", f"{NAME}.csv"),
        ("evaluate", "words", "--data", f"{NAME}.csv"),
        ("predict", "words", "--file", f"{NAME}.csv", "--out", "out.csv"),
    ):
        refused = run(*words)
        assert (refused.returncode, refused.stdout) == (4, ""), words
        assert rf"the name of {folder}/caf\xe9.csv is not UTF-8" in refused.stderr
    refused = run("predict", "words", "--file", "rows.csv", "--out", f"{NAME}.jsonl")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert rf"--out {folder}/caf\xe9.jsonl is not UTF-8" in refused.stderr


def test_images_and_class_folders(run: Run, folder: Path, store: Path) -> None:
    for name in ("cat", "dog", NAME):
        (folder / "pets" / name).mkdir(parents=True)
    for name in (*(f"{kind}/{n}.png" for kind in ("cat", "dog") for n in range(9)), f"cat/{NAME}.png", f"{NAME}/1.png"):
        (folder / "pets" / name).write_bytes(b"an image")

    inspected = run("data", "inspect", "pets", "--json")
    first = json.loads(inspected.stdout)["train"]["rejected"][0]
    assert first["reason"] == r"caf\xe9/1.png: its name is not UTF-8; rename the file"
    trained = run("finetune", "paths", "--data", "pets", "--name", "pets", "--max-rejected", "0.1")
    assert trained.returncode == 0, trained.stderr
    quarantine = (store / "runs" / "pets" / "quarantine.jsonl").read_text(encoding="utf-8")
    reasons = [json.loads(line)["reason"].partition(":")[0] for line in quarantine.splitlines()]
    assert reasons == [r"caf\xe9/1.png", r"cat/caf\xe9.png"]
    assert r"caf\xe9/1.png: its name is not UTF-8" in trained.stderr

    written = run("predict", "pets", "--file", "pets", "--out", "out.csv", "--keep", "all")
    assert written.stdout == f"18 rows answered, 2 rejected in {folder}/out.csv\n"
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        answers = list(csv.DictReader(file))
    assert [(row["file_name"], row["label"]) for row in answers if row["rejected"]] == [
        (r"caf\xe9/1.png", r"caf\xe9"),
        (r"cat/caf\xe9.png", "cat"),
    ]
    typed = run("predict", "pets", f"pets/cat/{NAME}.png", "--json")
    assert json.loads(typed.stdout)["input"] == r"pets/cat/caf\xe9.png"


def test_a_store_of_such_a_name_works(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(folder / NAME))
    trained = run("finetune", "echo", "--data", "rows.csv", "--name", "words")

    assert trained.returncode == 0
    assert rf"{folder}/caf\xe9/runs/words" in trained.stderr
    assert json.loads(run("runs", "--json").stdout)[0]["folder"] == rf"{folder}/caf\xe9/runs/words"
    assert run("predict", "words", "good").returncode == 0
