"""A GGUF file as a folder of transformers' own: unpacked once, kept as safetensors."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from zoo import GgufHeader, StoreInvalid, Unsupported, read_gguf
from zoo.training.pretrained import save_config
from zoo_gpt.gguf_blocks import Floats, unpacked
from zoo_gpt.gguf_config import config_of, special_ids
from zoo_gpt.gguf_tokenizer import tokenizer_of
from zoo_gpt.shape import CONV1D, GPT2, LLAMA, Shape
from zoo_gpt.tokenization import write_json

_LAYER = re.compile(r"blk\.(\d+)\.(.+)")
_NAMES = {
    LLAMA: {
        "token_embd.weight": "model.embed_tokens.weight",
        "output_norm.weight": "model.norm.weight",
        "output.weight": "lm_head.weight",
        "attn_norm.": "model.layers.{}.input_layernorm.",
        "attn_q.": "model.layers.{}.self_attn.q_proj.",
        "attn_k.": "model.layers.{}.self_attn.k_proj.",
        "attn_v.": "model.layers.{}.self_attn.v_proj.",
        "attn_output.": "model.layers.{}.self_attn.o_proj.",
        "ffn_norm.": "model.layers.{}.post_attention_layernorm.",
        "ffn_gate.": "model.layers.{}.mlp.gate_proj.",
        "ffn_up.": "model.layers.{}.mlp.up_proj.",
        "ffn_down.": "model.layers.{}.mlp.down_proj.",
    },
    GPT2: {
        "token_embd.weight": "transformer.wte.weight",
        "position_embd.weight": "transformer.wpe.weight",
        "output_norm.": "transformer.ln_f.",
        "output.weight": "lm_head.weight",
        "attn_norm.": "transformer.h.{}.ln_1.",
        "attn_qkv.": "transformer.h.{}.attn.c_attn.",
        "attn_output.": "transformer.h.{}.attn.c_proj.",
        "ffn_norm.": "transformer.h.{}.ln_2.",
        "ffn_up.": "transformer.h.{}.mlp.c_fc.",
        "ffn_down.": "transformer.h.{}.mlp.c_proj.",
    },
}
"""How names begin in a file, and in transformers; {} is the number of the layer."""
TURNED = tuple(f"self_attn.{part}_proj.{kind}" for part in "qk" for kind in ("weight", "bias"))
"""End the names of tensors whose rows are turned by positions."""


def converted(path: Path, folder: Path) -> Path:
    """The folder that a GGUF file becomes: there already, or made now, whole or not at all.

    Args:
        path: the file.
        folder: where it goes.

    Raises:
        StoreInvalid: the file is damaged, or the disk cannot be written to.
        Unsupported: it is of an architecture or a kind that is not known here.
    """
    if folder.exists():
        return folder
    header = read_gguf(path)
    config = config_of(header.metadata, {name: tensor.shape for name, tensor in header.tensors.items()})
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as parent:
            partial = Path(parent) / folder.name
            partial.mkdir()
            save_config(config, partial)
            _save_tokenizer(header.metadata, config, partial)
            save_file(dict(_state(path, header, Shape.of(config))), partial / "model.safetensors", {"format": "pt"})
            if not folder.exists():  # somebody else was faster
                partial.rename(folder)
    except OSError as error:
        raise StoreInvalid(
            f"{folder} cannot be written: {error.strerror or error}", "look at the disk and its room"
        ) from error
    return folder


def _state(path: Path, header: GgufHeader, shape: Shape) -> Iterator[tuple[str, Floats]]:
    """Tensors by transformers' names, laid out as it has them."""
    content = np.memmap(path, np.uint8, "r")
    for stated, tensor in header.tensors.items():
        name = _name(stated, shape)
        yield name, np.ascontiguousarray(_laid_out(name, unpacked(content, tensor), shape))


def _name(name: str, shape: Shape) -> str:
    """The name of a tensor in transformers."""
    match = _LAYER.fullmatch(name)
    layer, rest = (match[1], match[2]) if match else ("", name)
    for ours, theirs in _NAMES[shape.family].items():
        if rest.startswith(ours):
            return theirs.format(layer) + rest.removeprefix(ours)
    raise Unsupported(f"this GGUF file has a tensor {name}, which a {shape.family} has not", "choose another model")


def _laid_out(name: str, numbers: Floats, shape: Shape) -> Floats:
    """GPT-2 has weights as (inputs, outputs). The pairs that Llama turns stand half a head apart, not side by side."""
    if shape.family == GPT2:
        return numbers.T if name.endswith(CONV1D) else numbers
    if name.endswith(TURNED):
        pairs = numbers.reshape(-1, shape.head_width // 2, 2, *numbers.shape[1:])
        return pairs.swapaxes(1, 2).reshape(numbers.shape)
    return numbers


def _save_tokenizer(metadata: dict[str, Any], config: dict[str, Any], folder: Path) -> None:
    tokenizer = tokenizer_of(metadata)
    ids = special_ids(metadata)
    stated: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast"}
    stated |= {name: tokenizer.id_to_token(number) for name, number in ids.items()}
    stated["model_max_length"] = next(
        config[key] for key in ("n_positions", "max_position_embeddings") if key in config
    )
    if isinstance(template := metadata.get("tokenizer.chat_template"), str):
        stated["chat_template"] = template
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(stated, folder / "tokenizer_config.json")
    roles = ("bos_token", "eos_token", "pad_token")
    write_json({f"{name}_id": ids[name] for name in roles if name in ids}, folder / "generation_config.json")
