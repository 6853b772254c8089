"""wav2vec 2.0 and networks like it: from random numbers and of the Hub, and results that transformers loads."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile
import torch
import transformers

import zoo
from zoo import Card, HubSource, Unsupported, Weights, WeightsFile
from zoo.tasks import get_task
from zoo.testing.samples import Samples

pytestmark = pytest.mark.timeout(600)

CPU: dict[str, Any] = {"device": "cpu", "precision": "fp32"}
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "classifier_proj_size": 24,
    "num_codevectors_per_group": 8,
    "codevector_dim": 16,
    "proj_codevector_dim": 16,
}
LETTERS = ("<s>", "</s>", "<unk>", "|", "E", "T", "A", "O", "N", "'", "<pad>")
"""In the order of the outputs; the blank is the last."""
KINDS: dict[str, dict[str, Any]] = {
    "wav2vec2": {},
    "wav2vec2 with layer norms": {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True},
    "hubert": {},
    "wavlm": {},
}


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("zoo-home")))


@pytest.fixture
def pull(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Card]]:
    """Serves a folder on the loopback interface, pulls it, and gives its card."""
    pytest.importorskip("tests.hub_server", reason="the server stands among the tests of zoo")
    from tests.hub_server import hub_server
    from zoo.catalog import Catalog
    from zoo.cli import main

    with hub_server() as server:
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HOME", os.environ["ZOO_HOME"] + "/hf")

        def pull(folder: Path) -> Card:
            files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
            server.serve_repository("people/hears", files)
            assert main(["pull", "hub:people/hears"]) == 0
            return Catalog.load().resolve("hears")

        yield pull


def publish(kind: str, auto: str, folder: Path, **more: Any) -> Any:
    """Saves a small network of random numbers as its publisher would."""
    config = transformers.AutoConfig.for_model(
        kind.partition(" ")[0], **SIZES | KINDS[kind] | {"vocab_size": len(LETTERS), "pad_token_id": 10} | more
    )
    torch.manual_seed(0)
    network = getattr(transformers, auto).from_config(config).eval()
    network.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate(LETTERS)}))
    transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask="layer" in kind).save_pretrained(folder)
    return network


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Of several lengths, one too short for a single vector."""
    folder, random = tmp_path_factory.mktemp("recordings"), np.random.default_rng(0)
    for number, seconds in enumerate((1.3, 0.4, 2.0, 0.01)):
        time = np.arange(round(seconds * 16_000)) / 16_000
        tone = 0.3 * np.sin(2 * np.pi * 300 * (number + 1) * time * (1 + time)) + random.normal(0, 0.05, len(time))
        soundfile.write(folder / f"{number}.wav", tone.astype(np.float32), 16_000, subtype="FLOAT")
    return [str(path) for path in sorted(folder.iterdir())]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")  # in the pipeline's WavLM
