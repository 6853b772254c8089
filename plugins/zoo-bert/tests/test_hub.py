"""BERT models of the Hub: a card is made of what their configuration says; variants not computed here are refused."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from zoo_bert.cards import ALL_MINILM_L6_V2
from zoo_bert.plugin import card_for

import zoo
from zoo import Card, HubSource, Unsupported, Weights, WeightsFile
from zoo.testing import PluginHooks

CONFIG = {
    "model_type": "bert",
    "architectures": ["BertModel"],
    "num_hidden_layers": 6,
    "hidden_size": 384,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "max_position_embeddings": 512,
}
FILES = ("README.md", "config.json", "model.safetensors", "pytorch_model.bin", "tokenizer.json", "vocab.txt")
MODULES = [
    {"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]


def described(config: dict[str, Any] | None = None, *, files: tuple[str, ...] = FILES, **documents: Any) -> Card:
    """The card of a model whose configuration differs so."""
    source = HubSource(repository="a/b", revision="0" * 40)
    weights = Weights(files=tuple(WeightsFile(name=name) for name in files), sources=(source,))
    by_path = {name.replace("__", "/") + ".json": content for name, content in documents.items()}
    card = card_for("b", {**CONFIG, **(config or {})}, weights, by_path)
    assert card is not None
    return card


def pooled(**switches: Any) -> dict[str, Any]:
    return {"modules": MODULES, "1_Pooling__config": switches}


def test_another_architecture_is_left_to_others() -> None:
    assert card_for("b", {"model_type": "gpt2"}, Weights(files=(), sources=()), {}) is None


@pytest.mark.parametrize(
    ("architecture", "task"),
    [
        ("BertModel", "feature-extraction"),
        ("BertForMaskedLM", "fill-mask"),
        ("BertForPreTraining", "fill-mask"),
        ("BertForSequenceClassification", "text-classification"),
        ("BertForTokenClassification", "token-classification"),
    ],
)
def test_the_class_it_was_saved_from_tells_the_task(architecture: str, task: str) -> None:
    card = described({"architectures": [architecture]})

    assert (card.task, card.ability("predict").task) == (task, task)
    assert card.architecture == ALL_MINILM_L6_V2.architecture


@pytest.mark.parametrize(
    ("stated", "task", "labels"),
    [
        ({"problem_type": "multi_label_classification"}, "text-multi-label-classification", ("x", "y")),
        ({"id2label": {"0": "x"}}, "text-regression", ()),
        ({"id2label": {"0": "x"}, "problem_type": "regression"}, "text-regression", ()),
    ],
)
def test_the_kind_of_the_head_tells_the_task(stated: dict[str, Any], task: str, labels: tuple[str, ...]) -> None:
    names = {"id2label": {"0": "x", "1": "y"}}
    card = described({"architectures": ["BertForSequenceClassification"], **names, **stated})

    assert (card.task, card.ability("predict").task, card.labels) == (task, task, labels)


def test_only_what_is_needed_is_taken() -> None:
    weights = described().weights

    assert weights is not None
    assert [file.name for file in weights.files] == ["model.safetensors", "config.json", "tokenizer.json", "vocab.txt"]


def test_labels_are_in_the_order_of_the_outputs() -> None:
    names = {str(i): f"label {i}" for i in reversed(range(11))}

    card = described({"architectures": ["BertForSequenceClassification"], "id2label": names})

    assert card.labels == tuple(f"label {i}" for i in range(11))


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("I-PER", "B-PER", "O", "I-LOC"), ("PER", "LOC")),
        (("O", "S-x", "B-x", "I-x", "E-x"), ("x",)),
        (("O", "noun", "verb"), ("noun", "verb")),
    ],
)
def test_labels_of_tokens_are_the_types_of_their_spans(names: tuple[str, ...], labels: tuple[str, ...]) -> None:
    stated = {str(number): name for number, name in enumerate(names)}
    card = described({"architectures": ["BertForTokenClassification"], "id2label": stated})

    assert (card.task, card.labels) == ("token-classification", labels)


@pytest.mark.parametrize(
    ("switches", "pooling"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode": "cls"}, "cls"),
    ],
)
def test_sentence_embeddings_are_pooled_as_the_publisher_says(switches: dict[str, Any], pooling: str) -> None:
    card = described(
        {"architectures": ["BertForMaskedLM"]}, **pooled(**switches), sentence_bert_config={"max_seq_length": 256}
    )

    assert (card.task, card.architecture["pooling"]) == ("feature-extraction", pooling)
    assert card.input == zoo.TextInput(max_tokens=256)


def test_a_tokenizer_without_a_limit_is_cut_at_the_positions() -> None:
    assert described(tokenizer_config={"model_max_length": 10**30}).input == zoo.TextInput(max_tokens=512)


@pytest.mark.parametrize(
    ("config", "documents", "words"),
    [
        ({"hidden_size": None}, {}, "does not state hidden_size"),
        ({}, pooled(pooling_mode_max_tokens=True), "pools its tokens by max"),
        ({}, pooled(pooling_mode_mean_tokens=True, pooling_mode_cls_token=True), "by cls, mean"),
        ({}, {"modules": MODULES}, "by nothing"),
        ({}, {"modules": [*MODULES, {"path": "2_Dense", "type": "sentence_transformers.models.Dense"}]}, "Dense"),
        (
            {"architectures": ["BertForSequenceClassification"], "problem_type": "regression"},
            {},
            r"neither chooses among labels nor says a number \(regression with 2 outputs\)",
        ),
        (
            {
                "architectures": ["BertForSequenceClassification"],
                "id2label": {"0": "x"},
                "problem_type": "single_label_classification",
            },
            {},
            r"single_label_classification with 1 output\)",
        ),
        (
            {"architectures": ["BertForSequenceClassification"], "id2label": {"a": "x", "b": "y"}},
            {},
            "numbers its labels",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(config: dict[str, Any], documents: dict[str, Any], words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        described(config, **documents)


@pytest.mark.parametrize(
    "config",
    [
        {"architectures": ["BertForQuestionAnswering"]},
        {"max_position_embeddings": 128},
        {"position_embedding_type": "relative_key"},
        {"is_decoder": True},
        {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "ENTAILMENT", "1": "NEUTRAL"}},
    ],
)
def test_what_is_not_computed_here_is_left_to_other_plugins(config: dict[str, Any]) -> None:
    assert card_for("b", CONFIG | config, Weights(files=(), sources=()), {}) is None


def test_files_that_are_missing_are_named() -> None:
    with pytest.raises(Unsupported, match=r"b lacks tokenizer\.json"):
        described(files=("config.json", "model.safetensors"))
    with pytest.raises(Unsupported, match=r"b lacks model\.safetensors"):
        described(files=("config.json", "tokenizer.json", "other.safetensors"))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("model-00001-of-00002.safetensors", "model.safetensors.index.json"), "in shards, but 1 of 2 shards"),
        (("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"), "in shards, but no index"),
    ],
)
def test_shards_that_are_not_all_there_are_told(files: tuple[str, ...], words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        described(files=("config.json", "tokenizer.json", *files))


@pytest.fixture
def pulled(minilm: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Pulls a repository from a Hub on this machine, under the name `people/sentences`."""
    pytest.importorskip("tests.hub_server", reason="the server stands among the tests of zoo")
    from tests.hub_server import hub_server
    from zoo.cli import main

    with hub_server() as server:
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HOME", os.environ["ZOO_HOME"] + "/hf")

        def pull(files: dict[str, bytes]) -> str:
            server.serve_repository("people/sentences", files)
            assert main(["pull", "hub:people/sentences"]) == 0
            return "sentences"

        yield pull


