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
from zoo_bert.bert import Bert, ClassificationHead, LanguageModelHead
from zoo_bert.config import new_config, read_config

from zoo import StoreInvalid
from zoo.training.pretrained import WeightsReader, fill, save_config


def body_of(folder: Path) -> Bert:
    config = read_config(folder)
    bert = Bert(config)
    with WeightsReader(folder, "bert.") as weights:
        fill(bert, "bert.", config, weights)
    return bert


def pooler_of(folder: Path, **arguments: Any) -> ClassificationHead:
    config = read_config(folder)
    head = ClassificationHead(config, 3)
    with WeightsReader(folder, "bert.") as weights:
        fill(head, "bert.", config, weights, anew=("classifier.",), **arguments)
    return head


def token_head_of(folder: Path, bert: Bert | None = None, **arguments: Any) -> LanguageModelHead:
    config = read_config(folder)
    head = LanguageModelHead(config, (bert or Bert(config)).embeddings.word_embeddings)
    with WeightsReader(folder, "bert.") as weights:
        fill(head, "cls.predictions.", config, weights, **arguments)
    return head


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
    pooler = {f"pooler.{name}": tensor for name, tensor in pooler_of(minilm).pooler.state_dict().items()}
    loaded = body_of(minilm).state_dict() | pooler
    assert stored.keys() - {"embeddings.position_ids"} == loaded.keys()
    assert all(torch.equal(stored[name], tensor) for name, tensor in loaded.items())
    assert {torch.float32} == {tensor.dtype for tensor in loaded.values()}


def test_a_head_the_weights_lack_is_new_where_that_is_allowed(minilm: Path) -> None:
    torch.manual_seed(0)
    head = token_head_of(minilm, may_lack=True)
    assert 0.02 == pytest.approx(head.transform["dense"].weight.std().item(), rel=0.02)
    assert {1.0} == set(head.transform["LayerNorm"].weight.tolist())
    assert {0.0} == set(head.transform["dense"].bias.tolist() + head.bias.tolist())
    with pytest.raises(StoreInvalid, match=r"lacks the tensor cls\.predictions"):
        token_head_of(minilm)


def test_what_starts_anew_ignores_what_is_there(classifier: Path) -> None:
    head = pooler_of(classifier)
    assert 0.2 > head.classifier.weight.abs().max().item()
    assert torch.equal(
        load_file(classifier / "model.safetensors")["bert.pooler.dense.weight"], head.pooler.dense.weight
    )


def test_weights_without_part_of_the_body_are_refused(classifier: Path, tmp_path: Path) -> None:
    name = "bert.encoder.layer.1.attention.self.query.weight"
    folder = altered(classifier, tmp_path / "copy", lambda tensors: tensors.pop(name))
    with pytest.raises(StoreInvalid, match=rf"lacks the tensor {name}"):
        body_of(folder)


def test_weights_of_another_shape_than_stated_are_refused(classifier: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreInvalid, match=r"is of shape \(512, 128\), but config\.json makes it \(256, 128\)"):
        body_of(altered(classifier, tmp_path / "copy", intermediate_size=256))


def test_an_output_layer_apart_from_the_table_of_words_is_taken_as_it_is(language_model: Path, tmp_path: Path) -> None:
    def part(tensors: dict[str, torch.Tensor]) -> None:
        tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"] * 2
        tensors["cls.predictions.decoder.bias"] = torch.randn_like(tensors["cls.predictions.bias"])

    folder = altered(language_model, tmp_path / "copy", part, tie_word_embeddings=False)
    bert = body_of(folder).eval()
    head = token_head_of(folder, bert)
    ids = torch.tensor([[2, 9, 12, 3]])
    with torch.no_grad():
        scores = head(bert(ids)[0])
        expected = AutoModelForMaskedLM.from_pretrained(folder)(ids).logits[0]
    torch.testing.assert_close(scores, expected, atol=1e-4, rtol=1e-4)
    assert head.decoder is not None
    assert torch.equal(bert.embeddings.word_embeddings.weight * 2, head.decoder.weight)


def test_what_a_configuration_says_of_its_file_is_not_kept(classifier: Path, tmp_path: Path) -> None:
    config = read_config(classifier) | {"num_labels": 9, "torch_dtype": "float16", "_name_or_path": "x"}
    save_config(config, tmp_path)
    shutil.copy(classifier / "model.safetensors", tmp_path)
    assert not {"num_labels", "torch_dtype", "_name_or_path"} & read_config(tmp_path).keys()
    assert 3 == AutoModelForSequenceClassification.from_pretrained(tmp_path).config.num_labels


def test_a_network_from_nothing_is_filled_as_transformers_fills_it(card) -> None:
    config = new_config(card("bert-tiny"), 500)
    torch.manual_seed(0)
    bert = Bert(config)
    head = LanguageModelHead(config, bert.embeddings.word_embeddings)
    for network in (bert, head):
        fill(network, "", config, None)
    for name, parameter in (*bert.named_parameters(), *head.named_parameters()):
        if name.endswith("bias"):
            assert {0.0} == set(parameter.flatten().tolist()), name
        elif "LayerNorm" in name:
            assert {1.0} == set(parameter.tolist()), name
        elif parameter.numel() > 1000:
            assert 0.02 == pytest.approx(parameter.std().item(), rel=0.1), name
