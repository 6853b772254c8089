"""Modules are built from what the weights hold, and from nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertForMaskedLM, BertForSequenceClassification, BertModel
from zoo_bert.modules import from_random, from_weights, pad, stated_labels

from zoo import StoreInvalid, Unsupported


def altered(folder: Path, target: Path, **config: object) -> Path:
    """A copy whose configuration says something else; None takes an entry away."""
    shutil.copytree(folder, target)
    stated = json.loads((target / "config.json").read_text()) | config
    (target / "config.json").write_text(json.dumps({key: value for key, value in stated.items() if value is not None}))
    return target


def test_every_tensor_of_the_real_weights_arrives_unchanged(minilm: Path) -> None:
    stored = load_file(minilm / "model.safetensors")
    module = from_weights(BertForSequenceClassification, minilm, new=("classifier.",), num_labels=3)
    loaded = module.bert.state_dict()
    assert all(torch.equal(stored[name], tensor) for name, tensor in loaded.items())
    assert {torch.float32} == {parameter.dtype for parameter in module.parameters()}
    assert "eager" == module.config._attn_implementation


def test_a_head_the_weights_lack_is_new_where_that_is_allowed(minilm: Path) -> None:
    module = from_weights(BertForMaskedLM, minilm, new=("cls.",))
    assert module.cls.predictions.decoder.weight is module.bert.embeddings.word_embeddings.weight
    with pytest.raises(StoreInvalid, match=r"lack \d tensors, such as cls\.predictions"):
        from_weights(BertForMaskedLM, minilm)


def test_weights_without_part_of_the_body_are_refused(classifier: Path, tmp_path: Path) -> None:
    folder = altered(classifier, tmp_path / "copy")
    tensors = load_file(folder / "model.safetensors")
    del tensors["bert.encoder.layer.1.attention.self.query.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StoreInvalid, match=r"lack 1 tensors, such as bert\.encoder\.layer\.1\.attention\.self\.query"):
        from_weights(BertForSequenceClassification, folder, new=("classifier.",))


def test_weights_of_another_shape_than_stated_are_refused(classifier: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreInvalid, match=r"of another shape than config\.json says"):
        from_weights(BertForSequenceClassification, altered(classifier, tmp_path / "copy", intermediate_size=256))


def test_code_from_a_repository_is_never_run(classifier: Path, tmp_path: Path) -> None:
    folder = altered(classifier, tmp_path / "copy", auto_map={"AutoModel": "modeling.Model"})
    (folder / "modeling.py").write_text("raise SystemExit('ran')")
    with pytest.raises(Unsupported, match="asks for code of its own"):
        from_weights(BertModel, folder)


@pytest.mark.parametrize("model_type", ["gpt2", None])
def test_another_architecture_is_refused(model_type: str | None, classifier: Path, tmp_path: Path) -> None:
    folder = altered(classifier, tmp_path / "copy", model_type=model_type)
    with pytest.raises(Unsupported, match="not BERT"):
        from_weights(BertModel, folder)


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_an_unreadable_configuration_is_named(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(StoreInvalid, match=r"config\.json"):
        from_weights(BertModel, tmp_path)


def test_dropout_is_the_one_asked_for_or_the_models_own(minilm: Path, card) -> None:
    def shares(module: torch.nn.Module) -> set[float]:
        return {part.p for part in module.modules() if isinstance(part, torch.nn.Dropout)}

    assert {0.1} == shares(from_weights(BertModel, minilm))
    assert {0.3} == shares(from_weights(BertModel, minilm, dropout=0.3))
    assert {0.0} == shares(from_random(BertModel, card("bert-tiny"), vocabulary_size=50, dropout=0.0))


def test_labels_of_a_folder_are_those_of_its_classifier(classifier: Path, language_model: Path, minilm: Path) -> None:
    assert ("delivery", "refund", "app") == stated_labels(classifier)
    assert () == stated_labels(language_model) == stated_labels(minilm)


def test_padding() -> None:
    batch = pad([[5, 6, 7], [8]], pad_id=9)
    assert [[5, 6, 7], [8, 9, 9]] == batch["input_ids"].tolist()
    assert [[0, 1, 2], [0, 1, 2]] == batch["position_ids"].tolist()
    assert [[0, 0, 0], [0, 0, 0]] == batch["token_type_ids"].tolist()
    assert [[1, 1, 1], [1, 0, 0]] == batch["attention_mask"].tolist()
    assert {torch.int64} == {tensor.dtype for tensor in batch.values()}


def test_nothing_is_masked_where_nothing_is_padded() -> None:
    assert "attention_mask" not in pad([[5, 6], [7, 8]], pad_id=0)
