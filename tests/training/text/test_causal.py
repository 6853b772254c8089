"""Causal bodies: packed texts see only themselves, and generating gives the scores of the whole text."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from tests.tiny_causal_body import POSITIONS, TinyBody
from zoo.training.text.causal import RecomputingNetwork, causal_batch


@pytest.fixture
def body() -> TinyBody:
    torch.manual_seed(0)
    body = TinyBody(SimpleNamespace(weights=None))
    body.module.eval()
    return body


def scores_alone(body: TinyBody, ids: list[int]) -> torch.Tensor:
    """Of every token of one text, shape (tokens, vocabulary)."""
    with torch.no_grad():
        return body.logits(body.module, causal_batch([torch.tensor(ids)]))[0]


def test_texts_in_one_row_never_see_one_another(body: TinyBody) -> None:
    first, second = body.text_ids(["good morning", "snow"])
    row = torch.tensor([[*first, *second, 0, 0]])
    batch = {
        "input_ids": row,
        "position_ids": torch.tensor([[*range(len(first)), *range(len(second)), 0, 0]]),
        "segments": torch.tensor([[1] * len(first) + [2] * len(second) + [0, 0]]),
    }
    with torch.no_grad():
        packed = body.logits(body.module, batch)[0]

    torch.testing.assert_close(packed[: len(first)], scores_alone(body, first))
    torch.testing.assert_close(packed[len(first) : len(first) + len(second)], scores_alone(body, second))


def test_generating_gives_the_scores_of_the_whole_text(body: TinyBody) -> None:
    texts = body.text_ids(["good", "a longer text", "no"])
    network = RecomputingNetwork(body, body.module)
    batch = causal_batch([torch.tensor(ids) for ids in texts])
    with torch.inference_mode():
        after_prompts = network.prefill(batch["input_ids"], torch.tensor([len(ids) for ids in texts]))
        after_step = network.step(torch.tensor([5, 6, 7]))
        network.keep(torch.tensor([0, 2]))
        after_drop = network.step(torch.tensor([8, 9]))

    torch.testing.assert_close(after_prompts, torch.stack([scores_alone(body, ids)[-1] for ids in texts]))
    longer = [[*ids, one] for ids, one in zip(texts, (5, 6, 7), strict=True)]
    torch.testing.assert_close(after_step, torch.stack([scores_alone(body, ids)[-1] for ids in longer]))
    kept = [[*longer[0], 8], [*longer[2], 9]]
    torch.testing.assert_close(after_drop, torch.stack([scores_alone(body, ids)[-1] for ids in kept]))


def test_the_pooled_vector_is_that_of_the_last_token(body: TinyBody) -> None:
    features = body.encode(["good", "a longer text"])
    batch = body.collate(features, [0, 0], training=False)
    with torch.no_grad():
        pooled = body.pooled(body.module, batch)
        alone = [body.hidden(body.module, causal_batch([torch.tensor(ids)]))[0, -1] for ids in features]

    torch.testing.assert_close(pooled, torch.stack(alone))


def test_a_text_is_cut_at_what_the_network_takes_and_begins_as_texts_of_the_model_do(body: TinyBody) -> None:
    (plain,) = body.encode(["x" * 200])
    body.bos_id = 256
    (begun,) = body.encode(["x"])

    assert len(plain) == POSITIONS
    assert [begun[0], len(begun)] == [256, 2]
    assert body.text_ids(["x"], whole=False) == [begun[1:]]
