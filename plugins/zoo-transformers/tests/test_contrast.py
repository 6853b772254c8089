"""CLIP: pulled from a Hub, and asked with labels that a person names, as transformers' pipeline is."""

from __future__ import annotations

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
from zoo import Card, Classification, HubSource, OptionInvalid, Rejected, Unsupported, Weights, WeightsFile
from zoo.cli import main

TOWER = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "clip": {
        "text_config": {**TOWER, "vocab_size": 90, "max_position_embeddings": 16, "eos_token_id": 3, "bos_token_id": 2},
        "vision_config": {**TOWER, "image_size": 32, "patch_size": 8},
        "projection_dim": 24,
    },
}
"""`model_type` to the sizes of a small one."""
PROCESSOR = {
    "image_processor_type": "CLIPImageProcessor",
    "size": {"shortest_edge": 32},
    "crop_size": {"height": 32, "width": 32},
    "resample": 3,
}
LABELS = ("my parcel", "the app", "money today")


@pytest.fixture
def publish(save_tokenizer: Callable[[Path], None], tmp_path: Path) -> Callable[[str], Path]:
    """Saves a small network of random numbers as its publisher would."""

    def publish(model_type: str) -> Path:
        import torch
        import transformers

        config = transformers.AutoConfig.for_model(model_type, **ARCHITECTURES[model_type])
        torch.manual_seed(0)
        transformers.AutoModel.from_config(config).save_pretrained(tmp_path / "published")
        (tmp_path / "published" / FILE).write_text(json.dumps(PROCESSOR))
        save_tokenizer(tmp_path / "published")
        return tmp_path / "published"

    return publish


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """A wide one and a high one."""
    for number, size in enumerate(((50, 40), (33, 70))):
        noise = np.random.default_rng(number).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
    return [str(tmp_path / f"{number}.png") for number in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_labels_are_chosen_as_the_pipeline_of_transformers_does(
    model_type: str,
    publish: Callable[[str], Path],
    pull: Callable[..., Card],
    pictures: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    import transformers

    published = publish(model_type)
    card = pull(published)
    assert (card.task, card.labels) == ("zero-shot-image-classification", ())
    pipeline = transformers.pipeline("zero-shot-image-classification", str(published), device="cpu")
    for template in ("", "a photo of {}"):
        model = zoo.load(card.name, device="cpu", precision="fp32", labels=", ".join(LABELS), template=template)
        chosen = {"hypothesis_template": template} if template else {}
        expected = pipeline(pictures, candidate_labels=list(LABELS), **chosen)
        for answer, one in zip(model.predict(pictures), expected, strict=True):
            assert isinstance(answer, Classification)
            assert [score.label for score in answer.scores] == [pair["label"] for pair in one]
            probabilities = [score.probability for score in answer.scores]
            assert probabilities == pytest.approx([pair["score"] for pair in one], abs=1e-5)

    Image.new("RGB", (2, 3000)).save(tmp_path / "strip.png")
    rejected = model.predict(str(tmp_path / "strip.png"))
    assert rejected == Rejected("it is too narrow for the network: 2 x 3000 pixels, which it would see as 32 x 48000")

    with pytest.raises(OptionInvalid, match="model chooses among labels that you name"):
        zoo.load(card.name, device="cpu", precision="fp32")
    with pytest.raises(OptionInvalid, match="has more than the 16 tokens that the model reads"):
        zoo.load(card.name, device="cpu", precision="fp32", labels=f"{'parcel ' * 20}, money")
    capsys.readouterr()
    assert main(["predict", card.name, pictures[0], "--labels", "my parcel, the app", "--device", "cpu"]) == 0
    assert "my parcel" in capsys.readouterr().out


def test_other_networks_of_pictures_and_texts_are_refused() -> None:
    weights = Weights(
        files=tuple(WeightsFile(name=name) for name in ("config.json", "model.safetensors", FILE, "tokenizer.json")),
        sources=(HubSource(repository="people/toy", revision="0" * 40),),
    )
    config = {"model_type": "siglip", "architectures": ["SiglipModel"], "vision_config": {}, "text_config": {}}
    with pytest.raises(Unsupported, match="toy is a SiglipModel, which sets pictures beside texts"):
        card_for("toy", config, weights, {FILE: PROCESSOR})
    config |= {"model_type": "clip", "architectures": ["CLIPModel"]}
    card = card_for("toy", config, weights, {FILE: PROCESSOR})
    assert card is not None
    assert [one.name for one in card.weights.files] == ["model.safetensors", "config.json", FILE, "tokenizer.json"]
    without = Weights(files=weights.files[:-1], sources=weights.sources)
    with pytest.raises(Unsupported, match="toy has no vocabulary"):
        card_for("toy", config, without, {FILE: PROCESSOR})
