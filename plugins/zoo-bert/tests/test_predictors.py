"""Predictions are those of transformers, in order, whatever the batches."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer, pipeline

from zoo import Classification, Embedding, FilledMask, Prediction, Predictor, Rejected, StoreInvalid, Task, Unsupported
from zoo.testing import PluginHooks
from zoo.training.text.tokenizer_files import load_tokenizer
from zoo.training.text.vocabulary import SPECIAL

load = PluginHooks("bert").predict

TEXTS = [
    "my parcel never came",
    "money back please " * 12,
    "the app",
    "Where are the shoes?! " * 40,
    "lamp",
    "my parcel never came",
]
Tensors = dict[str, torch.Tensor]


def copied(
    folder: Path, target: Path, change: Callable[[Tensors], Tensors | None] = lambda tensors: None, **config: object
) -> Path:
    """A model with other tensors, or another configuration."""
    shutil.copytree(folder, target)
    stated = json.loads((target / "config.json").read_text()) | config
    (target / "config.json").write_text(json.dumps(stated))
    tensors = load_file(target / "model.safetensors")
    save_file(change(tensors) or tensors, target / "model.safetensors", metadata={"format": "pt"})
    return target


def without(tensors: Tensors, name: str) -> Tensors:
    """All but one."""
    return {other: tensor for other, tensor in tensors.items() if other != name}


def probabilities(predictor: Predictor, texts: list[str]) -> list[dict[str, float]]:
    """Of each text, by label."""
    answers = predictor.predict(texts)
    assert all(isinstance(answer, Classification) for answer in answers)
    return [{s.label: s.probability for s in answer.scores} for answer in answers if isinstance(answer, Classification)]


def test_labels_and_probabilities_are_those_of_the_pipeline(classifier: Path, make_prediction) -> None:
    theirs = pipeline("text-classification", model=str(classifier), top_k=None, device="cpu")
    answers = load(make_prediction(classifier, "text-classification")).predict(TEXTS)
    for answer, expected in zip(answers, theirs(TEXTS, truncation=True), strict=True):
        assert isinstance(answer, Classification)
        assert [row["label"] for row in expected] == [score.label for score in answer.scores]
        assert [row["score"] for row in expected] == pytest.approx([s.probability for s in answer.scores], abs=1e-5)


def test_answers_do_not_depend_on_the_batches(classifier: Path, make_prediction) -> None:
    one_by_one = load(make_prediction(classifier, "text-classification", batch_tokens=64)).predict(TEXTS * 3)
    at_once = load(make_prediction(classifier, "text-classification", batch_tokens=100_000)).predict(TEXTS * 3)
    for a, b in zip(one_by_one, at_once, strict=True):
        assert isinstance(a, Classification)
        assert isinstance(b, Classification)
        assert a.label == b.label
        assert a.probability == pytest.approx(b.probability, abs=1e-5)


def test_what_cannot_be_answered_is_rejected_in_its_place(classifier: Path, make_prediction) -> None:
    inputs = ["my parcel", None, " \n", 7, "bad \udcff byte", "the app", b"bytes"]
    answers = load(make_prediction(classifier, "text-classification")).predict(inputs)
    assert [
        None,
        "the input is NoneType, not text",
        "the text is empty",
        "the input is int, not text",
        "the text holds bytes that are not UTF-8",
        None,
        "the input is bytes, not text",
    ] == [answer.reason if isinstance(answer, Rejected) else None for answer in answers]


@pytest.mark.parametrize("task", ["text-classification", "fill-mask", "feature-extraction"])
def test_nothing_in_is_nothing_out(task: str, classifier: Path, language_model: Path, make_prediction) -> None:
    predictor = load(make_prediction(language_model if task == "fill-mask" else classifier, task))
    assert [] == predictor.predict([])
    assert [Rejected("the text is empty")] == predictor.predict([""])


def test_top_k_labels_are_the_first_of_all(classifier: Path, make_prediction) -> None:
    (every,) = load(make_prediction(classifier, "text-classification")).predict(TEXTS[:1])
    (two,) = load(make_prediction(classifier, "text-classification", top_k=2)).predict(TEXTS[:1])
    (ten,) = load(make_prediction(classifier, "text-classification", top_k=10)).predict(TEXTS[:1])
    assert isinstance(every, Classification)
    assert 1.0 == pytest.approx(sum(score.probability for score in every.scores), abs=1e-6)
    assert Classification(every.scores[:2]) == two
    assert every == ten


def truncated_at(answer: Prediction) -> int | None:
    return None if isinstance(answer, Rejected) else answer.truncated_at


def test_longer_texts_are_cut_where_the_model_was_trained_to_or_sooner(classifier: Path, make_prediction) -> None:
    long = "my parcel never came " * 200
    as_trained = load(make_prediction(classifier, "text-classification"))
    shorter = load(make_prediction(classifier, "text-classification", max_tokens=16))
    assert as_trained.predict([long]) == as_trained.predict([long + "the app " * 100])
    assert [None, 128, None] == [truncated_at(answer) for answer in as_trained.predict(["lamp", long, ""])]
    assert 16 == truncated_at(shorter.predict([long])[0])
    assert as_trained.predict([long]) != shorter.predict([long])


def test_bf16_gives_nearly_the_same(classifier: Path, make_prediction) -> None:
    exact = load(make_prediction(classifier, "text-classification")).predict(TEXTS)
    predictor = load(make_prediction(classifier, "text-classification", precision="bf16"))
    rounded = predictor.predict(TEXTS)
    assert exact != rounded
    for a, b in zip(exact, rounded, strict=True):
        assert isinstance(a, Classification)
        assert isinstance(b, Classification)
        assert {s.label: s.probability for s in a.scores} == pytest.approx(
            {s.label: s.probability for s in b.scores}, abs=0.1
        )


def test_fillings_are_those_of_the_pipeline(language_model: Path, make_prediction) -> None:
    texts = ["My parcel [MASK] late", "the [MASK] closes"]
    theirs = pipeline("fill-mask", model=str(language_model), device="cpu")
    answers = load(make_prediction(language_model, "fill-mask")).predict(texts)
    for text, answer, expected in zip(texts, answers, theirs(texts), strict=True):
        assert isinstance(answer, FilledMask)
        assert [row["token_str"] for row in expected] == [score.label for score in answer.scores]
        assert [row["score"] for row in expected] == pytest.approx([s.probability for s in answer.scores], abs=1e-5)
        best = answer.scores[0].label
        assert answer.text in (text.replace("[MASK]", best), text.replace(" [MASK]", best.removeprefix("##")))


def test_a_filling_that_continues_a_word_is_joined_to_it(language_model: Path, make_prediction, tmp_path: Path) -> None:
    vocabulary = load_tokenizer(language_model, SPECIAL).get_vocab()
    ending = next(piece for piece in vocabulary if piece.startswith("##"))

    def favour(tensors: Tensors) -> None:
        tensors["cls.predictions.bias"][vocabulary[ending]] = 1000.0

    folder = copied(language_model, tmp_path / "copy", favour)
    (answer,) = load(make_prediction(folder, "fill-mask")).predict(["My Parcel [MASK], late"])
    assert isinstance(answer, FilledMask)
    assert f"My Parcel{ending[2:]}, late" == answer.text


def test_a_text_needs_exactly_one_mask_within_reach(language_model: Path, make_prediction) -> None:
    answers = load(make_prediction(language_model, "fill-mask", max_tokens=16)).predict(
        ["none", "[MASK] and [MASK]", "so " * 40 + "[MASK]", "my [MASK]"]
    )
    assert [
        "the text has 0 times [MASK]; it needs exactly one",
        "the text has 2 times [MASK]; it needs exactly one",
        "[MASK] stands beyond the first 16 tokens",
    ] == [answer.reason for answer in answers if isinstance(answer, Rejected)]
    assert isinstance(answers[3], FilledMask)
    assert 5 == len(answers[3].scores)


def test_embeddings_of_minilm_are_what_its_publisher_documents(minilm: Path, make_prediction) -> None:
    answers = load(make_prediction(minilm, "feature-extraction", name="all-minilm-l6-v2")).predict(TEXTS)
    tokenizer, model = AutoTokenizer.from_pretrained(minilm), AutoModel.from_pretrained(minilm).eval()
    inputs = tokenizer(TEXTS, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1).float()
    expected = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9))
    vectors = [answer.vector for answer in answers if isinstance(answer, Embedding)]
    torch.testing.assert_close(expected, torch.tensor(vectors), atol=1e-5, rtol=0)


def test_minilm_reads_as_many_tokens_as_its_publisher_advises(minilm: Path, make_prediction) -> None:
    predictor = load(make_prediction(minilm, "feature-extraction", name="all-minilm-l6-v2"))
    texts = ["word " * 254, "word " * 254 + "unread", "word " * 200]
    read, cut, short = predictor.predict(texts)
    assert isinstance(read, Embedding)
    assert isinstance(cut, Embedding)
    assert isinstance(short, Embedding)
    assert read.vector == cut.vector
    assert read.vector != short.vector
    assert (None, 256, None) == (read.truncated_at, cut.truncated_at, short.truncated_at)


def test_a_head_that_is_missing_is_not_made_up(minilm: Path, make_prediction) -> None:
    with pytest.raises(Unsupported, match=r"all-minilm-l6-v2 has no head for text-classification"):
        load(make_prediction(minilm, "text-classification", name="all-minilm-l6-v2"))


def test_a_layer_of_the_head_that_is_missing_is_not_made_up(classifier: Path, make_prediction, tmp_path: Path) -> None:
    for layer in ("classifier", "bert.pooler.dense"):
        folder = copied(classifier, tmp_path / layer, lambda tensors, layer=layer: without(tensors, f"{layer}.weight"))
        with pytest.raises(StoreInvalid, match=rf"lacks the tensor {re.escape(layer)}\.weight"):
            load(make_prediction(folder, "text-classification"))


def test_embeddings_do_not_need_a_pooler(language_model: Path, make_prediction) -> None:
    (answer,) = load(make_prediction(language_model, "feature-extraction")).predict(["my parcel"])
    assert isinstance(answer, Embedding)
    assert 128 == len(answer.vector)


def test_a_task_that_is_not_offered_is_refused(classifier: Path, make_prediction) -> None:
    import msgspec

    run = make_prediction(classifier, "text-classification")
    other: Task = msgspec.structs.replace(run.task, name="translation", objective="")
    from dataclasses import replace

    with pytest.raises(Unsupported, match="translation has no objective"):
        load(replace(run, task=other))


def test_loading_says_nothing(classifier: Path, make_prediction, capfd: pytest.CaptureFixture[str]) -> None:
    load(make_prediction(classifier, "feature-extraction")).predict(["my parcel"])
    assert ("", "") == capfd.readouterr()


@pytest.mark.slow
def test_answering_does_not_wait_for_transformers() -> None:
    code = "import sys, zoo_bert.body; print('transformers' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" == process.stdout.strip()


def test_texts_so_long_that_attention_is_fused_are_answered_the_same(
    classifier: Path, make_prediction, tmp_path: Path
) -> None:
    folder = copied(classifier, tmp_path / "copy")
    stated = json.loads((folder / "tokenizer_config.json").read_text()) | {"model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(stated))
    texts = ["my parcel never came " * 100, "money back " * 150, "the app"]
    theirs = pipeline("text-classification", model=str(folder), top_k=None, device="cpu")
    ours = probabilities(load(make_prediction(folder, "text-classification")), texts)
    for rows, answer in zip(theirs(texts, truncation=True), ours, strict=True):
        assert {row["label"]: row["score"] for row in rows} == pytest.approx(answer, abs=1e-5)


def test_int8_gives_nearly_the_same(classifier: Path, make_prediction) -> None:
    exact = probabilities(load(make_prediction(classifier, "text-classification")), TEXTS)
    coarse = probabilities(load(make_prediction(classifier, "text-classification", precision="int8")), TEXTS)
    assert exact != coarse
    for a, b in zip(exact, coarse, strict=True):
        assert a == pytest.approx(b, abs=0.05)


def test_int8_embeddings_point_the_same_way(minilm: Path, make_prediction) -> None:
    vectors = []
    for precision in ("fp32", "int8"):
        answers = load(make_prediction(minilm, "feature-extraction", "all-minilm-l6-v2", precision)).predict(TEXTS)
        vectors.append(torch.tensor([answer.vector for answer in answers if isinstance(answer, Embedding)]))
    exact, coarse = vectors
    assert (exact * coarse).sum(-1).min() > 0.98


def earlier(tensors: Tensors) -> Tensors:
    """As a checkpoint converted from TensorFlow names them."""
    names = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    renamed = {}
    for name, tensor in tensors.items():
        ending = next((ending for ending in names if name.endswith(ending)), "")
        renamed[name.removesuffix(ending) + names.get(ending, "")] = tensor
    return renamed


def halved(tensors: Tensors) -> Tensors:
    """In 16 bits."""
    return {name: tensor.half() for name, tensor in tensors.items()}


@pytest.mark.parametrize(("change", "tolerance"), [(earlier, 0), (halved, 0.01)])
def test_weights_may_be_stored_in_other_ways(
    change: Callable[[Tensors], Tensors], tolerance: float, classifier: Path, make_prediction, tmp_path: Path
) -> None:
    folder = copied(classifier, tmp_path / "copy", change)
    expected = probabilities(load(make_prediction(classifier, "text-classification")), TEXTS)
    for a, b in zip(expected, probabilities(load(make_prediction(folder, "text-classification")), TEXTS), strict=True):
        assert a == pytest.approx(b, abs=tolerance)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-5), ("int8", 0.05)])
@pytest.mark.parametrize("activation", ["gelu_new", "relu"])
def test_other_activations_are_those_of_the_pipeline(
    activation: str, precision: str, tolerance: float, classifier: Path, make_prediction, tmp_path: Path
) -> None:
    folder = copied(classifier, tmp_path / "copy", hidden_act=activation)
    theirs = pipeline("text-classification", model=str(folder), top_k=None, device="cpu")
    ours = probabilities(load(make_prediction(folder, "text-classification", precision=precision)), TEXTS)
    for rows, answer in zip(theirs(TEXTS, truncation=True), ours, strict=True):
        assert {row["label"]: row["score"] for row in rows} == pytest.approx(answer, abs=tolerance)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-5), ("bf16", 0.05)])
def test_processors_that_onednn_is_not_faster_on_answer_the_same(
    precision: str, tolerance: float, classifier: Path, make_prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_prediction(classifier, "text-classification", precision=precision)
    expected = probabilities(load(run), TEXTS)
    monkeypatch.setattr("zoo.training.packed_linear.onednn_is_faster", lambda tensor: False)
    for a, b in zip(expected, probabilities(load(run), TEXTS), strict=True):
        assert a == pytest.approx(b, abs=tolerance)


def test_an_activation_that_is_not_known_is_refused(classifier: Path, make_prediction, tmp_path: Path) -> None:
    folder = copied(classifier, tmp_path / "copy", hidden_act="mish")
    with pytest.raises(Unsupported, match="uses 'mish' as activation"):
        load(make_prediction(folder, "text-classification"))


def test_weights_of_another_shape_than_stated_are_refused(classifier: Path, make_prediction, tmp_path: Path) -> None:
    folder = copied(classifier, tmp_path / "copy", intermediate_size=256)
    with pytest.raises(StoreInvalid, match=r"is of shape \(512, 128\), but config\.json makes it \(256, 128\)"):
        load(make_prediction(folder, "text-classification"))


@pytest.mark.parametrize("content", [b"", b"nothing of that kind"])
def test_a_file_that_holds_no_tensors_is_named(
    content: bytes, classifier: Path, make_prediction, tmp_path: Path
) -> None:
    folder = copied(classifier, tmp_path / "copy")
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(StoreInvalid, match=r"model\.safetensors cannot be read"):
        load(make_prediction(folder, "text-classification"))
