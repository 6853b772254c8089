"""Ahead of an accelerator texts are tokenised in threads, padded, and launched before answers are looked at: the
answers are those of a CPU that does one after the other. Here a CPU plays the accelerator.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from zoo import Classification, Embedding, FilledMask, Predictor, Rejected
from zoo.testing import PluginHooks
from zoo.training.text.answering import CHUNK, Lookahead
from zoo.training.text.network import blocks_of

load = PluginHooks("bert").predict
AHEAD = Lookahead(threads=3, chunks=4, batches=3, padded=True)
WORDS = ("my", "parcel", "never", "came", "money", "back", "please", "the", "app", "lamp", "shoes", "late")


def texts(count: int) -> list[str]:
    """Of many lengths, the longer ones in between."""
    return [" ".join(WORDS[(i * j + j) % len(WORDS)] for j in range(1 + (i * 7) % 23)) for i in range(count)]


@pytest.fixture
def as_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lookahead, "on", classmethod(lambda cls, device: AHEAD))


def numbers(answer: Any) -> dict[str, float]:
    return {} if isinstance(answer, Rejected) else answer.numbers()


@pytest.mark.parametrize("task", ["text-classification", "feature-extraction", "fill-mask"])
def test_answers_are_those_without_looking_ahead(
    task: str, classifier: Path, language_model: Path, make_prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = language_model if task == "fill-mask" else classifier
    inputs: list[Any] = [f"{text} [MASK]" if task == "fill-mask" else text for text in texts(700)]
    inputs[5], inputs[300], inputs[699] = "", 7, "bad \udcff byte"
    inputs[CHUNK] = "my parcel never came [MASK] " + "my " * 200
    expected = load(make_prediction(weights, task)).predict(inputs)
    monkeypatch.setattr(Lookahead, "on", classmethod(lambda cls, device: AHEAD))
    answers = load(make_prediction(weights, task, batch_tokens=512)).predict(inputs)

    assert [type(answer) for answer in answers] == [type(answer) for answer in expected]
    assert {type(answer) for answer in answers} <= {Classification, Embedding, FilledMask, Rejected}
    for answer, one in zip(answers, expected, strict=True):
        assert numbers(answer) == pytest.approx(numbers(one), abs=1e-5)
        if isinstance(one, Rejected):
            assert answer == one
        else:
            assert getattr(answer, "truncated_at", None) == one.truncated_at


def test_chunks_are_answered_one_by_one_and_few_are_taken_ahead(
    classifier: Path, make_prediction, as_accelerator: None
) -> None:
    predictor: Any = load(make_prediction(classifier, "text-classification", batch_tokens=512))
    taken = 0

    def chunks() -> Iterator[list[str]]:
        nonlocal taken
        for start in range(0, 4000, 40):
            taken += 1
            yield texts(4000)[start : start + 40] if start else []

    ahead = []
    threads = threading.active_count()
    answered = predictor.predict_chunks(chunks())
    for number, answers in enumerate(answered):
        ahead.append(taken - number)
        assert len(answers) == (40 if number else 0)
        if number == 50:
            break
    answered.close()

    assert number == 50
    assert max(ahead) <= 2 * AHEAD.chunks + 2 * AHEAD.chunks + 1
    assert threading.active_count() <= threads


def _narrow(predictor: Any, most: int, shapes: list[int]) -> None:
    """Let memory suffice for so many tokens, as a device that has no more says it."""
    outputs = predictor.outputs

    def narrow(blocks: Any) -> Any:
        tokens = sum(block.ids.numel() for block in blocks)
        if tokens > most:
            raise torch.OutOfMemoryError("out of memory")
        shapes.append(tokens)
        return outputs(blocks)

    predictor.outputs = narrow


def test_batches_are_halved_where_memory_does_not_suffice(
    classifier: Path, make_prediction, as_accelerator: None
) -> None:
    inputs, notes, shapes = texts(600), [], []
    run = replace(make_prediction(classifier, "text-classification", batch_tokens=4096), note=notes.append)
    expected = load(run).predict(inputs)
    predictor = load(run)
    _narrow(predictor, 1000, shapes)
    answers = predictor.predict(inputs)

    assert len(notes) == 1
    assert "does not suffice" in notes[0]
    assert 500 < max(shapes) <= 1000
    for answer, one in zip(answers, expected, strict=True):
        assert numbers(answer) == pytest.approx(numbers(one), abs=1e-5)


def test_a_single_text_that_memory_does_not_suffice_for_is_an_error(
    classifier: Path, make_prediction, as_accelerator: None
) -> None:
    predictor = load(make_prediction(classifier, "text-classification", batch_tokens=4096))
    _narrow(predictor, 3, [])
    with pytest.raises(torch.OutOfMemoryError):
        predictor.predict(texts(20))


class _Kernels(TorchDispatchMode):
    """Counts what a device would be told to compute; views cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not operator.is_view:
            self.counts[str(operator)] += 1
        return operator(*args, **kwargs or {})


def launches(predictor: Predictor, sequences: list[list[int]], pad_id: int | None) -> int:
    with _Kernels() as kernels, torch.no_grad():
        predictor.outputs(blocks_of(sequences, torch.device("cpu"), pad_id))  # type: ignore[attr-defined]
    return sum(kernels.counts.values())


def test_a_padded_batch_takes_few_kernels_whatever_the_lengths(classifier: Path, make_prediction) -> None:
    predictor = load(make_prediction(classifier, "text-classification"))
    few, many = [[2, *[7] * n, 3] for n in (4, 5)], [[2, *[7] * n, 3] for n in range(1, 60)]

    assert launches(predictor, few, 0) == launches(predictor, many, 0) < 70
    assert launches(predictor, many, None) > 200
