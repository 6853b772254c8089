"""GGUF files are read as the library `gguf` and transformers read them; broken ones are refused in words."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from zoo_gpt.gguf_blocks import unpacked
from zoo_gpt.gguf_folder import converted
from zoo_gpt.gguf_tokenizer import tokenizer_of

from zoo import GGUF_BLOCK_TYPES, GgufTensor, StoreInvalid, Unsupported, ZooError, read_gguf

gguf = pytest.importorskip("gguf")
MakeGguf = Callable[..., Path]
TEXT = "where is my parcel? it's been 1234 days\n\n  and ünïcode 字"


@pytest.fixture(scope="module")
def llama(make_folder: Any) -> Path:
    sizes = {"hidden_size": 64, "num_attention_heads": 8, "head_dim": 8, "num_key_value_heads": 2}
    folder: Path = make_folder("llama", **sizes, tie_word_embeddings=False)
    return folder


@pytest.fixture(scope="module")
def file(llama: Path, make_gguf: MakeGguf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gguf(llama, tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.mark.parametrize("number", GGUF_BLOCK_TYPES, ids=lambda number: GGUF_BLOCK_TYPES[number].name)
def test_numbers_are_unpacked_as_the_library_does(number: int) -> None:
    kind = GGUF_BLOCK_TYPES[number]
    random = np.random.default_rng(0)
    blocks = random.integers(0, 256, (64, kind.size_bytes), np.uint8)
    theirs = gguf.GGMLQuantizationType[kind.name]
    assert (kind.numbers, kind.size_bytes) == gguf.GGML_QUANT_SIZES[theirs]
    if kind.name in ("F32", "F16", "BF16"):
        numbers = random.standard_normal((64, kind.numbers)).astype(np.float32)
        blocks = np.ascontiguousarray(gguf.quants.quantize(numbers, theirs)).view(np.uint8).reshape(64, -1)

    tensor = GgufTensor((64, kind.numbers), kind, 0, blocks.size)
    ours = unpacked(blocks.reshape(-1), tensor)

    dtype = {"F32": np.float32, "F16": np.float16}.get(kind.name, np.uint8)
    with np.errstate(invalid="ignore", over="ignore"):
        expected = gguf.quants.dequantize(blocks.view(dtype), theirs).reshape(tensor.shape)
    finite = np.isfinite(expected)  # random scales may be none
    np.testing.assert_array_equal(ours[finite], expected[finite])
    assert finite.mean() > 0.5


@pytest.mark.parametrize("block", ["F32", "F16", "BF16", "Q8_0", "Q4_1"])
@torch.inference_mode()
def test_a_file_becomes_a_folder_that_transformers_loads(
    llama: Path, make_gguf: MakeGguf, tmp_path: Path, block: str
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = make_gguf(llama, tmp_path / "tiny.gguf", block)

    folder = converted(path, tmp_path / "folder")

    ids = torch.randint(0, 280, (1, 30), generator=torch.Generator().manual_seed(0))
    ours = AutoModelForCausalLM.from_pretrained(folder)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=path.name, dtype=torch.float32)
    torch.testing.assert_close(ours(ids).logits, theirs(ids).logits, atol=1e-5, rtol=1e-5)
    if block == "F32":
        original = AutoModelForCausalLM.from_pretrained(llama)
        torch.testing.assert_close(ours(ids).logits, original(ids).logits, atol=1e-5, rtol=1e-5)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert (0, 0, 1) == (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    assert "{{ messages }}" == tokenizer.chat_template
    assert TEXT == tokenizer.decode(tokenizer(TEXT).input_ids)
    assert 0 == ours.generation_config.eos_token_id


def test_it_is_unpacked_once(file: Path, tmp_path: Path) -> None:
    folder = converted(file, tmp_path / "folder")
    written = (folder / "model.safetensors").stat().st_mtime_ns

    assert folder == converted(file, tmp_path / "folder")
    assert written == (folder / "model.safetensors").stat().st_mtime_ns
    assert ["folder"] == [path.name for path in tmp_path.iterdir()]


def test_digits_stand_alone_where_the_model_was_trained_so(
    llama: Path, make_gguf: MakeGguf, file: Path, tmp_path: Path
) -> None:
    digits = tokenizer_of(read_gguf(file).metadata)
    whole = tokenizer_of(read_gguf(make_gguf(llama, tmp_path / "other.gguf", pre="gpt-2")).metadata)

    assert all(len(token) == 1 for token in digits.encode("1234").tokens)
    assert 4 > len(whole.encode("1234").tokens)
    assert "1234 x" == digits.decode(digits.encode("1234 x").ids)


def test_a_vocabulary_of_sentencepiece_joins_pieces_of_the_best_score_first() -> None:
    pieces = ["<unk>", "<s>", "</s>", "<0x0A>", "▁", "a", "b", "ab", "▁a", "▁ab", "c"]
    key = "tokenizer.ggml."
    metadata = {
        f"{key}model": "llama", f"{key}tokens": pieces, f"{key}scores": [0, 0, 0, 0, -9, -9, -9, -1, -2, -3, -9],
        f"{key}token_type": [2, 3, 3, 6, 1, 1, 1, 1, 1, 1, 1], f"{key}bos_token_id": 1, f"{key}unknown_token_id": 0,
    }  # fmt: skip

    tokenizer = tokenizer_of(metadata)

    assert ["<s>", "▁ab", "c"] == tokenizer.encode("abc").tokens
    assert ["<s>", "▁a", "<0x0A>", "b"] == tokenizer.encode("a\nb").tokens
    assert "abc ab" == tokenizer.decode(tokenizer.encode("abc ab").ids)


def altered(file: Path, target: Path, at: int, content: bytes) -> Path:
    whole = bytearray(file.read_bytes())
    whole[at : at + len(content)] = content
    target.write_bytes(whole)
    return target


def test_a_file_that_is_cut_off_anywhere_is_refused_in_words(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    for size in (0, 3, 4, 7, 12, 23, 30, 60, 500, 5000, len(whole) - 1):
        path = tmp_path / "cut.gguf"
        path.write_bytes(whole[:size])
        with pytest.raises(StoreInvalid, match=r"cut\.gguf (is damaged|cannot be read|is no GGUF file)"):
            read_gguf(path)


@pytest.mark.parametrize(
    ("at", "content", "words"),
    [
        (0, b"GGML", "is no GGUF file"),
        (4, struct.pack("<I", 1), "is of version 1 of GGUF"),
        (8, struct.pack("<Q", 2**63), "the number of tensors would be"),
        (16, struct.pack("<Q", 2**40), "the number of entries would be"),
        (24, struct.pack("<Q", 2**64 - 1), "the key of entry 1 would be"),
    ],
)
def test_sizes_that_no_file_has_are_refused(file: Path, tmp_path: Path, at: int, content: bytes, words: str) -> None:
    with pytest.raises(StoreInvalid, match=words):
        read_gguf(altered(file, tmp_path / "odd.gguf", at, content))


def test_tensors_beyond_the_end_of_the_file_are_refused(file: Path, tmp_path: Path) -> None:
    place = file.read_bytes().index(b"output_norm.weight") + len(b"output_norm.weight")
    for offset, content, words in (
        (0, struct.pack("<I", 9), "has 9 dimensions"),
        (4, struct.pack("<Q", 2**62), "would be of 4,611,686,018,427,387,904 numbers"),
        (4, struct.pack("<Q", 0), "would be of 0 numbers"),
        (12, struct.pack("<I", 99), "is packed in way 99"),
        (16, struct.pack("<Q", 2**50), "would end at byte"),
        (16, struct.pack("<Q", 7), "is not aligned"),
    ):
        with pytest.raises(StoreInvalid, match=words):
            read_gguf(altered(file, tmp_path / "odd.gguf", place + offset, content))


def test_bytes_at_random_are_refused_or_read_but_never_crash(file: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    whole = np.frombuffer(file.read_bytes(), np.uint8)
    end = min(tensor.offset for tensor in read_gguf(file).tensors.values())
    for _ in range(60):
        odd = whole.copy()
        odd[random.integers(0, end, 8)] = random.integers(0, 256, 8)
        path = tmp_path / "odd.gguf"
        path.write_bytes(odd.tobytes())
        with contextlib.suppress(ZooError):
            tokenizer_of(read_gguf(path).metadata)


def test_another_architecture_is_named(file: Path, tmp_path: Path) -> None:
    path = altered(file, tmp_path / "other.gguf", file.read_bytes().index(b"llama"), b"mamba")
    with pytest.raises(Unsupported, match="holds a 'mamba' model"):
        converted(path, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
