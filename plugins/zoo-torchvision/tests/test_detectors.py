"""torchvision's own detectors: their cards, and answers that are those of plain torchvision."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import models
from torchvision.models import WeightsEnum, get_model, get_model_weights, list_models
from zoo_torchvision.detectors.cards import DETECTORS, published_outputs
from zoo_torchvision.detectors.config import DetectorConfig
from zoo_torchvision.detectors.networks import build

from tests.hub_server import hub_server
from zoo import Card, Detections, PredictionRun, TorchHubSource, Weights, WeightsFile
from zoo.fetch import fetch
from zoo.testing import PluginHooks

PLUGINS = Path(__file__).parents[2]
BUILDERS = [name for name in list_models(module=models.detection) if "keypoint" not in name]
CARDS = {card.name: card for card in DETECTORS}


def test_the_data_file_is_what_the_installed_torchvision_says() -> None:
    spec = importlib.util.spec_from_file_location("generator", PLUGINS / "make_torchvision_json.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    stored = json.loads((files("zoo_torchvision") / "detectors" / "torchvision.json").read_text(encoding="utf-8"))
    generated = json.loads(generator.text(generator.document(generator.DETECTORS, generator.detector)))

    assert generated["entries"] == stored["entries"]
    assert generated["categories"] == stored["categories"]


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_weights_entry_is_a_card(builder: str) -> None:
    (entry,) = get_model_weights(builder)
    card = CARDS[builder]
    assert card.weights is not None
    (file,), (source,) = card.weights.files, card.weights.sources

    assert f"{source.base_url}/{file.name}" == entry.url
    assert f"-{file.pin[:8]}" in file.name
    assert card.parameters == entry.meta["num_params"]
    assert [metric.value for metric in card.metrics] == [entry.meta["_metrics"]["COCO-val2017"]["box_map"]]
    assert len(card.labels) == len(set(card.labels)) == 80
    assert [published_outputs().index(label) for label in ("person", "stop sign", "toothbrush")] == [1, 13, 90]


@pytest.mark.slow
@pytest.mark.parametrize("builder", [name for name in BUILDERS if not name.startswith("mask")])
def test_networks_have_the_parameters_that_torchvision_states(builder: str) -> None:
    """On torch's meta device, without numbers; where batch norms are frozen, it does not count them."""
    with torch.device("meta"):
        network = build(DetectorConfig.of(CARDS[builder], None))
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    total, of_norms = (sum(one.numel() for owner in some for one in owner.parameters()) for some in ([network], norms))
    assert CARDS[builder].parameters in (total, total - of_norms)


LAST = re.compile(
    r"(box_predictor\.\w+|rpn\.head\.bbox_pred|\.cls_logits|\.bbox_reg|\.bbox_ctrness|module_list\.\d+\.1)$"
)
"""Of a head: what gives its outputs."""


def published(builder: str, **sides: int) -> dict[str, torch.Tensor]:
    """A state dict as torchvision publishes it: of random numbers, with norms that do something, and scores apart."""
    torch.manual_seed(0)
    network = get_model(builder, weights=None, weights_backbone=None, **sides)
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    for layer in norms:
        layer.running_mean.uniform_(-0.1, 0.1)
        layer.running_var.uniform_(0.5, 1.5)
    norms[0].running_var[:2] = 1e-3
    spreads: dict[str, torch.Tensor] = {}
    for name, layer in network.named_modules():
        if LAST.search(name):
            layer.register_forward_hook(
                lambda _, __, out, n=name: spreads.setdefault(n, out.std(correction=0)) and None
            )
    with torch.inference_mode():
        network.eval()([torch.rand(3, 72, 96)])
    state: dict[str, torch.Tensor] = network.state_dict()
    for name, spread in spreads.items():
        state[f"{name}.weight"] *= (0.3 if "bbox" in name or "regression" in name else 2) / spread
    return state


