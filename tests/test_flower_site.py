"""What a site of the example of Flower takes from the server, and what it does not."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.wheel_factory import ROOT


@pytest.fixture(scope="module")
def learning() -> ModuleType:
    path = ROOT / "docs" / "examples" / "zoo-flower" / "zoo_flower" / "learning.py"
    spec = importlib.util.spec_from_file_location("zoo_flower_learning", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "options",
    [
        "--data /home/other.csv",
        "--epochs 1 --name mine",
        "--then --epochs",
        "--epochs=1",
        "--epochs",
        "--lr --data",
        "x",
    ],
)
def test_what_a_site_reads_and_does_is_its_own(learning: ModuleType, options: str) -> None:
    with pytest.raises(ValueError, match="the server may choose --epochs, "):
        learning.checked_options(options)


def test_how_it_learns_is_for_the_server_to_choose(learning: ModuleType) -> None:
    words = ["--epochs", "1", "--method", "full"]
    assert learning.checked_options("--epochs 1 --method full") == words
    assert learning.checked_options("") == []


def test_counters_of_batch_norms_keep_shape_and_type(learning: ModuleType, tmp_path: Path) -> None:
    save_file({"w": np.ones((2, 2), np.float32), "seen": np.array(3)}, tmp_path / "model.safetensors")
    learning.save({"w": np.full((2, 2), 2.0).T, "seen": np.array(4.0)}, tmp_path)  # as means are
    after = load_file(tmp_path / "model.safetensors")
    assert (after["w"].dtype, after["seen"].dtype, after["seen"].shape) == (np.float32, np.int64, ())
    assert (after["w"].tolist(), int(after["seen"])) == ([[2.0, 2.0], [2.0, 2.0]], 4)
    with pytest.raises(ValueError, match="other tensors"):
        learning.save({"w": after["w"]}, tmp_path)


def test_each_round_begins_with_the_model_that_the_site_names(learning: ModuleType, tmp_path: Path) -> None:
    for name in ("earlier", "now"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "labels.json").write_text(name)
    site = tmp_path / "site"
    site.mkdir()
    for name in ("earlier", "now"):
        learning.Site(site, tmp_path / name, "rows.csv")
    assert (site / "model-of-all" / "labels.json").read_text() == "now"
