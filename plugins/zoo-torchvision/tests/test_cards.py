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
from torchvision import models
from torchvision.models import get_model_weights, list_models
from zoo_torchvision.cards import CARDS, SCRATCH
from zoo_torchvision.families import family_of
from zoo_torchvision.networks import ARCHITECTURE, build

PLUGINS = Path(__file__).parents[2]
RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
BUILDERS = [name for name in list_models(module=models) if name not in RESNETS]


def test_the_data_file_is_what_the_installed_torchvision_says() -> None:
    spec = importlib.util.spec_from_file_location("generator", PLUGINS / "make_torchvision_json.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    stored = json.loads((files("zoo_torchvision") / "torchvision.json").read_text(encoding="utf-8"))
    generated = json.loads(generator.text(generator.document(generator.OTHERS)))

    # Another release within the range may differ in its number alone.
    assert generated["entries"] == stored["entries"]
    assert generated["categories"] == stored["categories"]


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_weights_entry_is_a_card_and_the_best_has_the_plain_name(builder: str) -> None:
    entries = get_model_weights(builder)
    cards = {
        card.architecture["weights"]: card for card in CARDS if card.architecture["builder"] == builder and card.weights
    }

    assert sorted(cards) == sorted(entry.name for entry in entries)
    assert cards[entries.DEFAULT.name].name == builder
    for entry in entries:
        card = cards[entry.name]
        (file,), (source, *_) = card.weights.files, card.weights.sources
        assert f"{source.base_url}/{file.name}" == entry.url
        assert f"-{file.pin[:8]}" in file.name
        transforms = entry.transforms()
        assert card.input.input_size == (3, transforms.crop_size[0], transforms.crop_size[0])
        assert card.input.resize_size == transforms.resize_size[0]
        assert card.input.interpolation == transforms.interpolation.value
        assert (list(card.input.mean), list(card.input.std)) == (transforms.mean, transforms.std)
        assert card.parameters == entry.meta["num_params"]


@pytest.mark.slow
@pytest.mark.parametrize("builder", BUILDERS)
def test_networks_are_torchvisions_own(builder: str, regnets_on_meta: None) -> None:
    """But for what helps to train GoogLeNet and Inception alone; on torch's meta device, without numbers."""
    card = next(card for card in CARDS if card.name == builder)
    with torch.device("meta"):
        network = build({name: card.architecture[name] for name in ARCHITECTURE}, 1000)
        parameters = sum(parameter.numel() for parameter in network.parameters())
    if builder not in ("googlenet", "inception_v3"):
        assert parameters == card.parameters
    assert network.get_submodule(family_of(builder).head)


def test_names_are_one_each_and_some_networks_come_without_weights() -> None:
    names = [card.name for card in CARDS]
    assert len(set(names)) == len(names)
    assert [card.name for card in CARDS if card.weights is None] == [f"{name}-scratch" for name in SCRATCH]
    # The publisher took the classifier out of one file.
    assert [card.name for card in CARDS if card.weights and "predict" not in card.verbs] == ["vgg16-features"]


def test_browsing_imports_neither_torch_nor_pillow() -> None:
    program = (
        "import sys, zoo_torchvision.plugin as plugin; assert len(plugin.cards()) > 100; "
        "print(*({'torch', 'torchvision', 'PIL', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True, timeout=60
    )
    assert done.stdout.strip() == ""
