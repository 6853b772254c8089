"""Weights in fewer bytes are nearly the same numbers, by every reader of weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from zoo.errors import StoreInvalid
from zoo.shrink_options import FORMATS, ONNX
from zoo.training.packed_linear import quantized_rows
from zoo.training.packing import PACKED, by_row, is_packed, load_tensors, pack_folder, unpack_folder
from zoo.training.pretrained import WeightsReader


def state() -> dict[str, torch.Tensor]:
    """As a network has them: matrices of very different rows, a kernel, small ones, counts."""
    torch.manual_seed(3)
    return {
        "layer.weight": torch.randn(64, 96) * torch.logspace(-3, 1, 64)[:, None],
        "layer.bias": torch.randn(64),
        "kernel.weight": torch.randn(32, 32, 3, 3),
        "odd.weight": torch.randn(80, 75),
        "zeros.weight": torch.zeros(64, 64),
        "small.weight": torch.randn(2, 64),
        "norm.num_batches_tracked": torch.tensor(7),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_file(state(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    return tmp_path


IN_SAFETENSORS = [name for name in FORMATS if name != ONNX]
ERRORS = {"bf16": 0.005, "int8": 0.012, "int8-tensor": 0.05, "int4": 0.12}
"""Root mean square of what is lost, in that of the weights; of one scale for rows so different, of the kernel."""


@pytest.mark.parametrize("name", IN_SAFETENSORS)
def test_numbers_are_nearly_the_same(folder: Path, name: str) -> None:
    pack_folder(folder, name)
    before, after = state(), load_tensors(folder / "model.safetensors")

    assert before.keys() == after.keys()
    assert all(after[key].dtype == before[key].dtype and after[key].shape == before[key].shape for key in before)
    for key in ("layer.bias", "small.weight", "norm.num_batches_tracked", "zeros.weight"):
        torch.testing.assert_close(after[key], before[key], rtol=0, atol=0)
    rows = ("kernel.weight", "odd.weight", *([] if name == "int8-tensor" else ["layer.weight"]))
    for key in rows:
        for one, other in zip(before[key].flatten(1), after[key].flatten(1), strict=True):
            assert (one - other).norm() <= ERRORS[name] * one.norm(), key


def test_the_same_weights_are_the_same_file(folder: Path) -> None:
    contents = set()
    for _ in range(8):
        save_file(state(), folder / "model.safetensors")
        pack_folder(folder, "int4")
        contents.add((folder / "model.safetensors").read_bytes())
    assert len(contents) == 1
    assert is_packed(folder)


def test_fewer_bits_are_fewer_bytes_and_other_libraries_are_told(folder: Path) -> None:
    sizes = [(folder / "model.safetensors").stat().st_size]
    for name in IN_SAFETENSORS:
        save_file(state(), folder / "model.safetensors")
        pack_folder(folder, name)
        sizes.append((folder / "model.safetensors").stat().st_size)
        assert is_packed(folder) == (name != "bf16")
        said = json.loads((folder / "config.json").read_text())
        method = {} if name == "bf16" else {"quantization_config": {"quant_method": "zoo", "format": name}}
        assert said == {"model_type": "bert"} | method
    assert sorted(sizes, reverse=True) == sizes

    unpack_folder(folder)
    assert not is_packed(folder)
    assert json.loads((folder / "config.json").read_text()) == {"model_type": "bert"}
    plain = load_file(folder / "model.safetensors")
    assert plain.keys() == state().keys()
    assert plain["layer.weight"].dtype == torch.float32


def test_what_is_computed_in_8_bits_are_the_integers_that_were_kept() -> None:
    packed = by_row(state()["layer.weight"])
    integers, _ = quantized_rows(packed.how.numbers(packed.stored, packed.scales))
    assert torch.equal(integers, packed.stored)


def test_tensors_are_read_one_by_one(folder: Path) -> None:
    pack_folder(folder, "int4")
    with WeightsReader(folder, "body.") as reader:
        assert reader.has("layer.weight")
        weight = reader.take("layer.weight", 64, 96)
    torch.testing.assert_close(weight, load_tensors(folder / "model.safetensors")["layer.weight"])


def test_what_a_later_version_packs_is_refused(folder: Path) -> None:
    said = {PACKED: json.dumps({"layer.weight": {"bits": 3, "shape": [64, 96]}})}
    save_file(state(), folder / "model.safetensors", said)
    with pytest.raises(StoreInvalid, match=r"model\.safetensors cannot be read"), WeightsReader(folder, "body."):
        pass
