"""What repositories are like beside what most of them are like: files in parts, other vocabularies, other types."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from zoo_transformers.installed import classes_of
from zoo_transformers.plugin import card_for

import zoo
from zoo import Card, Example, HubSource, Unsupported, Weights, WeightsFile

TEXTS = ("where is my parcel today", "the app closes again", "please send the money back", "my parcel never came")
FILES = ("config.json", "model.safetensors", "tokenizer.json", "pytorch_model.bin")


@pytest.fixture(scope="session")
def roberta(make_model: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published classifier; tests copy it before they change it."""
    folder = tmp_path_factory.mktemp("roberta")
    make_model("roberta", "text-classification", folder)
    return folder


@pytest.fixture
def published(roberta: Path, tmp_path: Path) -> Path:
    return shutil.copytree(roberta, tmp_path / "published")


def described(config: dict[str, Any], files: tuple[str, ...] = FILES, **documents: Any) -> Card:
    weights = Weights(
        files=tuple(WeightsFile(name=name) for name in files),
        sources=(HubSource(repository="people/toy", revision="0" * 40),),
    )
    card = card_for("toy", config, weights, documents)
    assert card is not None
    return card


def change(path: Path, **entries: Any) -> None:
    """Change what a JSON document states; None leaves an entry out."""
    document = json.loads(path.read_text()) | entries
    path.write_text(json.dumps({key: value for key, value in document.items() if value is not None}))


def probabilities(model: Any, text: str = TEXTS[0]) -> dict[str, float]:
    return {score.label: score.probability for score in model.predict(text).scores}


def load(card: Card) -> Any:
    return zoo.load(card.name, device="cpu", precision="fp32")


def test_an_architecture_that_is_not_installed_is_refused_with_those_of_like_names() -> None:
    with pytest.raises(Unsupported, match=r"knows no architecture 'robertta'; of like names: .*roberta"):
        described({"model_type": "robertta", "architectures": ["RoberttaModel"]})


def test_a_name_that_leads_out_of_the_library_is_no_architecture() -> None:
    with pytest.raises(Unsupported, match="knows no architecture"):
        classes_of("../../torch/nn")


def test_a_head_that_nothing_here_answers_with_is_named() -> None:
    with pytest.raises(Unsupported, match="toy is a RobertaForMultipleChoice"):
        described({"model_type": "roberta", "architectures": ["RobertaForMultipleChoice"]})


@pytest.mark.parametrize(
    ("model_type", "saved_from", "task"),
    [
        ("gpt2", "GPT2LMHeadModel", "text-generation"),
        ("qwen2", "Qwen2ForCausalLM", "text-generation"),
        ("bert", "BertModel", "feature-extraction"),
        ("t5", "T5EncoderModel", "feature-extraction"),
    ],
)
def test_the_class_of_a_model_says_what_it_answers(model_type: str, saved_from: str, task: str) -> None:
    card = described({"model_type": model_type, "architectures": [saved_from]})
    assert card.task == task
    assert [ability.task for ability in card.abilities if ability.verb == "predict"] == [task]


def test_a_model_without_vocabulary_is_refused() -> None:
    with pytest.raises(Unsupported, match="toy has no vocabulary"):
        described(
            {"model_type": "roberta", "architectures": ["RobertaModel"]}, files=("config.json", "model.safetensors")
        )


@pytest.mark.parametrize(
    "saved_from", ["ForSequenceClassification", "ForQuestionAnswering", "ForMaskedLM", "ForCausalLM"]
)
def test_a_tokenizer_that_knows_no_places_is_refused_before_anything_is_fetched(saved_from: str) -> None:
    config = {"model_type": "roberta", "architectures": [f"Roberta{saved_from}"]}
    with pytest.raises(
        Unsupported, match="the tokenizer of toy is a BertweetTokenizer, which transformers computes in"
    ):
        described(config, **{"tokenizer_config.json": {"tokenizer_class": "BertweetTokenizer"}})
    described(config, **{"tokenizer_config.json": {"tokenizer_class": "RobertaTokenizerFast"}})


def test_a_tokenizer_that_turns_out_to_know_no_places_is_refused(tmp_path: Path) -> None:
    from transformers import CanineTokenizer
    from zoo_transformers.text import read_fast_tokenizer

    CanineTokenizer().save_pretrained(tmp_path)

    with pytest.raises(Unsupported, match="the tokenizer is a CanineTokenizer, which transformers computes in Python"):
        read_fast_tokenizer(tmp_path)


@pytest.mark.parametrize(
    ("stated", "task"),
    [
        ({"problem_type": "multi_label_classification"}, "text-multi-label-classification"),
        ({"id2label": {"0": "stars"}}, "text-regression"),
    ],
)
def test_the_configuration_says_what_a_head_is_for(stated: dict[str, Any], task: str) -> None:
    card = described({"model_type": "roberta", "architectures": ["RobertaForSequenceClassification"], **stated})
    assert card.task == task


