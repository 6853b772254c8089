"""Models that summarise and translate: pulled from a Hub, and asked; texts are those of transformers' own generate."""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from zoo_transformers.plugin import card_for

import zoo
from zoo import Card, GeneratedText, HubSource, OptionInvalid, Rejected, Unsupported, Weights, WeightsFile
from zoo.cli import main

TEXTS = [
    "where is my parcel today",
    "the app closes again and again, please send the money back",
    "my parcel never came",
]
LONG = "please send the money back " * 30
SIZES = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": 80,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
    "forced_eos_token_id": 3,
    "decoder_start_token_id": 2,
    "vocab_size": 160,
}
T5 = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 1, "num_heads": 4, "vocab_size": 160, "eos_token_id": 3}
T5 |= {"decoder_start_token_id": 0, "pad_token_id": 0}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "bart": SIZES,
    "blenderbot": SIZES,
    "m2m_100": {**SIZES, "decoder_start_token_id": 3},
    "marian": SIZES,
    "mbart": {
        **SIZES,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 4,
        "forced_eos_token_id": 4,
        "decoder_start_token_id": 4,
    },
    "mt5": T5,
    "pegasus": SIZES,
    "t5": T5,
}
"""`model_type` to what its configuration states."""
TARGETS = {"m2m_100": "de", "mbart": "de_DE"}
"""Languages of the models that have to be told."""


@pytest.fixture(scope="session")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vocabulary of sentencepiece."""
    import sentencepiece

    folder = tmp_path_factory.mktemp("pieces")
    (folder / "texts.txt").write_text("\n".join([*TEXTS, LONG] * 10))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "texts.txt"),
        model_prefix=str(folder / "all"),
        vocab_size=36,
        pad_id=0,
        unk_id=1,
        bos_id=2,
        eos_id=3,
        minloglevel=2,
    )
    return folder / "all.model"


@pytest.fixture
def publish(
    save_tokenizer: Callable[[Path], None], pieces: Path, tmp_path: Path
) -> Callable[..., tuple[Path, Any, Any]]:
    """Saves a small network of random numbers as its publisher would; with it and its tokenizer."""

    def publish(model_type: str, **stated: Any) -> tuple[Path, Any, Any]:
        import torch
        import transformers

        config = transformers.AutoConfig.for_model(model_type, **ARCHITECTURES[model_type])
        torch.manual_seed(1)
        network = transformers.AutoModelForSeq2SeqLM.from_config(config).eval()
        folder = tmp_path / "published"
        folder.mkdir()
        VOCABULARIES.get(model_type, lambda folder, _: save_tokenizer(folder))(folder, pieces)
        network.save_pretrained(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Marian's advises a package
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        begin = getattr(tokenizer, "lang_code_to_id", {}).get(TARGETS.get(model_type))
        unsaid = {*tokenizer.all_special_ids, *range(36, network.config.vocab_size)} - {config.eos_token_id, begin}
        various = {"suppress_tokens": sorted(unsaid), "min_new_tokens": 4, "no_repeat_ngram_size": 1}
        network.generation_config.update(**{**various, **stated})
        network.generation_config.save_pretrained(folder)
        return folder, network, tokenizer

    return publish


def save_marian(folder: Path, pieces: Path) -> None:
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(pieces.read_bytes())
    save_vocabulary(folder, pieces)
    stated = {"tokenizer_class": "MarianTokenizer", "source_lang": "en", "target_lang": "de", "model_max_length": 64}
    (folder / "tokenizer_config.json").write_text(json.dumps(stated))


def save_m2m(folder: Path, pieces: Path) -> None:
    (folder / "sentencepiece.bpe.model").write_bytes(pieces.read_bytes())
    save_vocabulary(folder, pieces)
    stated = {"tokenizer_class": "M2M100Tokenizer", "src_lang": "en", "tgt_lang": "de", "model_max_length": 64}
    (folder / "tokenizer_config.json").write_text(json.dumps(stated))


def save_mbart(folder: Path, pieces: Path) -> None:
    (folder / "sentencepiece.bpe.model").write_bytes(pieces.read_bytes())
    stated = {"tokenizer_class": "MBart50Tokenizer", "src_lang": "en_XX", "tgt_lang": "de_DE", "model_max_length": 64}
    (folder / "tokenizer_config.json").write_text(json.dumps(stated))


def save_vocabulary(folder: Path, pieces: Path) -> None:
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(str(pieces))
    (folder / "vocab.json").write_text(json.dumps({model.id_to_piece(i): i for i in range(len(model))}))


VOCABULARIES = {"marian": save_marian, "m2m_100": save_m2m, "mbart": save_mbart}
"""What a model's texts are made into tokens by, where that is no tokenizer.json."""


def load(card: Card, **options: Any) -> Any:
    return zoo.load(card.name, device="cpu", precision="fp32", **options)