@pytest.mark.parametrize("kind", KINDS)
def test_a_pulled_recogniser_writes_what_the_pipeline_of_transformers_does(
    kind: str, pull: Callable[[Path], Card], recordings: list[str], tmp_path: Path
) -> None:
    network = publish(kind, "AutoModelForCTC", tmp_path / "published")
    card = pull(tmp_path / "published")
    pipeline = transformers.pipeline("automatic-speech-recognition", str(tmp_path / "published"))
    expected = [pipeline(soundfile.read(path, dtype="float32")[0])["text"].split() for path in recordings[:3]]

    answers = zoo.load(card.name, **CPU).predict(recordings)

    assert card.family == network.config.model_type
    assert [answer.text.split() for answer in answers[:3]] == expected
    assert any(expected)


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"use_weighted_layer_sum": True}], ids=["last layer", "all layers"])
def test_a_pulled_classifier_answers_as_transformers_does(
    more: dict[str, Any], pull: Callable[[Path], Card], recordings: list[str], tmp_path: Path
) -> None:
    labels = {0: "yes", 1: "no", 2: "stop"}
    network = publish("wav2vec2", "AutoModelForAudioClassification", tmp_path / "published", id2label=labels, **more)
    if more:
        network.layer_weights.data = torch.tensor([0.5, -1.0, 2.0])
        network.save_pretrained(tmp_path / "published")
    card = pull(tmp_path / "published")
    extractor = transformers.Wav2Vec2FeatureExtractor()

    answers = zoo.load(card.name, **CPU).predict(recordings)

    assert card.labels == ("yes", "no", "stop")
    for path, answer in zip(recordings[:3], answers, strict=False):
        seen = extractor(soundfile.read(path, dtype="float32")[0], sampling_rate=16_000, return_tensors="pt")
        with torch.inference_mode():
            expected = network(**seen).logits.softmax(-1)[0].tolist()
        by_label = {score.label: score.probability for score in answer.scores}
        assert [by_label[labels[i]] for i in range(3)] == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_a_pulled_network_learns_and_its_results_load_in_transformers(
    pull: Callable[[Path], Card], tmp_path: Path
) -> None:
    """Of pretraining alone, then with letters, then with those letters once more, and with labels."""
    (tmp_path / "samples").mkdir()
    samples = Samples(tmp_path / "samples")
    publish("wav2vec2", "AutoModelForPreTraining", tmp_path / "published", layerdrop=0.2, apply_spec_augment=False)
    card = pull(tmp_path / "published")
    extractor, network = (
        transformers.Wav2Vec2FeatureExtractor(),
        transformers.AutoModel.from_pretrained(tmp_path / "published"),
    )
    recording = str(next(samples.labelled(get_task("audio-classification")).rglob("*.wav")))
    sound = zoo.read_recording((soundfile.read(recording, dtype="float32")[0], 8_000), 16_000)
    (vector,) = zoo.load(card.name, **CPU).predict([recording])
    with torch.inference_mode():
        seen = extractor(sound, sampling_rate=16_000, return_tensors="pt")
        expected = network(**seen).last_hidden_state[0].mean(0).tolist()
    assert vector.vector == pytest.approx(expected, abs=1e-5)

    spoken = samples.labelled(get_task("automatic-speech-recognition"))

    heard = zoo.finetune(card.name, spoken, name="heard", max_steps=2, **CPU).wait(progress=False)
    again = zoo.finetune("heard", spoken, max_steps=1, lr=1e-9, method="lora", **CPU).wait(progress=False)
    folder = samples.labelled(get_task("audio-classification"))
    told = zoo.finetune("heard", folder, task="audio-classification", max_steps=2, **CPU).wait(progress=False)

    base = network.feature_extractor.state_dict()
    for run, auto in (
        (heard, "AutoModelForCTC"),
        (again, "AutoModelForCTC"),
        (told, "AutoModelForAudioClassification"),
    ):
        loaded, report = getattr(transformers, auto).from_pretrained(run.folder.model_folder, output_loading_info=True)
        assert not report["missing_keys"]
        assert not report["unexpected_keys"]
        state = loaded.base_model.feature_extractor.state_dict()  # it is frozen
        assert all(torch.equal(state[name], base[name]) for name in base)
        assert (loaded.config.layerdrop, loaded.config.apply_spec_augment) == (0.2, False)
    letters = [json.loads((run.folder.model_folder / "vocab.json").read_text()) for run in (heard, again)]
    assert letters[0] == letters[1]
    assert not any("the head is new" in note for note in again.snapshot.notes)
    pipeline = transformers.pipeline("automatic-speech-recognition", str(heard.folder.model_folder))
    (answer,) = zoo.load("heard", **CPU).predict([recording])
    assert answer.text.split() == pipeline(sound)["text"].split()


def described(config: dict[str, Any], *files: str, **documents: Any) -> Card | None:
    from zoo_speech.plugin import card_for

    names = ("config.json", "model.safetensors", *files)
    weights = Weights(
        files=tuple(WeightsFile(name=name) for name in names),
        sources=(HubSource(repository="people/hears", revision="0" * 40),),
    )
    return card_for("hears", config, weights, {f"{name}.json": one for name, one in documents.items()})


def test_what_cannot_be_taken_is_said() -> None:
    recogniser = {"model_type": "wav2vec2", "architectures": ["Wav2Vec2ForCTC"]}
    assert described({"model_type": "bert"}) is None
    with pytest.raises(Unsupported, match=r"lacks vocab\.json"):
        described(recogniser)
    with pytest.raises(Unsupported, match="phonemes"):
        described(recogniser, "vocab.json", tokenizer_config={"tokenizer_class": "Wav2Vec2PhonemeCTCTokenizer"})
    with pytest.raises(Unsupported, match="adapters"):
        described({**recogniser, "adapter_attn_dim": 16}, "vocab.json")
    with pytest.raises(Unsupported, match=r"Wav2Vec2ForXVector, which nothing here.*"):
        described({"model_type": "wav2vec2", "architectures": ["Wav2Vec2ForXVector"]})
    card = described(recogniser, "vocab.json", preprocessor_config={"sampling_rate": 8_000})
    assert card is not None
    assert str(card.input) == "heard at 8,000 Hz"


