"""`zoo export`: a result as a folder that other libraries load."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import zoo
from tests.plugin_site import Site, card, new_site, plugin
from tests.test_catalog import write_result
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.readme_tags import PRIVATE_ROWS, tags_of

BODY = {"body.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "body.ids": np.arange(4)}
HEADS = {
    "mood": {"head.weight": np.ones((2, 2), np.float32)},
    "names": {"tags.weight": np.full((3, 2), 0.5, np.float16), "tags.bias": np.zeros(3, np.float32)},
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("red", plugin(card("tiny")))
        yield site


def files_of(folder: Path) -> list[dict[str, Any]]:
    return [
        {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size_bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name not in ("README.md", "zoo.json")
    ]


@pytest.fixture
def joint(site: Site, store: Path) -> Path:
    """A result of two heads; returns its folder."""
    model = write_result(store, "joint")
    listed = []
    for (name, tensors), task in zip(HEADS.items(), ("text-classification", "fill-mask"), strict=True):
        folder = model / "heads" / name
        folder.mkdir(parents=True)
        save_file(BODY, folder / "body.safetensors")
        save_file(tensors, folder / "head.safetensors")
        (folder / "model.safetensors.index.json").write_text("{}")
        (folder / "config.json").write_text("{}")
        (folder / "README.md").write_text(f"# joint.{name}\n")
        listed.append({"name": name, "verb": "finetune", "task": task, "files": files_of(folder)})
    describe(model, heads=listed)
    return model


def describe(model: Path, **fields: Any) -> None:
    manifest = json.loads((model / "zoo.json").read_text()) | fields
    (model / "zoo.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "words", [["joint", "--head", "names"], ["joint.names"], ["joint", "--task", "fill-mask"], ["red/joint.names"]]
)
def test_a_head_is_written_whole(
    joint: Path, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "apart"
    assert main(["export", *words, str(target)]) == ExitCode.OK
    assert capsys.readouterr().out == f"{target}\n"

    assert sorted(path.name for path in target.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    readme = (target / "README.md").read_text()
    assert readme.endswith("\n# joint.names\n")
    assert tags_of(readme) == (PRIVATE_ROWS,), "there is no run that could say whether its rows are private"
    tensors = load_file(target / "model.safetensors")
    expected = BODY | HEADS["names"]
    assert sorted(tensors) == sorted(expected)
    for name, tensor in expected.items():
        assert tensors[name].dtype == tensor.dtype
        np.testing.assert_array_equal(tensors[name], tensor)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["apart", "site"]


def test_a_result_with_one_head_is_written_as_it_is(site: Site, store: Path, tmp_path: Path) -> None:
    model = write_result(store, "mine")
    (model / "README.md").write_text("# mine\n")
    (model / "model.safetensors.index.json").write_text("{}")  # of a model in several files
    (model / "parts").mkdir()
    (model / "parts" / "a.bin").write_bytes(b"a")
    file = {"name": "parts/a.bin", "sha256": hashlib.sha256(b"a").hexdigest(), "size_bytes": 1}
    describe(model, files=[*files_of(model), file])

    assert zoo.export("mine", tmp_path / "apart") == tmp_path / "apart"
    written = {path.relative_to(tmp_path / "apart").as_posix() for path in (tmp_path / "apart").rglob("*")}
    assert written == {"README.md", "model.safetensors.index.json", "parts", "parts/a.bin"}


def test_a_file_that_is_not_what_the_run_wrote_is_told(
    joint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (joint / "heads" / "names" / "config.json").write_text("{x")
    assert main(["export", "joint", "--head", "names", str(tmp_path / "apart")]) != ExitCode.OK
    assert "config.json" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["joint", "new"], "joint has several heads, joint.mood", "name one, such as joint.mood"),
        (["joint", "new", "--head", "moods"], "joint has no head 'moods'", "its heads are mood, names"),
        (["joint.mood", "new", "--head", "mood"], "joint.mood has no heads to choose from", "leave --head out"),
        (["tiny", "new"], "tiny is no result of a run", ""),
        (["nothing", "new"], "there is no model 'nothing'", ""),
        (["joint.mood", "."], "exists already", "name a new folder"),
        (["joint.mood", "nowhere/new"], "there is no folder", "make it first"),
        (["joint.mood", ""], "no folder is named", "name a new one"),
        (["joint.mood"], "required", "such as zoo export mine"),
    ],
)
def test_what_cannot_be_written_is_told_in_one_line(
    joint: Path,
    words: list[str],
    message: str,
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", *words]) != ExitCode.OK
    error = capsys.readouterr().err
    assert message in error
    assert hint in error
    assert "Traceback" not in error
    assert not (tmp_path / "new").exists()
