"""Detectors of several architectures: pulled from a Hub, asked, trained two steps, and loaded without zoo."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from zoo_transformers.pictures import FILE
from zoo_transformers.plugin import card_for

import zoo
from zoo import Box, Card, Detections, Example, HubSource, Rejected, TrainingRun, Unsupported, Weights, WeightsFile
from zoo.tasks import get_task

TASK = "object-detection"
LABELS = ("cat", "dog", "owl")
RESNET = {
    "model_type": "resnet",
    "embedding_size": 8,
    "hidden_sizes": [8, 8, 16, 16],
    "depths": [1, 1, 1, 1],
    "out_features": ["stage4"],
}
DETR = {
    "backbone_config": RESNET,
    "use_timm_backbone": False,
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "num_queries": 8,
}
RT_DETR = {
    "d_model": 32,
    "encoder_hidden_dim": 32,
    "encoder_in_channels": [8, 16, 16],
    "encoder_ffn_dim": 32,
    "encoder_attention_heads": 2,
    "decoder_in_channels": [32, 32, 32],
    "decoder_layers": 2,
    "decoder_attention_heads": 2,
    "decoder_ffn_dim": 32,
    "num_queries": 8,
    "num_denoising": 8,
    "num_feature_levels": 3,
    "decoder_n_levels": 3,
    "decoder_n_points": 4,
    "anchor_image_size": None,
    "backbone_config": {**RESNET, "model_type": "rt_detr_resnet", "out_features": ["stage2", "stage3", "stage4"]},
}
HGNET = {
    "model_type": "hgnet_v2",
    "stem_channels": [3, 8, 8],
    "hidden_sizes": [8, 8, 16, 16],
    "stage_in_channels": [8, 8, 8, 16],
    "stage_mid_channels": [8, 8, 8, 8],
    "stage_out_channels": [8, 8, 16, 16],
    "stage_num_blocks": [1, 1, 1, 1],
    "stage_numb_of_layers": [1, 1, 1, 1],
    "out_features": ["stage2", "stage3", "stage4"],
}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "conditional_detr": DETR,
    "d_fine": {**RT_DETR, "backbone_config": HGNET, "max_num_bins": 8, "decoder_n_points": [2, 2, 2]},
    "detr": DETR,
    "rt_detr": RT_DETR,
    "rt_detr_v2": RT_DETR,
    "yolos": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "image_size": [96, 128],
        "num_detection_tokens": 8,
    },
}
"""`model_type` to the sizes of a small one."""
WHOLE = {"size": {"height": 64, "width": 64}, "do_normalize": False}
EDGES = {"size": {"shortest_edge": 64, "longest_edge": 96}}
PROCESSORS: dict[str, dict[str, Any]] = {
    "conditional_detr": {"image_processor_type": "ConditionalDetrImageProcessor", **EDGES},
    "d_fine": {"image_processor_type": "RTDetrImageProcessor", **WHOLE},
    "detr": {"image_processor_type": "DetrImageProcessor", **EDGES},
    "rt_detr": {"image_processor_type": "RTDetrImageProcessor", **WHOLE},
    "rt_detr_v2": {"image_processor_type": "RTDetrImageProcessor", **WHOLE},
    "yolos": {"image_processor_type": "YolosImageProcessor", **EDGES},
}


def save_detector(model_type: str, folder: Path, labels: tuple[str, ...] = LABELS, **sizes: Any) -> Any:
    """A small detector of random numbers, as its publisher would save it."""
    import torch
    import transformers

    config = transformers.AutoConfig.for_model(model_type, **{**ARCHITECTURES[model_type], **sizes})
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: i for i, label in enumerate(labels)}
    torch.manual_seed(0)
    network = transformers.AutoModelForObjectDetection.from_config(config).eval()
    network.save_pretrained(folder)
    (folder / FILE).write_text(json.dumps(PROCESSORS[model_type]))
    return network


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Example, ...]:
    """Pictures of two sizes, with none to two boxes."""
    folder, examples = tmp_path_factory.mktemp("boxes"), []
    for row, count in enumerate((1, 0, 2, 1), 1):
        width, height = ((120, 90), (90, 100))[row % 2]
        noise = np.random.default_rng(row).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{row}.png")
        boxes = [Box(left=5 + 40 * i, top=10, right=40 + 40 * i, bottom=60, label="yn"[i]) for i in range(count)]
        examples.append(Example(str(folder / f"{row}.png"), tuple(boxes), row))
    return tuple(examples)


def found_by_transformers(folder: Path, picture: str, threshold: float) -> list[tuple[str, float, list[float]]]:
    """Label, score and corners of boxes, the best first, within the picture."""
    import torch
    import transformers

    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    network = transformers.AutoModelForObjectDetection.from_pretrained(folder).eval()
    image = Image.open(picture).convert("RGB")
    with torch.inference_mode():
        outputs = network(**processor(images=[image], return_tensors="pt"))
    (found,) = processor.post_process_object_detection(outputs, threshold, [(image.height, image.width)])
    limits = torch.tensor([image.width, image.height]).repeat(2)
    boxes = found["boxes"].clamp(min=0).minimum(limits).tolist()
    columns = zip(found["labels"].tolist(), found["scores"].tolist(), boxes, strict=True)
    named = [(network.config.id2label[label], score, box) for label, score, box in columns]
    return sorted(named, key=lambda one: -one[1])


def assert_same(answer: Detections, expected: list[tuple[str, float, list[float]]]) -> None:
    assert expected
    assert [one.label for one in answer.detections] == [label for label, _, _ in expected]
    assert [one.score for one in answer.detections] == pytest.approx([score for _, score, _ in expected], abs=1e-5)
    for one, (_, _, corners) in zip(answer.detections, expected, strict=True):
        assert [one.left, one.top, one.right, one.bottom] == pytest.approx(corners, abs=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_a_pulled_detector_answers_as_transformers_does_and_learns_other_labels(
    model_type: str, pull: Callable[..., Card], train: Callable[..., Path], rows: tuple[Example, ...], tmp_path: Path
) -> None:
    import transformers

    save_detector(model_type, tmp_path / "published")
    card = pull(tmp_path / "published")
    pictures = [row.input for row in rows]
    model = zoo.load(card.name, device="cpu", precision="fp32", threshold=0.1)
    for picture, answer in zip(pictures, model.predict(pictures), strict=True):
        assert_same(answer, found_by_transformers(tmp_path / "published", picture, 0.1))

    result = train(card, "finetune", TASK, tmp_path / "run", list(rows), batch_size=4)
    loaded, report = transformers.AutoModelForObjectDetection.from_pretrained(result, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["mismatched_keys"]
    assert loaded.config.id2label == {0: "n", 1: "y"}
    expected = found_by_transformers(result, pictures[0], 0.01)
    assert_same(asked(card, result, pictures[0]), expected)
    assert found_by_readme(result, pictures[0]) == pytest.approx([score for _, score, _ in expected], abs=1e-5)


def found_by_readme(folder: Path, picture: str) -> list[float]:
    """Scores that the lines in the README of a result give, with a lower threshold: two steps teach little."""
    lines = (folder / "README.md").read_text(encoding="utf-8").split("```python\n")[1].partition("```")[0]
    lines = lines.replace("this folder", str(folder)).replace('"a.jpg"', repr(picture)).replace("=0.4", "=0.01")
    values: dict[str, Any] = {}
    exec(lines.rpartition("for box")[0], values)
    return sorted(values["found"]["scores"].tolist(), reverse=True)


def asked(card: Card, result: Path, picture: str) -> Any:
    """What a result answers."""
    from zoo import PredictionRun
    from zoo.testing import PluginHooks

    task = get_task(TASK)
    run = PredictionRun(
        card=card,
        task=task,
        weights=result,
        options=PluginHooks.options(card.ability("predict", TASK), threshold=0.01),
        device="cpu",
        precision="fp32",
    )
    (answer,) = PluginHooks(card.plugin).predict(run).predict([picture])
    return answer


@pytest.fixture
def training(rows: tuple[Example, ...], tmp_path: Path) -> Callable[..., TrainingRun]:
    """A training of a small detector that was published for other labels."""

    def training(model_type: str, examples: tuple[Example, ...] = rows, **options: Any) -> TrainingRun:
        from zoo.testing import PluginHooks

        network = save_detector(model_type, tmp_path / "published")
        card = described(PROCESSORS[model_type], model_type=model_type, architectures=[type(network).__name__])
        (tmp_path / "run").mkdir()
        return TrainingRun(
            card=card,
            task=get_task(TASK),
            weights=tmp_path / "published",
            train=examples,
            eval=examples[:2],
            labels=("n", "y"),
            options=PluginHooks.options(card.ability("finetune", TASK), max_steps=2, **options),
            device="cpu",
            precision="fp32",
            folder=tmp_path / "run",
            emit=lambda event: None,
            should_stop=lambda: False,
        )

    return training


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ["detr", "rt_detr"])
def test_losses_are_those_of_transformers(
    model_type: str, training: Callable[..., TrainingRun], rows: tuple[Example, ...]
) -> None:
    """Over a batch of pictures with as many boxes each, as transformers reduces them."""
    import torch
    from zoo_transformers.detector_training import DetectorTraining

    examples = (rows[0], rows[3])
    objective = DetectorTraining(training(model_type, examples))
    batch = objective.collate(objective.features(examples), (1, 2), training=True)
    module = objective.module.train(model_type == "rt_detr")  # which learns from boxes with noise, and drops nothing
    torch.manual_seed(3)
    output = objective.losses(module, batch)
    assert output.losses.shape == (2,)
    assert output.weights is not None
    mean = (output.losses * output.weights).sum() / output.weights.sum()

    network: Any = module.detector
    del network._loss_function
    labels = []
    for boxes, size in zip(batch["boxes"], batch["seen"], strict=True):
        left, top, right, bottom = (boxes[:, 1:] / size.repeat(2)).unbind(1)
        in_sides = torch.stack([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top], 1)
        labels.append({"class_labels": boxes[:, 0].long(), "boxes": in_sides})
    mask = torch.zeros(batch["images"].shape[:3], dtype=torch.long)
    for one, (width, height) in zip(mask, batch["seen"].tolist(), strict=True):
        one[:height, :width] = 1
    torch.manual_seed(3)
    expected = network(objective._pixels(batch["images"]), pixel_mask=mask, labels=labels).loss
    assert mean.item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("model_type", "method"), [("detr", "lora"), ("detr", "head"), ("d_fine", "head")])
def test_parts_of_a_detector_learn(model_type: str, method: str, training: Callable[..., TrainingRun]) -> None:
    """Pictures without boxes among them; what is judged is what a prediction finds."""
    import transformers
    from zoo_transformers.plugin import finetune

    run = training(model_type, batch_size=4, method=method, eval_steps=2)
    trainable: Any = finetune(run)
    result = trainable.fit(run)
    assert {"loss", "map", "ap50"} <= result.metrics.keys()
    loaded = transformers.AutoModelForObjectDetection.from_pretrained(run.model_folder).state_dict()
    before = transformers.AutoModelForObjectDetection.from_pretrained(run.weights).state_dict()
    changed = {name for name, tensor in loaded.items() if not tensor.equal(before[name])}
    assert any("class" in name for name in changed)
    assert any("q_proj" in name for name in changed) == (method == "lora")
    assert not any("backbone" in name for name in changed)


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ["conditional_detr", "d_fine", "detr", "rt_detr"])
def test_pictures_without_boxes_are_learnt_from(
    model_type: str, training: Callable[..., TrainingRun], rows: tuple[Example, ...]
) -> None:
    from zoo_transformers.plugin import finetune

    run = training(model_type, tuple(Example(one.input, (), one.row) for one in rows[:2]), batch_size=1)
    trainable: Any = finetune(run)
    assert trainable.fit(run).metrics.keys() == {"loss"}


@pytest.mark.slow
def test_the_same_labels_go_on_with_the_head_of_the_weights(
    training: Callable[..., TrainingRun], rows: tuple[Example, ...]
) -> None:
    from zoo_transformers.detector_training import DetectorTraining

    run = training("detr")
    save_detector("detr", run.weights, labels=("y", "n"))  # type: ignore[arg-type]  # a training of weights
    before = DetectorTraining(dataclasses.replace(run, labels=("y", "n"))).module.state_dict()
    renewed = DetectorTraining(run).module.state_dict()
    weight = "detector.class_labels_classifier.weight"
    assert before[weight].shape == renewed[weight].shape
    assert not before[weight].equal(renewed[weight])


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ["detr", "rt_detr"])
def test_boxes_stay_fine_where_less_precision_is_computed_in(
    model_type: str, pull: Callable[..., Card], rows: tuple[Example, ...], tmp_path: Path
) -> None:
    """Their edges are no multiples of what bf16 can tell apart."""
    save_detector(model_type, tmp_path / "published")
    card = pull(tmp_path / "published")
    fine, low = (
        zoo.load(card.name, device="cpu", precision=precision, threshold=0.0).predict(rows[0].input)
        for precision in ("fp32", "bf16")
    )
    assert isinstance(fine, Detections)
    assert len(low.detections) == len(fine.detections)
    assert {one.left for one in low.detections} != {one.left for one in fine.detections}
    best = low.detections[0]
    nearest = min(fine.detections, key=lambda one: abs(one.left - best.left) + abs(one.top - best.top))
    assert [best.left, best.top, best.right, best.bottom] == pytest.approx(
        [nearest.left, nearest.top, nearest.right, nearest.bottom], abs=1.0
    )


@pytest.mark.slow
def test_boxes_are_left_out_where_that_is_asked_for(
    pull: Callable[..., Card], rows: tuple[Example, ...], tmp_path: Path
) -> None:
    save_detector("detr", tmp_path / "published")
    card = pull(tmp_path / "published")
    every = zoo.load(card.name, device="cpu", precision="fp32", threshold=0.0).predict(rows[0].input)
    three = zoo.load(card.name, device="cpu", precision="fp32", threshold=0.0, top_k=3).predict(rows[0].input)
    apart = zoo.load(card.name, device="cpu", precision="fp32", threshold=0.0, nms=0.0).predict(rows[0].input)
    assert isinstance(every, Detections)
    assert three.detections == every.detections[:3]
    assert 0 < len(apart.detections) < len(every.detections)

    for mode, size in (("L", (40, 30)), ("RGBA", (30, 40)), ("RGB", (1, 1)), ("RGB", (400, 3))):
        Image.new(mode, size).save(tmp_path / f"{mode}-{size[0]}.png")
    odd = sorted(str(path) for path in tmp_path.glob("*.png"))
    grey, pixel, narrow, clear = zoo.load(card.name, device="cpu", precision="fp32").predict(odd)
    assert narrow == Rejected("it is too narrow for the network: 400 x 3 pixels, which it would see as 96 x 1")
    assert [(one.width, one.height) for one in (grey, pixel, clear)] == [(40, 30), (1, 1), (30, 40)]


def described(document: object, **config: Any) -> Card:
    stated = {
        "model_type": "detr",
        "architectures": ["DetrForObjectDetection"],
        "id2label": dict(enumerate(LABELS)),
        "use_timm_backbone": False,
    }
    weights = Weights(
        files=tuple(WeightsFile(name=name) for name in ("config.json", "model.safetensors", FILE)),
        sources=(HubSource(repository="people/toy", revision="0" * 40),),
    )
    card = card_for("toy", stated | config, weights, {} if document is None else {FILE: document})
    assert card is not None
    return card


def test_a_card_says_what_a_detector_finds_and_learns() -> None:
    card = described(EDGES)
    assert (card.task, card.labels, str(card.input)) == (TASK, LABELS, "seen at 96 x 64")
    assert [(one.verb, one.task) for one in card.abilities] == [("finetune", TASK), ("predict", TASK)]
    assert str(described({"size": 800, "max_size": 1333}).input) == "seen at 1333 x 800"
    assert str(described({"size": {"shortest_edge": 224}}).input) == "seen at 224 x 224"
    assert str(described({}).input) == "seen at 1333 x 800"
    assert described(EDGES, id2label={"0": "N/A", "1": "cat", "2": "N/A"}).labels == ("N/A", "cat")
    assert described(EDGES, id2label=None).labels == ("LABEL_0", "LABEL_1")


@pytest.mark.parametrize(
    ("document", "config", "words"),
    [
        (None, {}, "toy lacks preprocessor_config.json"),
        ({"size": {"shortest_edge": "small"}}, {}, "makes no sense"),
        (EDGES, {"id2label": {"cat": 0}}, "id2label of toy makes no sense"),
    ],
)
def test_what_is_not_computed_here_is_refused(document: object, config: dict[str, Any], words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        described(document, **config)


def test_a_backbone_of_timm_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo_transformers import picture_cards

    monkeypatch.setattr(picture_cards, "find_spec", lambda name: None)
    for config in (
        {"use_timm_backbone": True},
        {"use_timm_backbone": None, "backbone_config": {"model_type": "timm_backbone"}},
    ):
        with pytest.raises(Unsupported, match="computed by timm, which is not installed"):
            described(EDGES, **config)
    assert described(EDGES)
