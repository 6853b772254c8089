"""Pretraining on recordings alone: the loss is that of transformers, and a run goes on to the same bits."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile
import torch
import transformers
from safetensors.torch import load_file
from zoo_speech.wav2vec2_cards import CARDS
from zoo_speech.wav2vec2_network import PaddedGroupNorm, hidden_moments
from zoo_speech.wav2vec2_pretraining import DISTRACTORS, MaskedSpeech, QuantisingNetwork, distractors

import zoo
from zoo.runs.events import CheckpointSaved
from zoo.tasks import get_task

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CPU: dict[str, Any] = {"device": "cpu", "precision": "fp32"}
FEATURES = "audio-feature-extraction"
QUICK: dict[str, Any] = CPU | {"max_steps": 6, "batch_size": 4, "eval_share": 0.2}


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("zoo-home")))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of recordings of several lengths, without anything said of them."""
    folder, random = tmp_path_factory.mktemp("recordings"), np.random.default_rng(0)
    for number in range(20):
        time = np.arange(int(random.uniform(0.2, 0.5) * 16_000)) / 16_000
        tone = 0.3 * np.sin(2 * np.pi * 200 * (number % 5 + 1) * time * (1 + time))
        noise = random.normal(0, 0.02, len(time))
        soundfile.write(folder / f"{number}.wav", (tone + noise).astype(np.float32), 16_000)
    return folder


def test_the_loss_is_that_of_transformers() -> None:
    """Of equations 2 to 4 of Baevski et al. 2020, on recordings of one length; a norm over time sees no padding."""
    torch.manual_seed(0)
    network = transformers.Wav2Vec2ForPreTraining(
        transformers.Wav2Vec2Config(**CARDS[0].architecture, feat_extract_norm="layer")
    ).eval()
    seen, lengths = torch.randn(3, 9_000), torch.full((3,), 9_000)
    hidden = torch.stack([hidden_moments(27, 0.65, 10, seed, least=2) for seed in range(3)])
    others = [distractors(int(one.sum()), 20, seed) for seed, one in enumerate(hidden)]
    global_numbers = torch.zeros(3, 27, 20, dtype=torch.long)
    for row in range(3):
        positions = hidden[row].nonzero()[:, 0]
        global_numbers[row][hidden[row]] = positions[others[row]] + 27 * row
    objective = MaskedSpeech.__new__(MaskedSpeech)
    objective._config = network.config
    batch = {
        "seen": seen,
        "lengths": lengths,
        "hidden": hidden,
        DISTRACTORS: torch.nn.utils.rnn.pad_sequence(others, batch_first=True),
    }

    with torch.inference_mode():
        output = objective.losses(QuantisingNetwork(network).eval(), batch)
        expected = network(seen, mask_time_indices=hidden, sampled_negative_indices=global_numbers)

        diversity = _diversity(network, seen, hidden)

    assert output.weights is not None
    contrast = (output.losses * output.weights).sum() - diversity * hidden.sum()
    assert float(contrast) == pytest.approx(float(expected.contrastive_loss), rel=1e-4)


def _diversity(network: Any, seen: torch.Tensor, hidden: torch.Tensor) -> float:
    """Equation 4, with the probabilities of all hidden moments; transformers counts choices in an evaluation."""
    features = network.wav2vec2(seen, mask_time_indices=hidden).extract_features[hidden]
    shares = network.quantizer.weight_proj(features).view(len(features), 2, -1).softmax(-1).mean(0)
    used = float((-(shares * shares.log()).sum(-1)).exp().sum())
    return float(network.config.diversity_loss_weight * (1 - used / shares.numel()))


