"""What a network like wav2vec 2.0 hears is heard alike by the one network that other libraries compute."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import transformers

from zoo import PredictionRun
from zoo.plugins import load_plugin
from zoo.runs.agreement import agreement_of
from zoo.tasks import get_task
from zoo.testing import PluginHooks
from zoo.training.portable.folder import write_folder

TASK = "automatic-speech-recognition"
LETTERS = ("<s>", "</s>", "<unk>", "|", "E", "T", "A", "O", "N", "'", "<pad>")
SECONDS = (0.02, 0.7, 1.3)
"""Of recordings, the first of which is shorter than what one vector is made of."""


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_letters(tmp_path: Path) -> None:
    config = transformers.Wav2Vec2Config(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        vocab_size=len(LETTERS),
        pad_token_id=10,
    )
    torch.manual_seed(0)
    folder = tmp_path / "published"
    transformers.Wav2Vec2ForCTC(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({letter: i for i, letter in enumerate(LETTERS)}))
    recordings = []
    for number, seconds in enumerate(SECONDS):
        samples = np.random.default_rng(number).normal(0, 0.1, round(16_000 * seconds))
        soundfile.write(tmp_path / f"{number}.wav", samples.astype(np.float32), 16_000)
        recordings.append(str(tmp_path / f"{number}.wav"))
    plugin = load_plugin("speech")
    card = next(card for card in plugin.cards if card.family == "wav2vec2")
    run = PredictionRun(
        card=card,
        task=get_task(TASK),
        weights=folder,
        options=PluginHooks.options(card.ability_of_result(TASK)),
        device="cpu",
        precision="fp32",
    )

    answers = PluginHooks("speech").predict(run).predict(recordings)
    written = tmp_path / "written"
    written.mkdir()
    portable = write_folder(plugin.answering_body(run).portable(run), run, "torch", written)

    assert len({answer.cells().prediction for answer in answers}) > 1
    assert agreement_of(answers, portable.predict(recordings)).agrees
    assert json.loads((written / "model.json").read_text())["sampling_rate"] == 16_000
