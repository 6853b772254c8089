"""The cards say what the installed torchvision says, without importing it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from torchvision.models import get_model, get_model_weights
from zoo_resnet.cards import CARDS
from zoo_resnet.resnet import build

PLUGINS = Path(__file__).parents[2]
DEPTHS = ("18", "34", "50", "101", "152")


def test_the_data_file_is_what_the_installed_torchvision_says() -> None:
    spec = importlib.util.spec_from_file_location("generator", PLUGINS / "make_torchvision_json.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    stored = json.loads((files("zoo_resnet") / "torchvision.json").read_text(encoding="utf-8"))
    generated = generator.document(generator.RESNETS)

    # Another release within the range may differ in its number alone.
    assert json.loads(json.dumps(generated["entries"])) == stored["entries"]
    assert generated["categories"] == stored["categories"]


def test_every_weights_entry_is_a_card_and_the_best_has_the_plain_name(card) -> None:
    for depth in DEPTHS:
        entries = get_model_weights(f"resnet{depth}")
        for weights in entries:
            plain = weights is entries.DEFAULT
            listed = card(f"resnet{depth}" if plain else f"resnet{depth}-{weights.name[-2:].lower()}")
            assert listed.architecture["weights"] == weights.name
            assert list(listed.labels) == weights.meta["categories"]
            (file,), (source,) = listed.weights.files, listed.weights.sources
            assert f"{source.base_url}/{file.name}" == weights.url
            assert file.sha256_prefix in file.name
            transforms = weights.transforms()
            assert listed.input.input_size == (3, transforms.crop_size[0], transforms.crop_size[0])
            assert listed.input.resize_size == transforms.resize_size[0]
            assert (list(listed.input.mean), list(listed.input.std)) == (transforms.mean, transforms.std)


@pytest.mark.parametrize("name", [card.name for card in CARDS])
def test_parameters_are_counted_on_the_network(name: str, card) -> None:
    listed = card(name)
    classes = 10 if name.endswith("32px") else 1000
    with torch.device("meta"):
        network = build(listed.architecture, classes)
    assert listed.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert len({card.name for card in CARDS}) == len(CARDS)


def test_networks_are_torchvisions_own(card) -> None:
    """With the usual stem nothing is ours: the names and shapes are the same."""
    for depth in DEPTHS:
        with torch.device("meta"):
            ours, theirs = build(card(f"resnet{depth}").architecture, 1000), get_model(f"resnet{depth}")
        assert str(ours) == str(theirs)


def test_browsing_imports_neither_torch_nor_pillow() -> None:
    program = (
        "import sys, zoo_resnet.plugin as plugin; assert len(plugin.cards()) > 12; "
        "print(*({'torch', 'torchvision', 'PIL', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True, timeout=60
    )
    assert done.stdout.strip() == ""
