"""What is learnt on feature maps is offered for the networks that give them, and plain timm does the same with it."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

timm = pytest.importorskip("timm")
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from zoo_timm.body import stages_of  # noqa: E402
from zoo_timm.cards import networks_with_maps  # noqa: E402
from zoo_timm.plugin import card_for  # noqa: E402

from zoo import (  # noqa: E402
    MASK,
    Box,
    Card,
    Detections,
    Example,
    FolderSource,
    HubSource,
    PredictionRun,
    SegmentedImage,
    TrainingRun,
    Weights,
    WeightsFile,
)
from zoo.tasks import get_task  # noqa: E402
from zoo.testing import PluginHooks  # noqa: E402

GENERATOR = Path(__file__).parents[2] / "make_timm_json.py"
BRANCHES = "test_nfnet"
"""A small network with control flow that torch.fx cannot trace."""
ON_MAPS = {"object-detection", "image-segmentation"}


def described(builder: str, **published: Any) -> Card:
    """The card of a network of the Hub."""
    source = HubSource(repository="timm/toy", revision="0" * 40)
    files = tuple(WeightsFile(name=name) for name in ("model.safetensors", "config.json"))
    config = {"architecture": builder, "num_classes": 2, "pretrained_cfg": {"input_size": [3, 96, 96], **published}}
    card = card_for("toy", config, Weights(files=files, sources=(source,)))
    assert card is not None
    return msgspec.structs.replace(card, plugin="timm", weights=None)


@pytest.mark.parametrize("builder", ["resnet18", "tiny_vit_5m_224", "mobilevit_xxs", BRANCHES])
def test_networks_with_maps_are_offered_what_is_learnt_on_them(builder: str) -> None:
    assert set(described(builder).tasks_of("finetune")) > ON_MAPS
    assert not set(described(builder, fixed_input_size=True).tasks_of("finetune")) & ON_MAPS


@pytest.mark.parametrize("builder", ["xcit_nano_12_p16_224", "vit_tiny_patch16_224", "inception_v3", "of_tomorrow"])
def test_others_are_not(builder: str) -> None:
    assert not set(described(builder).tasks_of("finetune")) & ON_MAPS
    assert "image-classification" in described(builder).tasks_of("finetune")


@pytest.mark.parametrize(
    "builder",
    ["resnet10t", "xcit_nano_12_p16_224", "mobilevit_xxs", "inception_v3", "swin_tiny_patch4_window7_224", BRANCHES],
)
def test_the_list_says_what_networks_do(builder: str) -> None:
    """On torch's meta device; all of them took ten minutes."""
    spec = importlib.util.spec_from_file_location("generator", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)

    assert generator.gives_maps(builder) == (builder in networks_with_maps())


@pytest.mark.parametrize(
    ("builder", "strides"),
    [("resnet10t", [4, 8, 16, 32]), ("convnext_femto", [4, 8, 16, 32]), ("mobilenetv4_conv_small", [4, 8, 16, 32])],
)
def test_feature_maps_have_rising_strides(builder: str, strides: list[int]) -> None:
    with torch.device("meta"):
        network = timm.create_model(builder)
        images = torch.empty(1, 3, 64, 64)
        maps = network.forward_intermediates(images, indices=stages_of(network), intermediates_only=True)
        expected = timm.create_model(builder, features_only=True)(images)[-4:]

    assert strides == [64 // one.shape[-1] for one in maps]
    assert [one.shape for one in expected] == [one.shape for one in maps]


def test_a_transformer_of_one_stride_has_no_maps() -> None:
    with torch.device("meta"):
        assert stages_of(timm.create_model("vit_tiny_patch16_224")) == []


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 90, 3), np.uint8)).save(path)
    return path


Learn = Callable[[str, str, Any], tuple[Path, Any]]


@pytest.fixture
def learn(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Learn:
    """Train a network for a step on a picture; gives the result's folder and what it says of the picture."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    hooks = PluginHooks("timm")

    def learn(builder: str, task: str, target: Any) -> tuple[Path, Any]:
        card = described(builder)
        run = TrainingRun(
            card=card,
            task=get_task(task),
            weights=None,
            train=(Example(str(picture), target, 1),) * 2,
            eval=(),
            labels=("dark", "light"),
            options=hooks.options(card.ability("finetune", task), max_steps=1, batch_size=2, image_size=96),
            device="cpu",
            precision="fp32",
            folder=tmp_path / "run",
            emit=lambda event: None,
            should_stop=lambda: False,
        )
        run.folder.mkdir()
        hooks.finetune(run).fit(run)
        folder = run.model_folder
        weights = Weights(files=(WeightsFile(name="model.safetensors"),), sources=(FolderSource(path=str(folder)),))
        chosen = {"threshold": 0.001} if task == "object-detection" else {}
        question = PredictionRun(
            card=msgspec.structs.replace(card, weights=weights),
            task=run.task,
            weights=folder,
            options=hooks.options(card.ability_of_result(task), **chosen),
            device="cpu",
            precision="fp32",
        )
        return folder, hooks.predict(question).predict([str(picture)])[0]

    return learn


def by_readme(folder: Path, picture: Path, end: str) -> dict[str, Any]:
    """What the lines in the README of a result compute before they print it; one step teaches little."""
    lines = (folder / "README.md").read_text(encoding="utf-8").split("```python\n")[1].partition("```")[0]
    lines = lines.replace("this folder", str(folder)).replace('"a.jpg"', repr(str(picture)))
    values: dict[str, Any] = {}
    exec(lines.replace("score_thresh=0.4", "score_thresh=0.001").rpartition(end)[0], values)
    return values


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["test_convnext", BRANCHES])
def test_plain_timm_finds_the_same_boxes(builder: str, learn: Learn, picture: Path) -> None:
    folder, answer = learn(builder, "object-detection", (Box(left=10, top=12, right=60, bottom=70, label="dark"),))
    expected = by_readme(folder, picture, "for box")

    assert isinstance(answer, Detections)
    boxes = expected["boxes"]
    has_area = (boxes[:, 2:] > boxes[:, :2]).all(1)
    corners = [(one.left, one.top, one.right, one.bottom) for one in answer.detections]
    assert len(corners) > 10
    torch.testing.assert_close(torch.tensor(corners), boxes[has_area], rtol=0, atol=1e-2)
    scores = [one.score for one in answer.detections]
    assert scores == pytest.approx(expected["found"]["scores"][has_area].tolist(), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["test_convnext", BRANCHES])
def test_plain_timm_gives_the_same_mask(builder: str, learn: Learn, picture: Path, tmp_path: Path) -> None:
    Image.fromarray(np.arange(80 * 90, dtype=np.uint16).reshape(80, 90) % 90 // 45 * np.uint8(255)).convert("L").save(
        tmp_path / "mask.png"
    )
    names = {"background": "dark", "foreground": "light"}
    mask = MASK.renamed(MASK.read(str(tmp_path / "mask.png"), "mask"), names)
    folder, answer = learn(builder, "image-segmentation", mask)
    expected = by_readme(folder, picture, "for index")["mask"]

    assert isinstance(answer, SegmentedImage)
    same = np.asarray(Image.open(io.BytesIO(answer.mask))) == expected.numpy()
    assert same.mean() > 0.999
