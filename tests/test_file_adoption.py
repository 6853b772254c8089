"""A GGUF file on this machine is a model like any other."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from zoo import hub_models
from zoo.adoption import bring
from zoo.catalog import Catalog
from zoo.errors import OptionInvalid, StoreInvalid, Unsupported
from zoo.file_adoption import adopt_file, is_model_file

pytest.importorskip("zoo_gpt")
SIZES = {
    "block_count": 1, "embedding_length": 8, "attention.head_count": 2, "attention.head_count_kv": 1,
    "feed_forward_length": 16, "context_length": 32,
}  # fmt: skip


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def gguf_file(path: Path, architecture: str = "llama", **more: int) -> Path:
    """One with a table of tokens and nothing else."""
    entries = [text("general.architecture") + struct.pack("<I", 8) + text(architecture)]
    entries += [
        text(f"{architecture}.{key}") + struct.pack("<II", 4, value) for key, value in {**SIZES, **more}.items()
    ]
    entries.append(text("general.license") + struct.pack("<I", 8) + text("mit"))
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(entries)) + b"".join(entries)
    head += text("token_embd.weight") + struct.pack("<IQQIQ", 2, 8, 10, 0, 0)
    path.write_bytes(head + bytes(-len(head) % 32 + 8 * 10 * 4))
    return path


def test_what_a_person_gives_for_a_file() -> None:
    assert is_model_file("./some folder/model.Q4_K_M.GGUF")
    assert not is_model_file("hub:owner/name")


def test_a_file_becomes_a_model(tmp_path: Path) -> None:
    path = gguf_file(tmp_path / "My model.Q4.gguf")

    card = adopt_file(str(path))

    assert ("My-model.Q4", "gpt", "llama", "text-generation") == (card.name, card.plugin, card.family, card.task)
    assert (80, "mit") == (card.parameters, card.license)
    assert card.architecture["key_value_heads"] == 1
    assert str(tmp_path) == bring(card, lambda progress: None)
    assert card == Catalog.load().resolve("My-model.Q4")
    assert card.full_name == adopt_file(str(path)).full_name
    assert 1 == len(hub_models.saved())


def test_another_file_of_that_name_is_another_model(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first = adopt_file(str(gguf_file(tmp_path / "model.gguf")))
    second = adopt_file(str(gguf_file(tmp_path / "other" / "model.gguf", context_length=64)))

    assert "model" == first.name
    assert second.name.startswith("model-")


def test_what_cannot_be_taken_is_said(tmp_path: Path) -> None:
    with pytest.raises(OptionInvalid, match="there is no file"):
        adopt_file(str(tmp_path / "none.gguf"))
    with pytest.raises(Unsupported, match=r"no plugin knows the architecture of .*m\.gguf \(model_type 'mamba'\)"):
        adopt_file(str(gguf_file(tmp_path / "m.gguf", "mamba")))
    path = gguf_file(tmp_path / "cut.gguf")
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(StoreInvalid, match=r"cut\.gguf is damaged"):
        adopt_file(str(path))
    assert () == hub_models.saved()
