"""Classifiers of entailment: pulled from a Hub, and asked as the pipeline of transformers is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo import Card, Classification, OptionInvalid, Rejected, StoreInvalid
from zoo.cli import main

SEQ2SEQ = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "bart": SEQ2SEQ,
    "deberta-v2": {"relative_attention": True, "position_buckets": 8, "pos_att_type": ["p2c", "c2p"]},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
    "electra": {"embedding_size": 32, "type_vocab_size": 2},
    "roberta": {},
    "xlm-roberta": {},
}
"""`model_type` to what its configuration has beside the usual sizes."""
CLASSES = ("contradiction", "neutral", "entailment")
LABELS = ("my parcel", "the app", "money today")
TEXTS = ["where is my parcel today", "the app closes again", "please send the money back " * 20]
"""The last one is too long."""


@pytest.fixture
def publish(make_model: Callable[..., Any], tmp_path: Path) -> Callable[..., Path]:
    """Saves a small network of random numbers as its publisher would."""

    def publish(model_type: str, classes: tuple[str, ...] = CLASSES) -> Path:
        folder = tmp_path / "published"
        make_model(model_type, "text-classification", folder, **ARCHITECTURES[model_type])
        config = json.loads((folder / "config.json").read_text())
        config["id2label"] = dict(enumerate(classes))
        config["label2id"] = {label: index for index, label in enumerate(classes)}
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return publish


def load(card: Card, **options: Any) -> Any:
    return zoo.load(card.name, device="cpu", precision="fp32", **options)


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_labels_are_chosen_as_the_pipeline_of_transformers_does(
    model_type: str, publish: Callable[..., Path], pull: Callable[..., Card]
) -> None:
    import transformers

    published = publish(model_type)
    card = pull(published)
    assert (card.task, card.labels) == ("zero-shot-classification", ())
    pipeline = transformers.pipeline("zero-shot-classification", str(published), device="cpu")
    for labels, template in ((LABELS, ""), (LABELS, "it is about {}"), (LABELS[:1], "")):
        model = load(card, labels=", ".join(labels), template=template)
        chosen = {"hypothesis_template": template} if template else {}
        expected = pipeline(TEXTS, candidate_labels=list(labels), **chosen)
        for answer, one in zip(model.predict(TEXTS), expected, strict=True):
            assert isinstance(answer, Classification)
            assert {score.label: score.probability for score in answer.scores} == pytest.approx(
                dict(zip(one["labels"], one["scores"], strict=True)), abs=1e-5
            )
    assert [answer.truncated_at for answer in model.predict(TEXTS)] == [None, None, 64]


@pytest.mark.slow
def test_classes_of_entailment_may_come_first_and_be_two(
    publish: Callable[..., Path], pull: Callable[..., Card]
) -> None:
    import transformers

    published = publish("roberta", ("ENTAILMENT", "neutral", "CONTRADICTION"))
    expected = transformers.pipeline("zero-shot-classification", str(published))(TEXTS[0], candidate_labels=LABELS[:1])
    answer = load(pull(published), labels=LABELS[0]).predict(TEXTS[0])
    assert answer.probability == pytest.approx(expected["scores"][0], abs=1e-5)


@pytest.mark.slow
def test_what_cannot_be_asked_is_told(
    publish: Callable[..., Path], pull: Callable[..., Card], capsys: pytest.CaptureFixture[str]
) -> None:
    card = pull(publish("roberta"))
    model = load(card, labels="my parcel, the app")
    assert model.predict([" ", 7]) == [Rejected("the text is empty"), Rejected("the input is int, not text")]

    with pytest.raises(OptionInvalid, match="model chooses among labels that you name"):
        load(card)
    with pytest.raises(OptionInvalid, match="leaves no room for a text among the 64 tokens that are read"):
        load(card, labels=f"{'parcel ' * 80}, money")

    capsys.readouterr()
    assert main(["predict", card.name, "where is my parcel", "--labels", "my parcel, the app", "--device", "cpu"]) == 0
    assert "my parcel" in capsys.readouterr().out


def test_weights_that_lack_the_head_are_refused(publish: Callable[..., Path], pull: Callable[..., Card]) -> None:
    from safetensors.torch import load_file, save_file

    published = publish("roberta")
    state = load_file(published / "model.safetensors")
    del state["classifier.out_proj.weight"]
    save_file(state, published / "model.safetensors", metadata={"format": "pt"})
    card = pull(published)
    with pytest.raises(StoreInvalid, match=r"do not fit the network: classifier\.out_proj\.weight"):
        load(card, labels="my parcel, the app")
