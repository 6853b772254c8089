"""The cards say what is true of the models."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from zoo_gpt.cards import CARDS, SMOLLM2
from zoo_gpt.config import new_config

from zoo import Card
from zoo.catalog import Catalog
from zoo.options import schema
from zoo.plugins import load_plugin


def config_of(card: Card) -> dict[str, Any]:
    return new_config(card, card.architecture.get("vocabulary", 50_257), 0)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_the_number_of_parameters_is_that_of_the_module(card: Card) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = config_of(card)
    with torch.device("meta"):
        module = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config))
    assert card.parameters == sum(parameter.numel() for parameter in module.parameters())


def test_the_host_accepts_every_card_and_hook() -> None:
    plugin = load_plugin("gpt")
    assert [card.name for card in CARDS] == [card.name for card in plugin.cards]
    assert {"cards", "card_for", "body"} == set(plugin.hooks)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_every_verb_has_options_that_views_can_render(card: Card) -> None:
    assert ("pretrain", "finetune", "predict") == card.verbs
    assert all(schema(ability.options) for ability in card.abilities)


def test_the_packed_copy_stands_in_for_the_publishers_own() -> None:
    assert SMOLLM2.weights is not None
    assert ["4 bits"] == [weights.variant for weights in SMOLLM2.weights.alternatives]
    assert "smollm2-135m-instruct" == Catalog.load().resolve("smollm2-135m-instruct-q4").name


def test_describing_the_models_imports_nothing_heavy() -> None:
    code = (
        "import sys, zoo_gpt.plugin as p, zoo_gpt.hub; list(p.cards());"
        "print(sorted({'torch', 'transformers', 'tokenizers', 'numpy', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout
