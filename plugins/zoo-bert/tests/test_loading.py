"""Networks are filled from what the weights hold, and from nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification
from zoo_bert.config import new_config, read_config
from zoo_bert.loading import from_random, from_weights, save
from zoo_bert.network import LanguageModel, SequenceClassifier

from zoo import StoreInvalid

HEAD = ("classifier.", "bert.pooler.")


def classifier_of(folder: Path, **given: Any) -> SequenceClassifier:
    config = read_config(folder)
    return from_weights(lambda: SequenceClassifier(config, 3), config, folder, **given)


def language_model_of(folder: Path, **given: Any) -> LanguageModel:
    config = read_config(folder)
    return from_weights(lambda: LanguageModel(config), config, folder, **given)


def altered(
    folder: Path,
    target: Path,
    change: Callable[[dict[str, torch.Tensor]], object] = lambda tensors: None,
    **config: Any,
) -> Path:
    """A copy with other tensors, or another configuration."""
    shutil.copytree(folder, target)
    (target / "config.json").write_text(json.dumps(read_config(folder) | config))
    tensors = load_file(target / "model.safetensors")
    change(tensors)
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    return target


def test_every_tensor_of_the_real_weights_arrives_unchanged(minilm: Path) -> None:
    stored = load_file(minilm / "model.safetensors")
    network = classifier_of(minilm, may_lack=("classifier.",))
    loaded = network.bert.state_dict()
    assert stored.keys() - {"embeddings.position_ids"} == loaded.keys()
    assert all(torch.equal(stored[name], tensor) for name, tensor in loaded.items())
    assert {torch.float32} == {parameter.dtype for parameter in network.parameters()}


def test_a_head_the_weights_lack_is_new_where_that_is_allowed(minilm: Path) -> None:
    torch.manual_seed(0)
    network = language_model_of(minilm, may_lack=("cls.",))
    transform = network.cls["predictions"].transform
    assert 0.02 == pytest.approx(transform["dense"].weight.std().item(), rel=0.02)
    assert {1.0} == set(transform["LayerNorm"].weight.tolist())
    assert {0.0} == set(transform["dense"].bias.tolist() + network.cls["predictions"].bias.tolist())
    with pytest.raises(StoreInvalid, match=r"lacks the tensor cls\.predictions"):
        language_model_of(minilm)


def test_what_starts_anew_ignores_what_is_there(classifier: Path) -> None:
    kept, anew = classifier_of(classifier), classifier_of(classifier, anew=("classifier.",))
    assert 1.0 < kept.classifier.weight.abs().max().item()
    assert 0.2 > anew.classifier.weight.abs().max().item()
    assert torch.equal(kept.bert.pooler.dense.weight, anew.bert.pooler.dense.weight)


def test_weights_without_part_of_the_body_are_refused(classifier: Path, tmp_path: Path) -> None:
    name = "bert.encoder.layer.1.attention.self.query.weight"
    folder = altered(classifier, tmp_path / "copy", lambda tensors: tensors.pop(name))
    with pytest.raises(StoreInvalid, match=rf"lacks the tensor {name}"):
        classifier_of(folder, may_lack=HEAD)


def test_weights_of_another_shape_than_stated_are_refused(classifier: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreInvalid, match=r"is of shape \(512, 128\), but config\.json makes it \(256, 128\)"):
        classifier_of(altered(classifier, tmp_path / "copy", intermediate_size=256))


def test_an_output_layer_apart_from_the_table_of_words_is_taken_as_it_is(language_model: Path, tmp_path: Path) -> None:
    def part(tensors: dict[str, torch.Tensor]) -> None:
        tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"] * 2
        tensors["cls.predictions.decoder.bias"] = torch.randn_like(tensors["cls.predictions.bias"])

    folder = altered(language_model, tmp_path / "copy", part, tie_word_embeddings=False)
    network = language_model_of(folder).eval()
    save(network, read_config(folder), folder)
    ids = torch.tensor([[2, 9, 12, 3]])
    with torch.no_grad():
        scores = network(torch.ones_like(ids, dtype=torch.bool), ids)
        expected = AutoModelForMaskedLM.from_pretrained(folder)(ids).logits[0]
    torch.testing.assert_close(scores, expected, atol=1e-4, rtol=1e-4)
    assert torch.equal(network.bert.embeddings.word_embeddings.weight * 2, network.cls["predictions"].decoder.weight)


def test_what_a_configuration_says_of_its_file_is_not_kept(classifier: Path, tmp_path: Path) -> None:
    config = read_config(classifier) | {"num_labels": 9, "torch_dtype": "float16", "_name_or_path": "x"}
    save(classifier_of(classifier), config, tmp_path)
    assert not {"num_labels", "torch_dtype", "_name_or_path"} & read_config(tmp_path).keys()
    assert 3 == AutoModelForSequenceClassification.from_pretrained(tmp_path).config.num_labels


def test_a_network_from_nothing_is_filled_as_transformers_fills_it(card) -> None:
    config = new_config(card("bert-tiny"), 500)
    torch.manual_seed(0)
    network = from_random(lambda: LanguageModel(config), config)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            assert {0.0} == set(parameter.flatten().tolist()), name
        elif "LayerNorm" in name:
            assert {1.0} == set(parameter.tolist()), name
        elif parameter.numel() > 1000:
            assert 0.02 == pytest.approx(parameter.std().item(), rel=0.1), name