def generated(network: Any, tokenizer: Any, text: str, **options: Any) -> str:
    import torch

    with torch.inference_mode():
        row = network.generate(**tokenizer(text, return_tensors="pt"), **options)[0]
    return str(tokenizer.decode(row, skip_special_tokens=True))


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_texts_are_those_of_transformers_generate(
    model_type: str, publish: Callable[..., tuple[Path, Any, Any]], pull: Callable[..., Card]
) -> None:
    folder, network, tokenizer = publish(model_type)
    card = pull(folder)
    assert (card.plugin, card.task) == ("transformers", "text2text-generation")
    target = TARGETS.get(model_type, "")
    begin = {}
    if target:
        token = f"__{target}__" if model_type == "m2m_100" else target
        begin = {"forced_bos_token_id": tokenizer.convert_tokens_to_ids(token)}
    for beams in (1, 3):
        model = load(card, max_tokens=10, beams=beams, target_language=target)
        answers = model.predict(TEXTS)
        expected = [generated(network, tokenizer, text, max_new_tokens=10, num_beams=beams, **begin) for text in TEXTS]
        assert all(isinstance(answer, GeneratedText) for answer in answers)
        assert [answer.text for answer in answers] == expected
        assert all(expected)
        assert "".join(model.stream(TEXTS[0])) == expected[0]


@pytest.mark.slow
def test_what_the_model_states_is_respected_and_a_person_may_choose_otherwise(
    publish: Callable[..., tuple[Path, Any, Any]], pull: Callable[..., Card], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, network, tokenizer = publish("bart", num_beams=2, max_length=9, no_repeat_ngram_size=2)
    card = pull(folder)
    model = load(card)
    text = generated(network, tokenizer, TEXTS[0])
    assert model.predict(TEXTS[0]).text == text
    assert load(card, beams=1).predict(TEXTS[0]).text == generated(network, tokenizer, TEXTS[0], num_beams=1)

    assert model.predict(["", 7]) == [Rejected("the text is empty"), Rejected("the input is int, not text")]
    assert model.predict(LONG).truncated_at == 64
    with pytest.raises(OptionInvalid, match="--top-p has no effect: model takes the most likely token"):
        load(card, top_p=0.5)
    with pytest.raises(OptionInvalid, match="--target-language has no effect: model is not told of languages"):
        load(card, target_language="de")

    drawing = load(card, temperature=3.0, beams=1, seed=3)
    alone = [drawing.predict(one) for one in TEXTS]
    assert drawing.predict(TEXTS) == alone
    assert load(card, temperature=3.0, beams=1, seed=4).predict(TEXTS) != alone

    whole = load(card, max_tokens=30, beams=1).predict(TEXTS[0]).text
    word = whole.split()[-1]
    stopped = load(card, max_tokens=30, beams=1, stop=word).predict(TEXTS[0])
    assert (stopped.finish, stopped.text) == ("stop", whole[: whole.find(word)])

    capsys.readouterr()
    assert main(["predict", card.name, TEXTS[0], "--device", "cpu", "--precision", "fp32"]) == 0
    assert " ".join(text.split()) in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
def test_translators_of_many_languages_are_told_which(
    publish: Callable[..., tuple[Path, Any, Any]], pull: Callable[..., Card]
) -> None:
    folder, network, tokenizer = publish("m2m_100")
    card = pull(folder)
    with pytest.raises(OptionInvalid, match="model translates into 100 languages"):
        load(card)
    with pytest.raises(OptionInvalid, match="model knows no language 'xx'"):
        load(card, target_language="xx")
    tokenizer.src_lang = "fr"
    begin = {"forced_bos_token_id": tokenizer.convert_tokens_to_ids("__de__")}
    expected = generated(network, tokenizer, TEXTS[0], max_new_tokens=10, **begin)
    model = load(card, source_language="fr", target_language="de", max_tokens=10)
    assert model.predict(TEXTS[0]).text == expected


@pytest.mark.slow
def test_a_reader_may_stop_before_the_end(
    publish: Callable[..., tuple[Path, Any, Any]], pull: Callable[..., Card]
) -> None:
    folder, _, _ = publish("t5", no_repeat_ngram_size=0)
    stream = load(pull(folder), max_tokens=2000).predictor.stream(TEXTS[0])
    assert next(stream)
    stream.close()
    assert "zoo-write" not in {thread.name for thread in threading.enumerate()}


def test_models_that_hear_or_see_are_no_such_models() -> None:
    weights = Weights(
        files=tuple(WeightsFile(name=name) for name in ("config.json", "model.safetensors", "tokenizer.json")),
        sources=(HubSource(repository="people/toy", revision="0" * 40),),
    )
    config = {"model_type": "blip", "architectures": ["BlipForConditionalGeneration"]}
    with pytest.raises(Unsupported, match="toy is a BlipForConditionalGeneration, which nothing here answers with"):
        card_for("toy", config, weights, {})
    config = {"model_type": "marian", "architectures": ["MarianMTModel"]}
    card = card_for("toy", config, weights, {})
    assert card is not None
    assert card.task == "text2text-generation"
