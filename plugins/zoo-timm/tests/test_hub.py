"""Models of timm on the Hub: described by their own configuration, answered and taken further as timm does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

timm = pytest.importorskip("timm")
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from timm.data import create_transform, resolve_data_config  # noqa: E402
from timm.models import save_for_hf  # noqa: E402
from zoo_timm.body import classifier_of  # noqa: E402
from zoo_timm.cards import SCRATCH  # noqa: E402
from zoo_timm.plugin import card_for  # noqa: E402

import zoo  # noqa: E402
from zoo import Card, HubSource, Unsupported, Weights, WeightsFile  # noqa: E402

README = Path(__file__).parents[1] / "README.md"
SMALL = {
    "test_vit": {},
    "test_convnext": {"drop_path_rate": 0.1},
    "test_resnet": {},
    "caformer_s18": {"num_classes": 7},
}
"""Small networks of timm, and what more they are built with; the last has a classifier of two layers."""
CONFIG = {
    "architecture": "resnet18",
    "num_classes": 1000,
    "pretrained_cfg": {"tag": "toy", "input_size": [3, 160, 160]},
}


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("zoo-home")))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 130, 3), np.uint8)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


@pytest.fixture
def pull(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[Any], str]]:
    """Serves a network as the Hub has timm's, pulls it, and says its name in the catalog."""
    pytest.importorskip("tests.hub_server", reason="the server stands among the tests of zoo")
    from tests.hub_server import hub_server
    from zoo.cli import main

    with hub_server() as server:
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HOME", os.environ["ZOO_HOME"] + "/hf")

        def pull(network: Any) -> str:
            save_for_hf(network, tmp_path / "hub", safe_serialization=True)
            files = {path.name: path.read_bytes() for path in (tmp_path / "hub").iterdir()}
            server.serve_repository("timm/toy", files)
            assert main(["pull", "hub:timm/toy"]) == 0
            return "toy"

        yield pull


@pytest.mark.slow
@pytest.mark.parametrize("builder", SMALL)
def test_a_pulled_model_answers_as_timm_does(builder: str, pull: Callable[[Any], str], picture: Path) -> None:
    torch.manual_seed(0)
    network = timm.create_model(builder, **SMALL[builder]).eval()
    transform = create_transform(**resolve_data_config(model=network))
    with torch.inference_mode():
        expected = network(transform(Image.open(picture))[None]).softmax(-1)[0]

    name = pull(network)
    answer = zoo.load(name, device="cpu", precision="fp32", top_k=1000).predict(str(picture))

    labels = zoo.load(name).labels
    assert isinstance(answer, zoo.Classification)
    actual = {score.label: score.probability for score in answer.scores}
    assert [actual[label] for label in labels] == pytest.approx(expected.tolist(), abs=1e-5)


@pytest.mark.slow
def test_what_was_pulled_is_fine_tuned_and_plain_timm_loads_the_result(
    pull: Callable[[Any], str], picture: Path, tmp_path: Path
) -> None:
    name = pull(timm.create_model("test_efficientnet"))
    for label in ("cat", "dog"):
        (tmp_path / "data" / label).mkdir(parents=True)
        (tmp_path / "data" / label / "a.png").write_bytes(picture.read_bytes() + label.encode())
    run = zoo.finetune(name, tmp_path / "data", device="cpu", precision="fp32", max_steps=1, eval_share=0.0)
    run.wait(progress=False)
    answer = run.model.predict(str(picture))
    logits = by_readme(run.folder.model_folder, picture)

    assert isinstance(answer, zoo.Classification)
    probabilities = dict(zip(("cat", "dog"), logits[0].softmax(-1).tolist(), strict=True))
    assert {score.label: score.probability for score in answer.scores} == pytest.approx(probabilities, abs=1e-5)


def by_readme(folder: Path, picture: Path) -> torch.Tensor:
    """What the lines in the README of a result compute."""
    lines = (folder / "README.md").read_text(encoding="utf-8").split("```python\n")[1].partition("```")[0]
    lines = lines.replace("this folder", str(folder)).replace('"a.jpg"', repr(str(picture)))
    values: dict[str, Any] = {}
    exec(lines.rpartition("print(")[0], values)
    logits: torch.Tensor = values["logits"]
    return logits


