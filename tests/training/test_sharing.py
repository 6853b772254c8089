"""What several heads have alike is written once, whatever they call it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.training.toy import CARD
from tests.training.weights import assert_identical
from zoo.runs.heads import merge
from zoo.runs.result import HEADS
from zoo.training.sharing import share
from zoo.training.weights import state_of

BODY = {
    "bn1.count": torch.tensor(3),
    "layer.bn1.count": torch.tensor(3),
    "conv.weight": torch.arange(6.0),
    "layer.weight": torch.ones(2),
}


def written(folder: Path, **states: dict[str, torch.Tensor]) -> Path:
    for name, state in states.items():
        (folder / HEADS / name).mkdir(parents=True)
        save_file(state, folder / HEADS / name / "model.safetensors")
        (folder / HEADS / name / "config.json").write_text("{}")
    share(folder)
    return folder / HEADS


@pytest.mark.parametrize(("ours", "theirs"), [("", ""), ("", "backbone.body."), ("backbone.body.", ""), ("", "net.")])
def test_heads_are_whole_and_the_body_is_there_once(tmp_path: Path, ours: str, theirs: str) -> None:
    first = {f"{ours}{name}": tensor for name, tensor in BODY.items()} | {"fc.weight": torch.zeros(2)}
    second = {f"{theirs}{name}": tensor for name, tensor in BODY.items()} | {"head.fc.weight": torch.full((2,), 3.0)}
    heads = written(tmp_path, a=first, b=second)

    assert (heads / "a" / "body.safetensors").samefile(heads / "b" / "body.safetensors")
    assert set(load_file(heads / "a" / "body.safetensors")) == {f"{ours}{name}" for name in BODY}
    for name, state in (("a", first), ("b", second)):
        assert_identical(state_of(CARD, heads / name, tmp_path), state)
        merge(heads / name, tmp_path / name)
        assert_identical(load_file(tmp_path / name / "model.safetensors"), state)


def test_what_differs_in_one_bit_is_not_shared(tmp_path: Path) -> None:
    other = BODY | {"layer.weight": torch.tensor([1.0, 1.0 + 2**-23]), "zero": torch.tensor(-0.0)}
    heads = written(tmp_path, a=BODY | {"zero": torch.tensor(0.0)}, b=other)
    assert set(load_file(heads / "b" / "head.safetensors")) == {"layer.weight", "zero"}


def test_heads_that_share_nothing_are_kept_apart(tmp_path: Path) -> None:
    heads = written(tmp_path, a={"x": torch.zeros(1)}, b={"y": torch.ones(1)})
    assert_identical(state_of(CARD, heads / "b", tmp_path), {"y": torch.ones(1)})