def test_a_norm_over_time_sees_no_padding() -> None:
    torch.manual_seed(0)
    norm, peer = PaddedGroupNorm(6, 6), torch.nn.GroupNorm(6, 6)
    x = torch.randn(2, 6, 40)
    norm.lengths = torch.tensor([40, 25])
    x[1, :, 25:] = 7.0

    normalised = norm(x)

    torch.testing.assert_close(normalised[0], peer(x[:1])[0])
    torch.testing.assert_close(normalised[1, :, :25], peer(x[1:, :, :25])[0])


def test_no_moment_is_told_from_itself() -> None:
    for moments in (2, 3, 17):
        drawn = distractors(moments, 50, seed=moments)
        assert drawn.shape == (moments, 50)
        assert all(moment not in row for moment, row in enumerate(drawn.tolist()))
        assert {*drawn.flatten().tolist()} <= {*range(moments)}


def pretrained(recordings: Path, folder: Path, *, stop_after: int = 0) -> Any:
    """Trains six steps in this process, or goes on; with `stop_after` it is asked to stop after that checkpoint."""
    from zoo.testing import PluginHooks

    saved: list[int] = []
    card = msgspec.structs.replace(CARDS[0], plugin="speech")
    ability = card.ability("pretrain", "audio-feature-extraction")
    examples = tuple(zoo.Example(str(path), None, row) for row, path in enumerate(sorted(recordings.iterdir()), 1))
    folder.mkdir(exist_ok=True)
    run = zoo.TrainingRun(
        card=card,
        task=get_task("audio-feature-extraction"),
        weights=None,
        train=examples[:16],
        eval=examples[16:],
        labels=(),
        options=PluginHooks.options(ability, max_steps=6, batch_size=4, eval_steps=3, save_steps=1),
        device="cpu",
        precision="fp32",
        folder=folder,
        emit=lambda event: saved.append(event.step) if isinstance(event, CheckpointSaved) else None,
        should_stop=lambda: bool(stop_after) and stop_after in saved,
    )
    return PluginHooks("speech").pretrain(run).fit(run)


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(recordings: Path, tmp_path: Path) -> None:
    whole = pretrained(recordings, tmp_path / "whole")
    stopped = pretrained(recordings, tmp_path / "stopped", stop_after=2)
    assert stopped.cancelled
    assert stopped.step < 6
    resumed = pretrained(recordings, tmp_path / "stopped")

    assert resumed.metrics == whole.metrics
    weights = [load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "stopped")]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_result_is_pretrained_on_and_answers(recordings: Path) -> None:
    """Its codebooks are kept; a recording too short to hide parts of is set aside."""
    soundfile.write(recordings / "click.wav", np.zeros(200, np.float32), 16_000)
    run = zoo.pretrain("wav2vec2-tiny", recordings, name="whole", **QUICK).wait(progress=False)
    (recordings / "click.wav").unlink()
    on = zoo.pretrain("whole", recordings, **QUICK | {"lr": 1e-9, "max_steps": 1}).wait(progress=False)

    assert "it is too short to hide parts of it" in (run.folder.path / "quarantine.jsonl").read_text()
    for one in (run, on):
        _, report = transformers.AutoModelForPreTraining.from_pretrained(
            one.folder.model_folder, output_loading_info=True
        )
        assert not report["missing_keys"]
        assert not report["unexpected_keys"]
    before, after = (load_file(one.folder.model_folder / "model.safetensors") for one in (run, on))
    for name in ("quantizer.codevectors", "wav2vec2.encoder.layers.0.attention.q_proj.weight"):
        torch.testing.assert_close(before[name], after[name], atol=1e-5, rtol=0)
    (answer,) = zoo.load("whole", **CPU).predict([str(next(recordings.iterdir()))])
    assert len(answer.vector) == 128