def test_positions_that_are_counted_from_the_padding_are_fewer() -> None:
    config = {"architectures": ["RobertaModel"], "max_position_embeddings": 514, "pad_token_id": 1}
    assert described(config | {"model_type": "roberta"}).input == zoo.TextInput(max_tokens=512)
    electra = config | {"model_type": "electra", "architectures": ["ElectraModel"]}
    assert described(electra).input == zoo.TextInput(max_tokens=514)


def test_labels_without_names_are_numbered(published: Path, pull: Callable[..., Card]) -> None:
    from safetensors.torch import load_file, save_file

    change(published / "config.json", id2label=None, label2id=None, num_labels=None)
    state = load_file(published / "model.safetensors")
    state = {name: one[:2].clone() if "out_proj" in name else one for name, one in state.items()}
    save_file(state, published / "model.safetensors", metadata={"format": "pt"})
    assert set(probabilities(load(pull(published)))) == {"LABEL_0", "LABEL_1"}


def test_weights_in_shards_and_in_bfloat16_are_computed_in_float32(
    published: Path, roberta: Path, pull: Callable[..., Card]
) -> None:
    import torch
    import transformers

    network = transformers.AutoModelForSequenceClassification.from_pretrained(roberta).to(torch.bfloat16)
    (published / "model.safetensors").unlink()
    network.save_pretrained(published, max_shard_size="40KB")
    assert len(list(published.glob("*.safetensors"))) > 1
    expected = network.float().eval()
    tokens = transformers.AutoTokenizer.from_pretrained(roberta)(TEXTS[0], return_tensors="pt")
    with torch.inference_mode():
        shares = expected(**tokens).logits.softmax(-1)[0].tolist()

    answer = probabilities(load(pull(published)))

    assert [answer[label] for label in ("delivery", "refund", "app")] == pytest.approx(shares, abs=1e-5)


def test_weights_that_lack_layers_are_refused(published: Path, pull: Callable[..., Card]) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(published / "model.safetensors")
    del state["roberta.encoder.layer.1.output.dense.weight"]
    save_file(state, published / "model.safetensors", metadata={"format": "pt"})
    card = pull(published)
    with pytest.raises(zoo.StoreInvalid, match=r"do not fit the network: roberta\.encoder\.layer\.1\.output\.dense"):
        load(card)


def test_a_vocabulary_of_sentencepiece_alone_is_read(tmp_path: Path, pull: Callable[..., Card]) -> None:
    import sentencepiece
    import torch
    import transformers

    folder = tmp_path / "published"
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS * 20))
    folder.mkdir()
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "texts.txt"),
        model_prefix=str(folder / "spiece"),
        vocab_size=34,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 1, "num_heads": 4, "vocab_size": 200}
    config = transformers.T5Config(**sizes, decoder_start_token_id=0, id2label={0: "a", 1: "b", 2: "c"})
    torch.manual_seed(0)
    transformers.T5ForSequenceClassification(config).save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "T5Tokenizer", "extra_ids": 0}))
    expected = transformers.pipeline("text-classification", str(folder), top_k=None)([TEXTS[0]])[0]

    answer = probabilities(load(pull(folder)))

    assert answer == pytest.approx({one["label"]: one["score"] for one in expected}, abs=1e-5)


def test_an_architecture_that_another_plugin_knows_better_is_left_to_it(
    make_model: Callable[..., Any], tmp_path: Path, pull: Callable[..., Card]
) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "published"
    make_model("bert", "text-classification", folder)
    change(folder / "config.json", max_position_embeddings=512)
    state = load_file(folder / "model.safetensors")
    name = "bert.embeddings.position_embeddings.weight"
    state[name] = state[name][:1].repeat(512, 1)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    assert pull(folder).plugin == "bert"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "head"])
def test_other_methods_give_a_result_that_transformers_loads(
    method: str, published: Path, train: Callable[..., Path], tmp_path: Path, pull: Callable[..., Card]
) -> None:
    import torch
    import transformers
    from safetensors.torch import load_file

    card = pull(published)
    examples = [Example(text, "yn"[i % 2], i + 1) for i, text in enumerate(TEXTS)]

    result = train(card, "finetune", "text-classification", tmp_path / "run", examples, method=method)

    network, report = transformers.AutoModelForSequenceClassification.from_pretrained(result, output_loading_info=True)
    before = load_file(published / "model.safetensors")["roberta.embeddings.word_embeddings.weight"]
    assert not report["missing_keys"]
    assert network.config.id2label == {0: "n", 1: "y"}
    assert torch.equal(network.roberta.embeddings.word_embeddings.weight, before)