@pytest.mark.parametrize("name", ["wav2vec2-tiny", "wav2vec2-small"])
def test_cards_state_the_parameters(name: str) -> None:
    from zoo_speech.wav2vec2_cards import CARDS

    card = next(card for card in CARDS if card.name == name)
    with torch.device("meta"):
        network = transformers.Wav2Vec2ForCTC(transformers.Wav2Vec2Config(**card.architecture, vocab_size=29))

    assert card.parameters == sum(one.numel() for one in network.parameters())


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")
@pytest.mark.parametrize("kind", KINDS)
def test_convolutions_computed_once_say_what_they_say_in_a_batch(kind: str, tmp_path: Path) -> None:
    from zoo_speech.wav2vec2_network import ComputedConvolutions, convolved, heard, make_network, moments

    card = next(card for card in zoo.models() if card.name == "wav2vec2-tiny")
    publish(kind, "AutoModel", tmp_path)
    network = make_network(transformers.AutoModel, card, tmp_path).eval()
    config = network.config
    samples = [torch.randn(length) for length in (9_000, 4_321, 400)]
    counts = torch.tensor([moments(config, len(one)) for one in samples])
    hidden = torch.zeros(3, int(counts[0]), dtype=torch.bool)
    hidden[:, 0] = True
    pad = torch.nn.utils.rnn.pad_sequence
    with torch.inference_mode():
        lengths = torch.tensor([len(one) for one in samples])
        expected = heard(network, pad(samples, batch_first=True), lengths, hidden).last_hidden_state
        vectors = [torch.from_numpy(convolved(network.feature_extractor, config, one.numpy())) for one in samples]
        network.feature_extractor = ComputedConvolutions()
        found = heard(network, pad(vectors, batch_first=True), counts, hidden).last_hidden_state

    for row, count in enumerate(counts):
        torch.testing.assert_close(found[row, :count], expected[row, :count], atol=1e-5, rtol=1e-4)


def recognition(folder: Path, model: str, weights: Path | None = None) -> Any:
    """What learns to write `a`, as a worker builds it."""
    from zoo_speech.wav2vec2_cards import CARDS

    from zoo.testing import PluginHooks

    soundfile.write(folder / "a.wav", np.ones(4_000, np.float32), 16_000)
    card = next(msgspec.structs.replace(card, plugin="speech") for card in CARDS if card.name == model)
    task = get_task("automatic-speech-recognition")
    run = zoo.TrainingRun(
        card=card,
        task=task,
        weights=weights,
        train=(zoo.Example(str(folder / "a.wav"), "a", 1),),
        eval=(),
        labels=(),
        options=PluginHooks.options(card.ability("finetune", task.name)),
        device="cpu",
        precision="fp32",
        folder=folder,
        emit=lambda event: None,
        should_stop=lambda: False,
    )
    return PluginHooks("speech").finetune(run)


def test_evaluations_take_as_many_at_once_as_the_convolutions_leave_room_for(tmp_path: Path) -> None:
    objective = recognition(tmp_path, "wav2vec2-small")

    assert objective.evaluation_batch_size == objective.micro_batch_size == 16


def test_letters_that_are_new_to_a_body_are_learnt_for_longer(tmp_path: Path) -> None:
    """At the rate of random numbers where zoo pretrained it from these."""
    plans = {}
    for auto, more in (
        ("AutoModelForPreTraining", {}),
        ("AutoModelForPreTraining", {"freeze_feature_encoder": False}),
        ("AutoModelForCTC", {}),
    ):
        folder = tmp_path / f"{auto}{len(more)}"
        publish("wav2vec2", auto, folder, **more)
        objective = recognition(tmp_path, "wav2vec2-tiny", folder)
        plans[auto, len(more)] = (objective.auto_steps, objective.default_lr)

    assert plans == {
        ("AutoModelForPreTraining", 0): (1_000, 1e-4),
        ("AutoModelForPreTraining", 1): (1_000, 1e-3),
        ("AutoModelForCTC", 0): (160, 1e-4),
    }


def test_hidden_moments_are_spans() -> None:
    from zoo_speech.wav2vec2_network import hidden_moments

    hidden = hidden_moments(200, 0.3, 10, seed=1)
    assert torch.equal(hidden, hidden_moments(200, 0.3, 10, seed=1))
    assert not torch.equal(hidden, hidden_moments(200, 0.3, 10, seed=2))
    assert 10 <= hidden.sum() <= 60
    for count in range(1, 30):
        assert hidden_moments(count, 0.65, 10, seed=count, least=1).sum() in range(1, count + 1)
