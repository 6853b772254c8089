"""The network computes what transformers' modules compute, gradients included."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification
from zoo_bert.bert import Bert, ClassificationHead, LanguageModelHead
from zoo_bert.body import BertBody
from zoo_bert.config import new_config

from zoo.training import Batch, Dropout
from zoo.training.body import Network, renamed
from zoo.training.pretrained import fill
from zoo.training.text import pad

VOCABULARY = 60
SHORT, LONG = [[2, 5, 6, 3], [2, 9, 3], [2, 17, 33, 3]], [[2, *range(4, 58), 3] * 4, [2, *range(9, 40), 3] * 4]


def config_of(card, **stated: Any) -> dict[str, Any]:
    """Of a small BERT without dropout."""
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return new_config(card("bert-tiny"), VOCABULARY) | none | stated


def body(config: dict[str, Any]) -> Bert:
    torch.manual_seed(3)
    bert = Bert(config)
    fill(bert, "", config, None)
    return bert


def classifier(config: dict[str, Any]) -> Network:
    bert, head = body(config), ClassificationHead(config, 3)
    fill(head, "", config, None)
    return Network(bert, head, lambda module, batch: module(**batch, first=True))


def language_model(config: dict[str, Any]) -> Network:
    bert = body(config)
    head = LanguageModelHead(config, bert.embeddings.word_embeddings)
    fill(head, "", config, None)

    def hidden(module: nn.Module, batch: Batch) -> torch.Tensor:
        return module(batch["input_ids"], batch["attention_mask"])[batch["hidden"]]

    return Network(bert, head, hidden)


def assert_same_gradients(ours: Network, logits: torch.Tensor, theirs: nn.Module, expected: torch.Tensor) -> None:
    """Those of all parameters, of the mean square of what the two compute."""
    logits.square().mean().backward()
    expected.square().mean().backward()
    by_name = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        expected_gradient = by_name[renamed(name, BertBody.layout)].grad
        torch.testing.assert_close(parameter.grad, expected_gradient, atol=1e-5, rtol=1e-3, msg=name)


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu"])
@pytest.mark.parametrize("texts", [SHORT, LONG, SHORT[:1]], ids=["short", "long", "not padded"])
def test_logits_and_gradients_are_those_of_transformers(activation: str, texts: list[list[int]], card) -> None:
    config = config_of(card, hidden_act=activation, initializer_range=0.2)
    ours = classifier(config)
    theirs = BertForSequenceClassification(BertConfig(**config, num_labels=3))
    theirs.load_state_dict(ours.state_for(BertBody.layout), strict=True)
    batch = pad(texts, 0)
    logits, expected = ours(**batch), theirs(**batch).logits
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)
    assert_same_gradients(ours, logits, theirs, expected)


def test_scores_and_gradients_of_the_language_model_are_those_of_transformers(card) -> None:
    config = config_of(card, initializer_range=0.2)
    ours = language_model(config)
    theirs = BertForMaskedLM(BertConfig(**config))
    theirs.load_state_dict(ours.state_for(BertBody.layout), strict=False)
    theirs.tie_weights()
    batch = pad(SHORT, 0)
    hidden = torch.tensor([[0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0]], dtype=torch.bool)
    scores, expected = ours(hidden=hidden, **batch), theirs(**batch).logits[hidden]
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=1e-5)
    assert_same_gradients(ours, scores, theirs, expected)


def test_the_first_vector_is_the_same_alone(card) -> None:
    config = config_of(card)
    bert = body(config)
    with torch.no_grad():
        torch.testing.assert_close(bert(**pad(SHORT, 0))[:, 0], bert(**pad(SHORT, 0), first=True))


def test_dropout_is_what_the_configuration_states(card) -> None:
    def shares(**stated: float) -> list[float]:
        network = classifier(config_of(card, **stated))
        return sorted({part.p for part in network.modules() if isinstance(part, Dropout)})

    assert [0.1, 0.2, 0.3] == shares(hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.2, classifier_dropout=0.3)
    assert [0.1, 0.2] == shares(hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.2)


@pytest.mark.parametrize("texts", [SHORT, LONG], ids=["short", "long"])
def test_a_seed_decides_what_is_dropped(texts: list[list[int]], card) -> None:
    network = classifier(config_of(card, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1)).train()

    def logits(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        with torch.no_grad():
            output: torch.Tensor = network(**pad(texts, 0))
            return output

    assert torch.equal(logits(1), logits(1))
    assert not torch.equal(logits(1), logits(2))


def test_padding() -> None:
    batch = pad([[5, 6, 7], [8]], pad_id=9)
    assert [[5, 6, 7], [8, 9, 9]] == batch["input_ids"].tolist()
    assert [[True, True, True], [True, False, False]] == batch["attention_mask"].tolist()
    assert {"input_ids"} == pad([[5, 6], [7, 8]], pad_id=0).keys()
