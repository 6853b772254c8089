"""The cards say what is true of the models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from zoo_bert.cards import ALL_MINILM_L6_V2, CARDS

from zoo import Card, WheelSource
from zoo.options import schema
from zoo.plugins import load_plugin


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_the_number_of_parameters_is_that_of_the_module(card: Card) -> None:
    import torch
    from transformers import BertConfig, BertForPreTraining, BertModel

    shape = card.architecture
    config = BertConfig(
        num_hidden_layers=shape["layers"],
        hidden_size=shape["width"],
        num_attention_heads=shape["heads"],
        intermediate_size=shape["feed_forward"],
        max_position_embeddings=shape["positions"],
    )
    model = BertForPreTraining if card.name == "bert-base-uncased" else BertModel
    with torch.device("meta"):
        module = model(config)
    assert card.parameters == sum(parameter.numel() for parameter in module.parameters())


def test_the_host_accepts_every_card_and_hook() -> None:
    plugin = load_plugin("bert")
    assert [card.name for card in CARDS] == [card.name for card in plugin.cards]
    assert {"cards", "card_for", "body"} == set(plugin.hooks)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_every_verb_has_options_that_views_can_render(card: Card) -> None:
    assert ("pretrain", "finetune", "predict") == card.verbs
    assert all(schema(ability.options) for ability in card.abilities)


def test_the_packaged_weights_are_the_ones_the_card_names(minilm: Path) -> None:
    import hashlib

    assert ALL_MINILM_L6_V2.weights is not None
    for file in ALL_MINILM_L6_V2.weights.files:
        content = (minilm / file.name).read_bytes()
        assert file.size_bytes == len(content), file.name
        assert file.sha256 == hashlib.sha256(content).hexdigest(), file.name


def test_the_wheel_that_the_card_names_is_the_package_that_is_tested(minilm: Path) -> None:
    from importlib.metadata import distribution

    assert ALL_MINILM_L6_V2.weights is not None
    (source,) = [source for source in ALL_MINILM_L6_V2.weights.sources if isinstance(source, WheelSource)]
    installed = distribution(source.distribution)
    assert installed.version == source.version
    listed = {str(path) for path in installed.files or ()}
    assert {f"{source.folder}/{file.name}" for file in ALL_MINILM_L6_V2.weights.files} <= listed


def test_the_packaged_weights_have_the_architecture_of_the_card(minilm: Path, card: Callable[[str], Card]) -> None:
    from zoo.training.pretrained import read_json

    config = read_json(minilm / "config.json")
    keys = ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "max_position_embeddings")
    assert list(ALL_MINILM_L6_V2.architecture.values()) == [config[key] for key in keys]
    assert ALL_MINILM_L6_V2.architecture == card("bert-l6-h384").architecture


def test_describing_the_models_imports_nothing_heavy() -> None:
    code = (
        "import sys, zoo_bert.plugin as p; list(p.cards());"
        "print(sorted({'torch', 'transformers', 'tokenizers', 'numpy', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout


STARS = """
from typing import Annotated
import zoo

class Learning(zoo.Options, frozen=True):
    dropout: Annotated[float, zoo.option("What is dropped.", ge=0, lt=1)] = 0.5

TASK = zoo.Task(
    name="stars", summary="say how many stars a text gives", input=zoo.TEXT, target=zoo.LABEL,
    answer=zoo.Classification, judge="zoo.metrics:ClassificationMetrics", primary_metric="accuracy",
    objective="zoo.training.objectives:Classification", needs=frozenset({"pooled"}),
    finetune_options=Learning, example={"text": "fine", "label": "4"}, formats=("CSV",),
)
"""


@pytest.mark.slow
def test_a_task_that_brings_an_option_of_bert_is_all_that_bert_does_without(tmp_path: Path) -> None:
    described = tmp_path / "zoo_stars-1.0.dist-info"
    described.mkdir()
    (tmp_path / "zoo_stars.py").write_text(STARS, encoding="utf-8")
    (described / "METADATA").write_text("Name: zoo-stars\nVersion: 1.0\n", encoding="utf-8")
    (described / "entry_points.txt").write_text("[zoo.tasks]\nstars = zoo_stars\n", encoding="utf-8")
    listed = subprocess.run(
        [sys.executable, "-m", "zoo", "plugins", "--json"],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    document = json.loads(listed.stdout)

    bert = next(plugin for plugin in document["plugins"] if plugin["name"] == "bert")
    assert bert["models"] == [card.name for card in CARDS]
    left_out = [one["error"] for one in document["left_out"] if "plugin bert" in one["error"]]
    assert left_out == [
        "models of plugin bert do without it: the option dropout to finetune is declared twice, "
        "by zoo_bert.options.BertFinetuneOptions and by zoo_stars.Learning"
    ]
