"""Packed weights reach networks of transformers without being written anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zoo.errors import StoreInvalid
from zoo.training.packing import load_tensors, pack_folder

transformers = pytest.importorskip("transformers")

from zoo.training.transformers_network import load_network, read_config  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small network that writes, whose output is tied to its table of tokens."""
    torch.manual_seed(0)
    config = transformers.GPT2Config(n_layer=1, n_head=2, n_embd=64, vocab_size=96, n_positions=64)
    network = transformers.GPT2LMHeadModel(config)
    network.generation_config.max_new_tokens = 7
    network.save_pretrained(tmp_path / "network")
    return tmp_path / "network"


@pytest.mark.parametrize("name", ["bf16", "int8", "int4"])
def test_a_packed_network_is_filled_with_what_its_weights_stand_for(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack_folder(folder, name)
    expected = load_tensors(folder / "model.safetensors")
    before = {path.name: path.stat().st_size for path in folder.iterdir()}
    monkeypatch.setenv("TMPDIR", "/nowhere")

    network = load_network(transformers.AutoModelForCausalLM, folder, read_config(folder), with_head=True)

    assert network.lm_head.weight is network.transformer.wte.weight
    assert network.generation_config.max_new_tokens == 7
    assert network.dtype == torch.float32
    state = network.state_dict()
    for key, tensor in expected.items():
        torch.testing.assert_close(state[key], tensor, rtol=0, atol=0)
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == before


def test_packed_weights_of_another_network_are_refused(folder: Path) -> None:
    pack_folder(folder, "int8")
    config = read_config(folder)
    config.n_layer = 2
    with pytest.raises(StoreInvalid, match="do not fit the network"):
        load_network(transformers.AutoModelForCausalLM, folder, config, with_head=True)