def described(
    config: dict[str, Any] | None = None, files: tuple[str, ...] = ("model.safetensors", "config.json")
) -> Card:
    """The card of a model whose configuration differs so."""
    weights = Weights(
        files=tuple(WeightsFile(name=name) for name in (*files, "pytorch_model.bin")),
        sources=(HubSource(repository="timm/toy", revision="0" * 40),),
    )
    card = card_for("toy", CONFIG | (config or {}), weights)
    assert card is not None
    return card


def test_a_configuration_says_what_the_model_is() -> None:
    card = described({"model_args": {"stem_type": "deep"}, "pretrained_cfg": {"crop_pct": 0.95, "crop_mode": "squash"}})

    assert (card.task, len(card.labels), card.labels[0]) == ("image-classification", 1000, "tench, Tinca tinca")
    assert len(set(card.labels)) == 1000
    assert card.architecture == {"builder": "resnet18", "arguments": {"stem_type": "deep"}, "fixed_size": False}
    assert isinstance(card.input, zoo.ImageInput)
    assert (card.input.resize_size, card.input.crop_mode) == (235, "squash")
    assert card.weights is not None
    assert [file.name for file in card.weights.files] == ["model.safetensors", "config.json"]


def test_classes_that_a_configuration_names_are_called_so() -> None:
    named = {"num_classes": 2, "label_names": ["n1", "n2"], "label_descriptions": {"n1": "crane", "n2": "crane"}}

    assert described(named).labels == ("crane (n1)", "crane (n2)")
    assert described({"num_classes": 3}).labels == ("0", "1", "2")
    assert described({"num_classes": 0}).task == "image-feature-extraction"


def test_another_model_is_left_to_others() -> None:
    assert card_for("toy", {"model_type": "resnet"}, Weights(files=(), sources=())) is None


@pytest.mark.parametrize(
    "config",
    [
        {"architecture": "hf-hub:people/other"},
        {"architecture": "local-dir:/elsewhere"},
        {"model_args": {"checkpoint_path": "/elsewhere/model.bin"}},
        {"model_args": {"pretrained_cfg": {"url": "http://elsewhere"}}},
        {"pretrained_cfg": {"input_size": [1, 28, 28]}},
        {"pretrained_cfg": {"input_size": [3, 224, 160]}},
        {"pretrained_cfg": {"crop_mode": "border"}},
    ],
)
def test_what_cannot_be_served_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(Unsupported, match=r"toy (names|sees)"):
        described(config)


def test_without_safetensors_it_is_refused() -> None:
    with pytest.raises(Unsupported, match="toy lacks"):
        described(files=("config.json",))


def test_a_card_needs_neither_timm_nor_torch() -> None:
    lines = (
        "import sys, json, zoo; from zoo_timm.plugin import card_for;"
        "files = tuple(zoo.WeightsFile(name=name) for name in ('model.safetensors', 'config.json'));"
        "source = zoo.HubSource(repository='timm/toy', revision='0' * 40);"
        "card = card_for('toy', json.loads(sys.argv[1]), zoo.Weights(files=files, sources=(source,)));"
        "assert len(card.labels) == 1000; assert not {'timm', 'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", lines, json.dumps(CONFIG)], check=True)


def test_the_networks_from_random_numbers_have_as_many_parameters_as_they_say() -> None:
    for builder, parameters in SCRATCH.items():
        with torch.device("meta"):
            assert parameters == sum(one.numel() for one in timm.create_model(builder).parameters()), builder


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in README.read_text("utf-8").splitlines() if line.startswith("| `")])
def test_the_listed_models_are_timms_and_can_be_served(line: str) -> None:
    """On torch's meta device: the large ones would take gigabytes."""
    name, millions = line.split("|")[1].strip().strip("`"), float(line.split("|")[2].strip().split()[0])
    with torch.device("meta"):
        network = timm.create_model(name)
    published = timm.get_pretrained_cfg(name)

    assert name in timm.list_pretrained()
    assert round(sum(one.numel() for one in network.parameters()) / 1e6, 1) == millions
    assert classifier_of(network)[1].out_features == 1000
    config = {"architecture": name.partition(".")[0], "num_classes": 1000, "pretrained_cfg": published.to_dict()}
    assert len(described(config).labels) == 1000
