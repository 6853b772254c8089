"""Small Whispers of random numbers, made by transformers' own classes, as their publishers would lay them out."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

LANGUAGES = ("en", "de", "fr")
RATE = 16_000


def save_whisper(folder: Path, *, multilingual: bool = False, **sizes: Any) -> Any:
    """Write a model with its tokenizer; returns transformers' network."""
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = whisper_tokenizer(multilingual=multilingual)
    ids = {name: tokenizer.token_to_id(f"<|{name}|>") for name in ("endoftext", "startoftranscript", "notimestamps")}
    marks = range(ids["startoftranscript"], ids["notimestamps"])
    ends = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), ids["endoftext"])
    config = transformers.WhisperConfig(
        **{
            "vocab_size": tokenizer.get_vocab_size(),
            "d_model": 32,
            "encoder_layers": 2,
            "decoder_layers": 2,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "encoder_ffn_dim": 64,
            "decoder_ffn_dim": 64,
            "num_mel_bins": 80,
            "max_target_positions": 64,
            "init_std": 0.3,
            "decoder_start_token_id": ids["startoftranscript"],
            **ends,
            **sizes,
        }
    )
    torch.manual_seed(0)
    network = transformers.WhisperForConditionalGeneration(config).eval()
    with torch.no_grad():  # as there are six times as many times as bytes
        network.model.decoder.embed_tokens.weight[ids["notimestamps"] + 1 :] *= 0.6
    stated: dict[str, Any] = {
        "is_multilingual": multilingual,
        "no_timestamps_token_id": ids["notimestamps"],
        "max_initial_timestamp_index": 50,
        "max_length": 64,
        "suppress_tokens": [3, 5, *marks],
        "begin_suppress_tokens": [7],
        "decoder_start_token_id": ids["startoftranscript"],
        "return_timestamps": False,
        **ends,
    }
    if multilingual:
        stated["lang_to_id"] = {f"<|{code}|>": tokenizer.token_to_id(f"<|{code}|>") for code in LANGUAGES}
        stated["task_to_id"] = {task: tokenizer.token_to_id(f"<|{task}|>") for task in ("transcribe", "translate")}
    network.generation_config = transformers.GenerationConfig(**stated)
    network.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    end = "<|endoftext|>"
    names = dict.fromkeys(("bos_token", "eos_token", "pad_token", "unk_token"), end)
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "WhisperTokenizer", **names}))
    transformers.WhisperFeatureExtractor(feature_size=config.num_mel_bins).save_pretrained(folder)
    return network


def whisper_tokenizer(*, multilingual: bool) -> Tokenizer:
    """Bytes, and the marks and times of Whisper in their order."""
    vocabulary = {token: number for number, token in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    marks = ["endoftext", "startoftranscript", *(LANGUAGES if multilingual else ()), "translate", "transcribe"]
    marks += ["startoflm", "startofprev", "nospeech", "notimestamps"]
    tokenizer.add_special_tokens([AddedToken(f"<|{mark}|>", special=True) for mark in marks])
    tokenizer.add_tokens([AddedToken(f"<|{step * 0.02:.2f}|>") for step in range(1501)])
    return tokenizer


def noise(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """A sound whose bands come and go, never silent."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * f * time + 3 * np.sin(f / 700 * time)) for f in (180, 420, 950, 2100))
    return (0.1 * tones + random.normal(0, 0.05, len(time))).astype(np.float32)


@contextlib.contextmanager
def pulled_whispers(folders: dict[str, Path]) -> Iterator[None]:
    """Models brought from a server shaped like the Hub into the store that ZOO_HOME names."""
    pytest.importorskip("tests.hub_server", reason="the server stands among the tests of zoo")
    from tests.hub_server import hub_server
    from zoo.cli import main

    with hub_server() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "0")
        patch.setenv("HF_ENDPOINT", server.address)
        patch.setenv("HF_HOME", os.environ["ZOO_HOME"] + "/hf")
        for name, folder in folders.items():
            server.serve_repository(f"people/{name}", {path.name: path.read_bytes() for path in folder.iterdir()})
            assert main(["pull", f"hub:people/{name}"]) == 0
        yield


def written(network: Any, samples: NDArray[np.float32], **how: str) -> list[tuple[float, float, str]]:
    """Beginning, end and text of the segments that a network of transformers writes."""
    import transformers

    extract = transformers.WhisperFeatureExtractor(feature_size=80)
    whole = {"truncation": False, "padding": "longest" if len(samples) > 30 * RATE else "max_length"}
    features = extract(samples, sampling_rate=RATE, return_tensors="pt", return_attention_mask=True, **whole)
    output = network.generate(**features, return_timestamps=True, return_segments=True, **how)
    tokens = whisper_tokenizer(multilingual=network.generation_config.is_multilingual)
    first_time = tokens.token_to_id("<|0.00|>")
    duration = len(samples) // 160 / 100
    segments = []
    for one in output["segments"][0]:
        text = tokens.decode([number for number in one["tokens"].tolist() if number < first_time]).strip()
        start, end = (round(float(one[key]), 2) for key in ("start", "end"))
        if text and start < duration:  # transformers lets texts begin after the end of the sound
            segments.append((start, min(end, duration), text))
    return segments


class Whispers:
    """The same for tests."""

    languages, rate = LANGUAGES, RATE
    save = staticmethod(save_whisper)
    pulled = staticmethod(pulled_whispers)
    written = staticmethod(written)
    tokenizer = staticmethod(whisper_tokenizer)
    noise = staticmethod(noise)


@pytest.fixture(scope="session")
def whispers() -> Whispers:
    """Makes small Whispers, and what they hear."""
    return Whispers()
