"""Whisper in CTranslate2's layout as a folder that transformers loads: converted once, kept as safetensors."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from zoo import PredictionRun, StoreInvalid, TrainingRun, Unsupported
from zoo.training.pretrained import AGAIN, read_json, save_config
from zoo_speech.ctranslate2 import read_ctranslate2

FILE = "model.bin"
"""Of such weights; the tokenizer stands beside it."""
ARCHITECTURE = "WhisperForConditionalGeneration"
_LAYER = re.compile(r"(encoder|decoder)/layer_(\d+)/(self_attention|attention|ffn)/(\w+)/(\w+)")
_OTHERS = {
    "encoder/conv1/weight": "encoder.conv1.weight",
    "encoder/conv1/bias": "encoder.conv1.bias",
    "encoder/conv2/weight": "encoder.conv2.weight",
    "encoder/conv2/bias": "encoder.conv2.bias",
    "encoder/position_encodings/encodings": "encoder.embed_positions.weight",
    "encoder/layer_norm/gamma": "encoder.layer_norm.weight",
    "encoder/layer_norm/beta": "encoder.layer_norm.bias",
    "decoder/embeddings/weight": "decoder.embed_tokens.weight",
    "decoder/position_encodings/encodings": "decoder.embed_positions.weight",
    "decoder/layer_norm/gamma": "decoder.layer_norm.weight",
    "decoder/layer_norm/beta": "decoder.layer_norm.bias",
}
"""Tensors outside the layers, and their names in transformers, but for the `model.` before them."""
_PARTS = {
    ("self_attention", "linear_0"): ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    ("self_attention", "linear_1"): ("self_attn.out_proj",),
    ("attention", "linear_0"): ("encoder_attn.q_proj",),
    ("attention", "linear_1"): ("encoder_attn.k_proj", "encoder_attn.v_proj"),
    ("attention", "linear_2"): ("encoder_attn.out_proj",),
    ("ffn", "linear_0"): ("fc1",),
    ("ffn", "linear_1"): ("fc2",),
    ("self_attention", "layer_norm"): ("self_attn_layer_norm",),
    ("attention", "layer_norm"): ("encoder_attn_layer_norm",),
    ("ffn", "layer_norm"): ("final_layer_norm",),
}
"""What each tensor of a layer is made of, one above the other."""
_KINDS = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}


def model_folder(run: PredictionRun | TrainingRun) -> Path:
    """The weights of a run as transformers has them.

    Raises:
        StoreInvalid: they are damaged, or the disk cannot be written to.
        Unsupported: they are none of Whisper.
    """
    assert run.weights is not None
    if not (run.weights / FILE).exists():
        return run.weights
    files = run.card.weights.in_folder(run.weights).files if run.card.weights is not None else ()
    digest = next((file.sha256 for file in files if file.name == FILE and file.sha256), "unnamed")
    return converted(run.weights, run.cache_folder / f"{run.card.name}-{digest[:16]}")


def converted(source: Path, folder: Path) -> Path:
    """The folder that weights become: there already, or made now, whole or not at all.

    Args:
        source: holds `model.bin`, `config.json` and `tokenizer.json`.
        folder: where they go.

    Raises:
        StoreInvalid, Unsupported: as above.
    """
    if folder.exists():
        return folder
    architecture, tensors = read_ctranslate2(source / FILE)
    if architecture != "WhisperSpec":
        raise Unsupported(f"{source / FILE} holds {architecture}, not Whisper", "choose another model")
    state = dict(_state(source / FILE, tensors))
    config = _config(tensors)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as parent:
            partial = Path(parent) / folder.name
            partial.mkdir()
            save_file(state, partial / "model.safetensors", {"format": "pt"})
            _save_texts(source, config, partial)
            if not folder.exists():  # somebody else was faster
                partial.rename(folder)
    except OSError as error:
        raise StoreInvalid(
            f"{folder} cannot be written: {error.strerror or error}", "look at the disk and its room"
        ) from error
    return folder


def _state(path: Path, tensors: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Tensors by transformers' names; those of no dimension are settings, and the output is the table of tokens."""
    for stated, numbers in tensors.items():
        if not numbers.ndim or stated.startswith(("decoder/alignment", "decoder/projection")):
            continue
        if numbers.dtype not in (np.float16, np.float32):
            raise Unsupported(f"{stated} in {path} is of {numbers.dtype}", "weights of fp32 and fp16 are known here")
        if stated in _OTHERS:
            yield f"model.{_OTHERS[stated]}", np.ascontiguousarray(numbers)
            continue
        match = _LAYER.fullmatch(stated)
        parts = _PARTS.get((match[3], match[4])) if match else None
        if match is None or parts is None or match[5] not in _KINDS:
            raise Unsupported(f"{path} has a tensor {stated}, which Whisper has not", "choose another model")
        for part, rows in zip(parts, np.split(numbers, len(parts)), strict=True):
            name = f"{part}.{_KINDS[match[5]]}"
            if not name.endswith("k_proj.bias"):  # keys have none; zeros stand there
                yield f"model.{match[1]}.layers.{match[2]}.{name}", np.ascontiguousarray(rows)


