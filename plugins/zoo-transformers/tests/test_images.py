"""Image classifiers of many architectures: pulled from a Hub, asked, trained a step, and loaded without zoo."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from zoo_transformers.pictures import FILE, image_input, shown_at
from zoo_transformers.plugin import card_for

import zoo
from zoo import Card, Example, HubSource, ImageInput, Unsupported, Weights, WeightsFile

LABELS = ("cat", "dog", "owl")
VIT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "image_size": 32}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "beit": {**VIT, "patch_size": 8},
    "convnext": {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2},
    "deit": {**VIT, "patch_size": 8},
    "mobilenet_v2": {"depth_multiplier": 0.25},
    "regnet": {"embedding_size": 8, "hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1], "groups_width": 8},
    "resnet": {"embedding_size": 8, "hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1]},
    "swin": {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4, "image_size": 32},
    "vit": {**VIT, "patch_size": 8},
}
"""`model_type` to the sizes of a small one."""
SQUASHED = {
    "image_processor_type": "ViTImageProcessor",
    "size": {"height": 32, "width": 32},
    "resample": 2,
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.2, 0.3, 0.4],
}


@pytest.fixture
def publish(tmp_path: Path) -> Callable[[str], Any]:
    """Saves a small classifier of random numbers as its publisher would."""

    def publish(model_type: str) -> Any:
        import torch
        import transformers

        config = transformers.AutoConfig.for_model(model_type, **ARCHITECTURES[model_type])
        config.id2label = dict(enumerate(LABELS))
        config.label2id = {label: i for i, label in enumerate(LABELS)}
        if model_type == "deit":  # of which there are two
            config.architectures = ["DeiTForImageClassification"]
        torch.manual_seed(0)
        network = transformers.AutoModelForImageClassification.from_config(config).eval()
        network.save_pretrained(tmp_path / "published")
        (tmp_path / "published" / FILE).write_text(json.dumps(SQUASHED))
        return network

    return publish


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """Two, of the size that the networks see."""
    for i in range(2):
        noise = np.random.default_rng(i).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{i}.png")
    return [str(tmp_path / f"{i}.png") for i in range(2)]


def probabilities(answer: Any) -> list[float]:
    by_label = {score.label: score.probability for score in answer.scores}
    return [by_label[label] for label in sorted(by_label)]


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_a_pulled_classifier_answers_as_transformers_does_and_learns_other_labels(
    model_type: str,
    publish: Callable[[str], Any],
    pull: Callable[..., Card],
    train: Callable[..., Path],
    pictures: list[str],
    tmp_path: Path,
) -> None:
    import torch
    import transformers

    network = publish(model_type)
    card = pull(tmp_path / "published")
    model = zoo.load(card.name, device="cpu", precision="fp32")
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path / "published")
    for path, answer in zip(pictures, model.predict(pictures), strict=True):
        with torch.inference_mode():
            inputs = processor(Image.open(path), return_tensors="pt")
            expected = network(**inputs).logits.softmax(-1)[0].tolist()
        assert probabilities(answer) == pytest.approx(expected, abs=1e-5)

    examples = [Example(path, "yn"[i % 2], i + 1) for i, path in enumerate(pictures * 2)]
    result = train(card, "finetune", "image-classification", tmp_path / "run", examples)
    loaded, report = transformers.AutoModelForImageClassification.from_pretrained(result, output_loading_info=True)
    assert not report["missing_keys"]
    assert loaded.config.id2label == {0: "n", 1: "y"}
    assert transformers.AutoImageProcessor.from_pretrained(result) is not None


@pytest.mark.slow
def test_pictures_of_another_size_are_learnt_where_the_network_takes_them(
    publish: Callable[[str], Any],
    pull: Callable[..., Card],
    train: Callable[..., Path],
    pictures: list[str],
    tmp_path: Path,
) -> None:
    examples = [Example(path, "yn"[i % 2], i + 1) for i, path in enumerate(pictures * 2)]
    publish("vit")
    card = pull(tmp_path / "published", "fixed")
    with pytest.raises(Unsupported, match="fixed does not take images of 48 pixels"):
        train(card, "finetune", "image-classification", tmp_path / "run", examples, image_size=48)
    publish("resnet")
    card = pull(tmp_path / "published", "flexible")
    result = train(card, "finetune", "image-classification", tmp_path / "run", examples, image_size=48)
    assert json.loads((result / FILE).read_text())["size"] == {"height": 48, "width": 48}


def described(document: object, **config: Any) -> Card:
    stated = {"model_type": "vit", "architectures": ["ViTForImageClassification"], "id2label": dict(enumerate(LABELS))}
    weights = Weights(
        files=tuple(WeightsFile(name=name) for name in ("config.json", "model.safetensors", FILE)),
        sources=(HubSource(repository="people/toy", revision="0" * 40),),
    )
    card = card_for("toy", stated | config, weights, {} if document is None else {FILE: document})
    assert card is not None
    return card


@pytest.mark.parametrize(
    ("document", "size", "resize_size", "mode"),
    [
        ({"size": 224, "resample": 2}, 224, 224, "squash"),
        ({"size": {"height": 384, "width": 384}, "resample": 3}, 384, 384, "squash"),
        ({"size": 256, "do_center_crop": True, "crop_size": 224}, 224, 256, "squash"),
        (
            {"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224}},
            224,
            256,
            "center",
        ),
        ({"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 224}}, 224, 256, "center"),
        ({"feature_extractor_type": "ConvNextFeatureExtractor", "size": {"shortest_edge": 384}}, 384, 384, "squash"),
    ],
)
def test_how_pictures_are_shown_is_read_and_written(
    document: dict[str, Any], size: int, resize_size: int, mode: str
) -> None:
    seen = described(document).input
    assert isinstance(seen, ImageInput)
    assert (seen.input_size, seen.resize_size, seen.crop_mode) == ((3, size, size), resize_size, mode)
    assert image_input("toy", shown_at(document, size, resize_size)) == seen
    smaller = image_input("toy", shown_at(document, size // 2, resize_size // 2))
    assert smaller.input_size == (3, size // 2, size // 2)


@pytest.mark.parametrize(
    ("document", "config", "words"),
    [
        (None, {}, "toy lacks preprocessor_config.json"),
        ({"size": {"shortest_edge": 256}}, {}, "sees pictures as zoo does not show them"),
        ({"size": {"height": 224, "width": 448}}, {}, "sees pictures as zoo does not show them"),
        ({"size": 224, "resample": 0}, {}, "sees pictures as zoo does not show them"),
        ({"size": 224, "do_rescale": False}, {}, "sees pictures as zoo does not show them"),
        ({"size": 224, "image_mean": "grey"}, {}, "makes no sense"),
        ({"size": 224}, {"id2label": {"0": "age"}}, "says a number of a picture"),
    ],
)
def test_what_is_not_computed_here_is_refused(document: object, config: dict[str, Any], words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        described(document, **config)