@pytest.mark.slow
def test_sentence_transformers_from_the_hub_give_the_publishers_embeddings(minilm: Path, pulled: Any) -> None:
    """The same repository as the card's, so the same vectors; with the other pooling, other ones."""
    files = {str(path.relative_to(minilm)): path.read_bytes() for path in minilm.rglob("*") if path.is_file()}
    text = "a sentence to be embedded"
    expected = zoo.load("all-minilm-l6-v2", device="cpu").predict(text)

    answer = zoo.load(pulled(files), device="cpu").predict(text)

    assert isinstance(answer, zoo.Embedding)
    assert answer == expected


def test_cls_pooling_takes_the_first_token(minilm: Path, pulled: Any) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    files = {str(path.relative_to(minilm)): path.read_bytes() for path in minilm.rglob("*") if path.is_file()}
    files["1_Pooling/config.json"] = json.dumps({"pooling_mode_cls_token": True}).encode()
    inputs = AutoTokenizer.from_pretrained(minilm)(["a sentence"], return_tensors="pt")
    with torch.inference_mode():
        first = AutoModel.from_pretrained(minilm)(**inputs).last_hidden_state[0, 0]
    expected = torch.nn.functional.normalize(first, dim=-1).tolist()

    answer = zoo.load(pulled(files), device="cpu", precision="fp32").predict("a sentence")

    assert isinstance(answer, zoo.Embedding)
    assert list(answer.vector) == pytest.approx(expected, abs=1e-5)


def test_weights_in_shards_are_those_of_one_file(
    classifier: Path, pulled: Any, tmp_path: Path, make_prediction
) -> None:
    from huggingface_hub import save_torch_state_dict
    from safetensors.torch import load_file

    save_torch_state_dict(load_file(classifier / "model.safetensors"), tmp_path, max_shard_size="500KB")
    files = {path.name: path.read_bytes() for path in (*classifier.iterdir(), *tmp_path.iterdir()) if path.is_file()}
    del files["model.safetensors"]
    assert 3 <= sum(name.endswith(".safetensors") for name in files)
    expected = (
        PluginHooks("bert").predict(make_prediction(classifier, "text-classification")).predict(["where is my parcel"])
    )

    name = pulled(files)

    assert expected == zoo.load(name, device="cpu", precision="fp32").predict(["where is my parcel"])


@pytest.mark.slow
def test_a_classifier_from_the_hub_answers_and_is_fine_tuned(classifier: Path, pulled: Any, tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in classifier.iterdir() if path.is_file()}
    name = pulled(files)
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\n" + "".join(f"good {i},yes\nbad {i},no\n" for i in range(10)))

    answer = zoo.load(name, device="cpu").predict("where is my parcel")
    run = zoo.finetune(name, rows, device="cpu", precision="fp32", max_steps=2, max_tokens=16).wait(progress=False)

    assert isinstance(answer, zoo.Classification)
    assert {score.label for score in answer.scores} == {"delivery", "refund", "app"}
    assert run.model.labels == ("no", "yes")
