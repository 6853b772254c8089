"""Segmenters of several architectures: pulled from a Hub, asked, trained two steps, and loaded without zoo."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from zoo_transformers.pictures import FILE

import zoo
from zoo import MASK, Card, Example, PredictionRun, SegmentedImage
from zoo.tasks import get_task
from zoo.testing import PluginHooks

TASK = "image-segmentation"
LABELS = ("road", "sky", "tree")
NAMES = {"background": "dark", "foreground": "light"}
CONVNEXT = {
    "model_type": "convnext",
    "hidden_sizes": [8, 8, 16, 16],
    "depths": [1, 1, 1, 1],
    "num_stages": 4,
    "out_features": ["stage1", "stage2", "stage3", "stage4"],
}
SWIN = {
    "model_type": "swin",
    "embed_dim": 8,
    "depths": [1, 1, 1, 1],
    "num_heads": [1, 1, 2, 2],
    "window_size": 2,
    "image_size": 64,
    "out_features": ["stage1", "stage2", "stage3", "stage4"],
}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "beit": {
        "hidden_size": 32,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 32,
        "image_size": 64,
        "patch_size": 16,
        "out_indices": [1, 2, 3, 4],
        "use_absolute_position_embeddings": True,
    },
    "mask2former": {
        "backbone_config": SWIN,
        "feature_size": 32,
        "mask_feature_size": 32,
        "hidden_dim": 32,
        "encoder_feedforward_dim": 32,
        "encoder_layers": 1,
        "decoder_layers": 2,
        "num_attention_heads": 2,
        "dim_feedforward": 32,
        "num_queries": 6,
    },
    "maskformer": {
        "backbone_config": SWIN,
        "fpn_feature_size": 32,
        "mask_feature_size": 32,
        "decoder_config": {
            "model_type": "detr",
            "d_model": 32,
            "encoder_layers": 1,
            "decoder_layers": 1,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "encoder_ffn_dim": 32,
            "decoder_ffn_dim": 32,
            "num_queries": 6,
        },
    },
    "segformer": {
        "hidden_sizes": [8, 8, 16, 16],
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 1, 2, 2],
        "decoder_hidden_size": 16,
    },
    "upernet": {"backbone_config": CONVNEXT, "hidden_size": 16, "auxiliary_in_channels": 16, "auxiliary_channels": 8},
}
"""`model_type` to the sizes of a small one."""
LEARNT = ("beit", "segformer", "upernet")
SIZE = {"size": {"height": 64, "width": 64}}
PROCESSORS: dict[str, dict[str, Any]] = {
    "beit": {"image_processor_type": "BeitImageProcessor", "do_center_crop": False, **SIZE},
    "mask2former": {"image_processor_type": "Mask2FormerImageProcessor", **SIZE},
    "maskformer": {"image_processor_type": "MaskFormerImageProcessor", **SIZE},
    "segformer": {"image_processor_type": "SegformerImageProcessor", "do_reduce_labels": True, **SIZE},
    "upernet": {"image_processor_type": "SegformerImageProcessor", **SIZE},
}


def auto_class(model_type: str) -> Any:
    import transformers

    universal = model_type.startswith("mask")
    return (
        transformers.AutoModelForUniversalSegmentation if universal else transformers.AutoModelForSemanticSegmentation
    )


def save_segmenter(model_type: str, folder: Path) -> None:
    """A small segmenter of random numbers, as its publisher would save it."""
    import torch
    import transformers

    config = transformers.AutoConfig.for_model(model_type, **ARCHITECTURES[model_type])
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {label: i for i, label in enumerate(LABELS)}
    torch.manual_seed(0)
    auto_class(model_type).from_config(config).save_pretrained(folder)
    (folder / FILE).write_text(json.dumps(PROCESSORS[model_type]))


@pytest.fixture
def rows(tmp_path: Path) -> list[Example]:
    """Pictures of two sizes with a dark and a light part."""
    examples = []
    for row in (1, 2):
        size = ((90, 60), (70, 80))[row % 2]
        noise = np.random.default_rng(row).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{row}.png")
        light = np.zeros(size[::-1], dtype=np.uint8)
        light[:, 20 * row :] = 255
        Image.fromarray(light).save(tmp_path / f"{row}-mask.png")
        target = MASK.renamed(MASK.read(str(tmp_path / f"{row}-mask.png"), "mask"), NAMES)
        examples.append(Example(str(tmp_path / f"{row}.png"), target, row))
    return examples


def indexes(answer: SegmentedImage) -> Any:
    return np.asarray(Image.open(io.BytesIO(answer.mask)))


def mask_by_transformers(model_type: str, folder: Path, picture: str) -> Any:
    import torch
    import transformers

    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    network = auto_class(model_type).from_pretrained(folder).eval()
    image = Image.open(picture).convert("RGB")
    with torch.inference_mode():
        outputs = network(**processor(images=[image], return_tensors="pt"))
    (mask,) = processor.post_process_semantic_segmentation(outputs, [(image.height, image.width)])
    return mask.numpy()


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_a_pulled_segmenter_answers_as_transformers_does_and_learns_other_classes(
    model_type: str, pull: Callable[..., Card], train: Callable[..., Path], rows: list[Example], tmp_path: Path
) -> None:
    published = tmp_path / "published"
    save_segmenter(model_type, published)
    card = pull(published)
    assert card.labels == LABELS
    pictures = [row.input for row in rows]
    answers = zoo.load(card.name, device="cpu", precision="fp32", probabilities=True).predict(pictures)
    for picture, answer in zip(pictures, answers, strict=True):
        assert answer.labels == LABELS
        mask = mask_by_transformers(model_type, published, picture)
        assert np.array_equal(indexes(answer), mask)
        probabilities = answer.probabilities.array()
        assert np.allclose(probabilities.sum(-1), 1, atol=5e-3)
        best = Image.fromarray(probabilities.argmax(-1).astype(np.uint8)).resize(
            mask.shape[::-1], Image.Resampling.NEAREST
        )
        assert (np.asarray(best) == mask).mean() > 0.7

    if model_type not in LEARNT:
        assert [ability.verb for ability in card.abilities] == ["predict"]
        return
    result = train(card, "finetune", TASK, tmp_path / "run", rows)
    loaded, report = auto_class(model_type).from_pretrained(result, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert loaded.config.id2label == {0: "dark", 1: "light"}
    run = PredictionRun(
        card=card,
        task=get_task(TASK),
        weights=result,
        options=PluginHooks.options(card.ability("predict", TASK)),
        device="cpu",
        precision="fp32",
    )
    (answer,) = PluginHooks(card.plugin).predict(run).predict(pictures[:1])
    assert isinstance(answer, SegmentedImage)
    assert answer.labels == ("dark", "light")
    expected = mask_by_transformers(model_type, result, pictures[0])
    assert np.array_equal(indexes(answer), expected)
    lines = (result / "README.md").read_text(encoding="utf-8").split("```python\n")[1].partition("```")[0]
    values: dict[str, Any] = {}
    exec(
        lines.replace("this folder", str(result)).replace('"a.jpg"', repr(pictures[0])).rpartition("for index")[0],
        values,
    )
    assert np.array_equal(values["mask"].numpy(), expected)