def _config(tensors: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """What transformers writes into `config.json`, of the shapes of the tensors."""
    try:
        vocabulary, width = tensors["decoder/embeddings/weight"].shape
        config = {
            "architectures": [ARCHITECTURE],
            "model_type": "whisper",
            "activation_function": "gelu",
            "d_model": width,
            "vocab_size": vocabulary,
            "num_mel_bins": tensors["encoder/conv1/weight"].shape[1],
            "max_source_positions": len(tensors["encoder/position_encodings/encodings"]),
            "max_target_positions": len(tensors["decoder/position_encodings/encodings"]),
            "tie_word_embeddings": True,
        }
        for part in ("encoder", "decoder"):
            config[f"{part}_layers"] = len({match[2] for name in tensors if (match := _layer_of(part, name))})
            config[f"{part}_ffn_dim"] = len(tensors[f"{part}/layer_0/ffn/linear_0/bias"])
            config[f"{part}_attention_heads"] = int(tensors[f"{part}/num_heads"])
    except KeyError as error:
        raise StoreInvalid(f"these weights of Whisper lack {error}", "fetch them again") from error
    return config


def _layer_of(part: str, name: str) -> re.Match[str] | None:
    match = _LAYER.fullmatch(name)
    return match if match and match[1] == part else None


def _save_texts(source: Path, config: dict[str, Any], folder: Path) -> None:
    """The small files, as transformers' pipeline needs them."""
    stated = read_json(source / "config.json")
    try:
        tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    except Exception as error:  # tokenizers raises nothing narrower
        raise StoreInvalid(f"{source / 'tokenizer.json'} cannot be read: {error}", AGAIN) from error
    start, end, untimed = (
        tokenizer.token_to_id(f"<|{name}|>") for name in ("startoftranscript", "endoftext", "notimestamps")
    )
    ids = {"decoder_start_token_id": start, "bos_token_id": end, "eos_token_id": end, "pad_token_id": end}
    save_config(config | ids, folder)
    generation = ids | {
        "begin_suppress_tokens": stated.get("suppress_ids_begin"),
        "suppress_tokens": stated.get("suppress_ids"),
        "alignment_heads": stated.get("alignment_heads"),
        "no_timestamps_token_id": untimed,
        "max_initial_timestamp_index": 50,
        "max_length": config["max_target_positions"],
        "is_multilingual": config["vocab_size"] >= 51_865,  # as its authors tell the two sorts apart
        "return_timestamps": False,
    }
    _write_json(generation, folder / "generation_config.json")
    bands = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": config["num_mel_bins"]}
    sizes = {"sampling_rate": 16_000, "hop_length": 160, "n_fft": 400, "chunk_length": 30}
    _write_json(
        bands | sizes | {"padding_value": 0.0, "return_attention_mask": False}, folder / "preprocessor_config.json"
    )
    roles = ("bos_token", "eos_token", "pad_token", "unk_token")
    tokens = {"tokenizer_class": "WhisperTokenizer"} | dict.fromkeys(roles, "<|endoftext|>")
    _write_json(tokens, folder / "tokenizer_config.json")
    shutil.copyfile(source / "tokenizer.json", folder / "tokenizer.json")


def _write_json(content: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