def plain_torchvision(
    builder: str, state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch, **sides: int
) -> Any:
    """What torchvision makes of published weights: with frozen norms, and its own way to add to variances."""
    with monkeypatch.context() as patched:
        patched.setattr(WeightsEnum, "get_state_dict", lambda *_, **__: dict(state))
        return get_model(builder, weights=get_model_weights(builder).DEFAULT, **sides).eval()


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Pictures of two sizes."""
    folder = tmp_path_factory.mktemp("scenes")
    for number, size in enumerate([(96, 72), (96, 72), (64, 128)]):
        noise = np.random.default_rng(number).integers(0, 256, (9, 12, 3), dtype=np.uint8)
        Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return sorted(map(str, folder.iterdir()))


SMALL = {"ssdlite320_mobilenet_v3_large": {}, "fasterrcnn_mobilenet_v3_large_320_fpn": {}} | {
    name: {"min_size": 96, "max_size": 160}
    for name in ("maskrcnn_resnet50_fpn", "retinanet_resnet50_fpn_v2", "fcos_resnet50_fpn")
}
"""One network of each kind, and the sides at which it is asked here; empty for its own."""


@pytest.mark.slow
@pytest.mark.parametrize(("builder", "sides"), SMALL.items())
def test_boxes_are_those_of_plain_torchvision(
    builder: str,
    sides: dict[str, int],
    hooks: PluginHooks,
    card: Callable[[str], Card],
    make_prediction: Callable[..., PredictionRun],
    scenes: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With its own preprocessing, and its own network for published weights, batch norms included, for each picture.

    Labels are the same, boxes within a thousandth of a pixel, scores within 1e-5.
    """
    state = published(builder, **sides)
    network = plain_torchvision(builder, state, monkeypatch, **sides)
    part = getattr(network, "roi_heads", network)
    part.score_thresh, part.detections_per_img = 0.05, 100
    small = msgspec.structs.replace(card(builder), architecture=card(builder).architecture | sides)
    torch.save(state, tmp_path / small.weights.files[0].name)
    run = make_prediction(small, tmp_path, task="object-detection", threshold=0.05, batch_size=1)
    answers = hooks.predict(run).predict(scenes)
    prepare, names = get_model_weights(builder).DEFAULT.transforms(), published_outputs()
    total = 0
    for path, answer in zip(scenes, answers, strict=True):
        picture = Image.open(path)
        with torch.inference_mode():
            found = network([prepare(picture)])[0]
        named = [i for i, label in enumerate(found["labels"].tolist()) if names[label]]
        assert isinstance(answer, Detections)
        assert (answer.width, answer.height) == picture.size
        mine = [
            (1000 * names.index(one.label), one.left, one.top, one.right, one.bottom, 100 * one.score)
            for one in answer.detections
        ]
        expected = [1000 * found["labels"][named, None], found["boxes"][named], 100 * found["scores"][named, None]]
        assert len(mine) == pytest.approx(len(named), rel=0.05)
        apart = torch.cdist(torch.tensor(mine).view(-1, 6), torch.cat(expected, 1), p=torch.inf)
        # Of boxes that are equally good but for rounding, another one may be kept: there are many in noise.
        assert apart.amin(1).le(1e-3).float().mean() > 0.9
        total += len(named)
    assert total > 20


@pytest.mark.slow
def test_published_weights_are_fetched_as_torchvision_fetches_them(
    hooks: PluginHooks,
    card: Callable[[str], Card],
    make_prediction: Callable[..., PredictionRun],
    scenes: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From a server, by the digest in the name, into the folder of torch: torchvision finds the file there."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    builder, content = "ssdlite320_mobilenet_v3_large", io.BytesIO()
    torch.save(published(builder), content)
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    name = f"{builder}-{digest[:8]}.pth"
    with hub_server() as server:
        server.serve(f"/models/{name}", content.getvalue())
        weights = Weights(
            files=(WeightsFile(name=name, sha256_prefix=digest[:8], about_bytes=len(content.getvalue())),),
            sources=(TorchHubSource(base_url=f"{server.address}/models"),),
        )
        folder = fetch(weights)
        run = make_prediction(
            msgspec.structs.replace(card(builder), weights=weights), folder, task="object-detection", threshold=0.05
        )
        (answer,) = hooks.predict(run).predict(scenes[:1])
        state = torch.hub.load_state_dict_from_url(f"{server.address}/models/{name}", check_hash=True)
        asked = [request.method for request in server.requests_for(name)]

    assert folder == tmp_path / "torch" / "hub" / "checkpoints"
    assert asked.count("GET") == 1
    network = plain_torchvision(builder, state, monkeypatch)
    network.score_thresh, network.detections_per_img = 0.05, 100
    with torch.inference_mode():
        (found,) = network([get_model_weights(builder).DEFAULT.transforms()(Image.open(scenes[0]))])
    names = published_outputs()
    expected = [names[label] for label in found["labels"].tolist() if names[label]]
    assert isinstance(answer, Detections)
    assert [one.label for one in answer.detections] == expected
    assert len(expected) > 5


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn"])
def test_scores_are_fine_also_where_the_network_computes_in_half_the_bits(builder: str) -> None:
    """As such, bfloat16 would give 1,000 boxes a dozen different scores."""
    network = build(DetectorConfig.of(CARDS[builder], None)).eval()
    part = getattr(network, "roi_heads", network)
    part.score_thresh = 0.005
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        (found,) = network([torch.rand(3, 64, 64)])

    assert len(found["scores"]) > 0
    assert found["scores"].dtype == torch.float32
