"""The networks compute what transformers' own compute, in training and in writing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from zoo_gpt.config import read_config
from zoo_gpt.generating import CachedNetwork
from zoo_gpt.gpt2 import Conv1DReader, Gpt2
from zoo_gpt.llama import Llama
from zoo_gpt.shape import BODY

from zoo.training.pretrained import WeightsReader, fill

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("gpt2", {}),
    ("gpt2", {"tie_word_embeddings": False, "activation_function": "relu", "n_inner": 100}),
    ("llama", {}),
    ("llama", {"tie_word_embeddings": True, "attention_bias": True}),
    ("llama", {"num_key_value_heads": 6, "head_dim": 12, "rope_parameters": {"rope_type": "linear", "factor": 2.0,
                                                                             "rope_theta": 1000.0}}),
    ("llama", {"rope_parameters": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "rope_theta": 500.0,
                                   "high_freq_factor": 4.0, "original_max_position_embeddings": 32}}),
]  # fmt: skip
IDS = [i for i, _ in enumerate(VARIANTS)]


def reader(folder: Path) -> WeightsReader:
    family = read_config(folder)["model_type"]
    return (Conv1DReader if family == "gpt2" else WeightsReader)(folder, BODY[family])


def network(folder: Path) -> Gpt2 | Llama:
    config = read_config(folder)
    made = Gpt2(config) if config["model_type"] == "gpt2" else Llama(config)
    with reader(folder) as weights:
        fill(made, "", config, weights)
    return made.eval()


def written(folder: Path, precision: str = "fp32") -> CachedNetwork:
    with reader(folder) as weights:
        return CachedNetwork(read_config(folder), weights, "cpu", precision)


def peer(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda variant: f"{variant[0]}-{len(variant[1])}")
def folder(request: pytest.FixtureRequest, make_folder: Any) -> Path:
    family, config = request.param
    made: Path = make_folder(family, **config)
    return made


@torch.inference_mode()
def test_logits_are_those_of_transformers(folder: Path) -> None:
    ids = torch.randint(0, 280, (3, 40), generator=torch.Generator().manual_seed(1))
    places = torch.arange(40).expand_as(ids)
    module = network(folder)

    logits = module.scores(module(ids, places, torch.ones_like(ids)))

    torch.testing.assert_close(logits, peer(folder)(ids).logits, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_texts_that_share_a_row_do_not_see_one_another(folder: Path) -> None:
    first, second = torch.randint(0, 280, (2, 20), generator=torch.Generator().manual_seed(2))
    module = network(folder)
    row = torch.cat([first[:13], second, torch.zeros(4, dtype=torch.long)])[None]
    places = torch.cat([torch.arange(13), torch.arange(20), torch.zeros(4, dtype=torch.long)])[None]
    segments = torch.tensor([[1] * 13 + [2] * 20 + [0] * 4])

    packed = module(row, places, segments)[0]

    for text, vectors in ((first[:13], packed[:13]), (second, packed[13:33])):
        alone = module(text[None], torch.arange(len(text))[None], torch.ones(1, len(text), dtype=torch.long))[0]
        torch.testing.assert_close(vectors, alone, atol=1e-5, rtol=1e-5)
    assert torch.isfinite(packed).all()


@torch.inference_mode()
def test_what_is_written_with_a_cache_is_what_transformers_would_write(folder: Path) -> None:
    lengths = torch.tensor([9, 3, 9, 14])
    ids = torch.randint(1, 280, (4, 14), generator=torch.Generator().manual_seed(3))
    ours, theirs = written(folder), peer(folder)
    texts = [row[:length].tolist() for row, length in zip(ids, lengths, strict=True)]
    rows = list(range(4))

    scores = ours.prefill(ids, lengths)
    for step in range(12):
        for row, text in enumerate(texts):
            expected = theirs(torch.tensor([text])).logits[0, -1]
            torch.testing.assert_close(scores[row], expected, atol=2e-5, rtol=1e-5)
        if step == 5:
            rows = [0, 2, 3]
            ours.keep(torch.tensor(rows))
            texts, scores = [texts[row] for row in rows], scores[rows]
        following = scores.argmax(-1)
        for text, token in zip(texts, following.tolist(), strict=True):
            text.append(token)
        scores = ours.step(following)


@torch.inference_mode()
def test_a_text_goes_on_when_the_cache_grows(make_folder: Any) -> None:
    folder = make_folder("llama", max_position_embeddings=512)
    ids = torch.randint(1, 280, (1, 250), generator=torch.Generator().manual_seed(4))
    ours = written(folder)
    ours.prefill(ids, torch.tensor([250]))
    more = torch.randint(1, 280, (1, 12), generator=torch.Generator().manual_seed(5))

    scores = [ours.step(more[:, i]) for i in range(12)][-1]

    expected = peer(folder)(torch.cat([ids, more], 1)).logits[:, -1]
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_sharded_weights_of_bf16_are_read(make_folder: Any) -> None:
    folder = make_folder("llama", shards="60KB", dtype="bfloat16")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    ids = torch.randint(0, 280, (1, 9), generator=torch.Generator().manual_seed(6))

    scores = written(folder).prefill(ids, torch.tensor([9]))

    torch.testing.assert_close(scores, peer(folder)(ids).logits[:, -1], atol=1e-5, rtol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_other_precisions_come_near(make_folder: Any, precision: str) -> None:
    folder = make_folder("llama", tie_word_embeddings=True)
    ids = torch.randint(0, 280, (2, 9), generator=torch.Generator().manual_seed(7))
    exact, ours = written(folder), written(folder, precision)
    lengths = torch.tensor([9, 4])

    expected, scores = exact.prefill(ids, lengths), ours.prefill(ids, lengths)

    assert torch.float32 == scores.dtype
    assert 0.98 < torch.cosine_similarity(expected, scores).min()
    token = expected.argmax(-1)
    assert 0.98 < torch.cosine_similarity(exact.step(token), ours.step(token)).min()


@torch.inference_mode()
def test_how_unlikely_each_token_is(folder: Path) -> None:
    lengths = torch.tensor([20, 7])
    ids = torch.randint(0, 280, (2, 20), generator=torch.Generator().manual_seed(8))
    theirs = peer(folder)

    losses = written(folder).losses(ids, lengths)

    assert (2, 19) == losses.shape
    for row, length, text in zip(losses, lengths.tolist(), ids, strict=True):
        logits = theirs(text[None, :length]).logits[0, :-1]
        expected = torch.nn.functional.cross_entropy(logits, text[1:length], reduction="none")
        torch.testing.assert_close(row[: length - 1], expected, atol=1e-5, rtol=1e-4)
