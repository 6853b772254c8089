"""Weights in CTranslate2's layout become those that transformers loads, bit by bit."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from zoo_speech.ctranslate2 import read_ctranslate2
from zoo_speech.whisper_folder import converted

from zoo import StoreInvalid, Unsupported

TYPES = {np.dtype(np.float32): 0, np.dtype(np.int8): 1, np.dtype(np.int16): 2, np.dtype(np.float16): 4}


def text(value: str) -> bytes:
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def packed(tensors: dict[str, NDArray[Any]], *, version: int = 6, architecture: str = "WhisperSpec") -> bytes:
    """A file of that layout, as its `model_spec.py` writes it."""
    content = struct.pack("<I", version) + text(architecture) + struct.pack("<II", 3, len(tensors))
    for name, numbers in sorted(tensors.items()):
        shape = struct.pack(f"<B{numbers.ndim}I", numbers.ndim, *numbers.shape)
        content += text(name) + shape + struct.pack("<BI", TYPES[numbers.dtype], numbers.nbytes) + numbers.tobytes()
    return content + struct.pack("<I", 1) + text("decoder/projection/weight") + text("decoder/embeddings/weight")


def tensors_of(state: dict[str, torch.Tensor]) -> dict[str, NDArray[Any]]:
    """A state dict of transformers under the names of that layout; projections that go together as one, in 16 bits."""
    numbers = {name: tensor.half().numpy() for name, tensor in state.items()}
    tensors: dict[str, NDArray[Any]] = {}
    for part in ("encoder", "decoder"):
        ours, theirs = f"{part}/", f"model.{part}."
        tensors[f"{ours}num_heads"] = np.array(2, np.int16)
        tensors[f"{ours}position_encodings/encodings"] = numbers[f"{theirs}embed_positions.weight"]
        norms = {f"{ours}layer_norm": f"{theirs}layer_norm"}
        for i in range(2):
            layer, of_layer = f"{ours}layer_{i}/", f"{theirs}layers.{i}."
            attentions = {"self_attention": "self_attn"} | ({"attention": "encoder_attn"} if part == "decoder" else {})
            for our_name, their_name in attentions.items():
                norms[f"{layer}{our_name}/layer_norm"] = f"{of_layer}{their_name}_layer_norm"
                joined = ("qkv",) if our_name == "self_attention" else ("q", "kv")
                for number, projections in enumerate(joined):
                    names = [f"{of_layer}{their_name}.{one}_proj." for one in projections]
                    into = f"{layer}{our_name}/linear_{number}/"
                    tensors[f"{into}weight"] = np.concatenate([numbers[f"{name}weight"] for name in names])
                    zeros = np.zeros(32, np.float16)
                    tensors[f"{into}bias"] = np.concatenate([numbers.get(f"{name}bias", zeros) for name in names])
                for kind in ("weight", "bias"):
                    into = f"{layer}{our_name}/linear_{len(joined)}/{kind}"
                    tensors[into] = numbers[f"{of_layer}{their_name}.out_proj.{kind}"]
            norms[f"{layer}ffn/layer_norm"] = f"{of_layer}final_layer_norm"
            for number in range(2):
                for kind in ("weight", "bias"):
                    tensors[f"{layer}ffn/linear_{number}/{kind}"] = numbers[f"{of_layer}fc{number + 1}.{kind}"]
        for our_name, their_name in norms.items():
            tensors[f"{our_name}/gamma"] = numbers[f"{their_name}.weight"]
            tensors[f"{our_name}/beta"] = numbers[f"{their_name}.bias"]
    for number in (1, 2):
        for kind in ("weight", "bias"):
            tensors[f"encoder/conv{number}/{kind}"] = numbers[f"model.encoder.conv{number}.{kind}"]
    tensors["decoder/embeddings/weight"] = numbers["model.decoder.embed_tokens.weight"]
    tensors["decoder/alignment_heads"] = np.array(1, np.int16)
    return tensors


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, whispers: Any) -> tuple[Any, Path]:
    folder = tmp_path_factory.mktemp("published")
    return whispers.save(folder), folder


def source(folder: Path, published: Path, content: bytes) -> Path:
    """A folder as such weights are published."""
    folder.mkdir()
    (folder / "model.bin").write_bytes(content)
    (folder / "tokenizer.json").write_bytes((published / "tokenizer.json").read_bytes())
    stated = json.loads((published / "generation_config.json").read_text(encoding="utf-8"))
    suppressed = {"suppress_ids": stated["suppress_tokens"], "suppress_ids_begin": stated["begin_suppress_tokens"]}
    (folder / "config.json").write_text(json.dumps(suppressed))
    return folder


def test_transformers_loads_what_was_converted(network: tuple[Any, Path], tmp_path: Path) -> None:
    import transformers

    published, folder = network
    state = published.state_dict()
    packed_source = source(tmp_path / "packed", folder, packed(tensors_of(state)))

    whole = converted(packed_source, tmp_path / "kept" / "whisper")

    loaded = transformers.WhisperForConditionalGeneration.from_pretrained(whole, dtype=torch.float16)
    assert loaded.state_dict().keys() == state.keys()
    for name, tensor in loaded.state_dict().items():
        torch.testing.assert_close(tensor, state[name].half(), rtol=0, atol=0)
    ours, theirs = loaded.generation_config, published.generation_config
    for key in ("suppress_tokens", "begin_suppress_tokens", "no_timestamps_token_id", "decoder_start_token_id"):
        assert getattr(ours, key) == getattr(theirs, key)
    assert converted(tmp_path / "gone", whole) == whole


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (packed({}, version=5), Unsupported, "is of version 5 of CTranslate2's layout"),
        (packed({"a": np.zeros(3, np.float16)})[:60], StoreInvalid, "is damaged: it ends after 60 bytes"),
        (packed({}), StoreInvalid, "stands for decoder/embeddings/weight, which it lacks"),
        (b"", StoreInvalid, "cannot be read"),
    ],
)
def test_what_is_no_such_file_is_refused(content: bytes, error: type[Exception], message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)

    with pytest.raises(error, match=message):
        read_ctranslate2(path)


def test_another_architecture_is_refused(tmp_path: Path, network: tuple[Any, Path]) -> None:
    table = {"decoder/embeddings/weight": np.zeros((2, 2), np.float32)}
    folder = source(tmp_path / "a", network[1], packed(table, architecture="TransformerSpec"))

    with pytest.raises(Unsupported, match="holds TransformerSpec, not Whisper"):
        converted(folder, tmp_path / "b")