def test_convolutions_that_began_with_random_numbers_learn_on(recordings: Path, tmp_path: Path) -> None:
    """Published ones do not; see test_wav2vec2.py."""
    zoo.pretrain("wav2vec2-tiny", recordings, name="listened", **QUICK | {"max_steps": 1}).wait(progress=False)
    table = tmp_path / "said.csv"
    table.write_text("audio,text\n" + "".join(f"{path},a b\n" for path in sorted(recordings.iterdir())))
    first = "wav2vec2.feature_extractor.conv_layers.0.conv.weight"
    before = load_file(zoo.open_run("listened").folder.model_folder / "model.safetensors")[first]

    stays = {}
    for freezes in (None, True):
        run = zoo.finetune(
            "listened", table, task="automatic-speech-recognition", freeze_feature_encoder=freezes, **QUICK
        ).wait(progress=False)
        after = load_file(run.folder.model_folder / "model.safetensors")[first]
        stays[freezes] = torch.equal(before, after)
        assert not transformers.AutoConfig.from_pretrained(run.folder.model_folder).freeze_feature_encoder

    assert stays == {None: False, True: True}


@pytest.mark.parametrize("order", [("texts", "sounds"), ("sounds", "texts")])
@pytest.mark.parametrize("frozen", [True, False])
def test_transcripts_and_recordings_alone_are_learnt_on_one_body(
    recordings: Path, tmp_path: Path, order: tuple[str, str], frozen: bool
) -> None:
    """Convolutions that are frozen for one source are computed ahead for both."""
    from zoo.testing import PluginHooks

    pretrained(recordings, tmp_path / "first")
    weights = tmp_path / "first" / "model"
    published = zoo.Weights(
        files=(zoo.WeightsFile(name="model.safetensors"),), sources=(zoo.FolderSource(path=str(weights)),)
    )
    card = msgspec.structs.replace(CARDS[0], plugin="speech", weights=published)
    paths = sorted(map(str, recordings.iterdir()))

    def run(name: str) -> zoo.TrainingRun:
        verb, task = {"texts": ("finetune", "automatic-speech-recognition")}.get(name, ("pretrain", FEATURES))
        options = {"max_steps": 4, "batch_size": 4} | ({"freeze_feature_encoder": frozen} if name == "texts" else {})
        target = "ab" if name == "texts" else None
        return zoo.TrainingRun(
            card=card,
            task=get_task(task),
            weights=weights,
            train=tuple(zoo.Example(path, target, row) for row, path in enumerate(paths, 1)),
            eval=(),
            labels=(),
            options=PluginHooks.options(card.ability(verb, task), **options),
            device="cpu",
            precision="fp32",
            folder=tmp_path,
            source=name,
            emit=lambda event: None,
            should_stop=lambda: False,
        )

    runs = {name: run(name) for name in order}
    joint = dataclasses.replace(runs["texts"], source="", sources=tuple(runs.values()))
    PluginHooks("speech").finetune(joint).fit(joint)

    bodies = []
    for name, auto in (("texts", transformers.AutoModelForCTC), ("sounds", transformers.AutoModelForPreTraining)):
        network, report = auto.from_pretrained(joint.model_folder / "heads" / name, output_loading_info=True)
        assert not report["missing_keys"]
        assert not report["unexpected_keys"]
        bodies.append(network.base_model.state_dict())
    assert all(torch.equal(tensor, bodies[1][name]) for name, tensor in bodies[0].items())
    before = load_file(weights / "model.safetensors")
    changed = {name for name, tensor in bodies[0].items() if not torch.equal(tensor, before[f"wav2vec2.{name}"])}
    assert "encoder.layers.0.attention.q_proj.weight" in changed
    assert any(name.startswith("feature_extractor.") for name in changed) != frozen


@pytest.mark.skipif(sys.platform == "win32", reason="processes of one run meet through gloo")
def test_two_processes_learn_what_one_does(recordings: Path) -> None:
    """Dropout and the entries of codebooks are drawn by each for itself."""
    losses = [
        zoo.pretrain("wav2vec2-tiny", recordings, **QUICK | {"max_steps": 2}, **more)
        .wait(progress=False)
        .metrics["loss"]
        for more in ({}, {"processes": 2})
    ]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
