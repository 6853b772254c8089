"""How a CUDA device is told to multiply: what is set can be read without one, and is put back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.training.toy import Toy, make_run
from zoo.training import Batch, Output, arithmetic, engine

CUDA = torch.device("cuda")


def state() -> tuple[bool, bool, str, str, bool]:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    precision = torch.get_float32_matmul_precision()
    return matmul.allow_tf32, cudnn.allow_tf32, precision, torch.backends.mkldnn.matmul.fp32_precision, cudnn.benchmark


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    before = state()
    yield
    assert state() == before


@pytest.mark.parametrize(("exact", "expected"), [(False, (True, True, "high")), (True, (False, False, "highest"))])
def test_float32_is_rounded_unless_it_was_asked_for(exact: bool, expected: tuple[bool, bool, str]) -> None:
    before = state()
    with arithmetic.products(CUDA, exact=exact):
        assert state()[:3] == expected
        assert state()[3:] == before[3:], "a CPU beside it computes as ever"
    with pytest.raises(KeyError), arithmetic.products(CUDA, exact=exact):
        raise KeyError


@pytest.mark.parametrize("by_newer_name", ["tf32", "ieee"])
def test_what_was_chosen_before_is_put_back(by_newer_name: str) -> None:
    matmul = torch.backends.cuda.matmul
    try:
        matmul.fp32_precision = by_newer_name
        with arithmetic.products(CUDA, exact=by_newer_name == "tf32"):
            assert matmul.allow_tf32 == (by_newer_name == "ieee")
        assert (matmul.fp32_precision == "tf32") == (by_newer_name == "tf32")
    finally:
        matmul.fp32_precision = "none"
        matmul.allow_tf32 = False


class Convolving(Toy):
    def __init__(self, lengths: bool) -> None:
        super().__init__()
        self.alike = not lengths
        self.module.body.extend([nn.Unflatten(1, (1, 1, 8)), nn.Conv2d(1, 1, 1), nn.Flatten()])

    def length(self, features: tuple[list[float], int]) -> int:
        return 1 if self.alike else super().length(features)

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        self.seen = state()
        return super().losses(module, batch)


@pytest.mark.parametrize("exact", [False, True])
def test_a_training_sets_both_and_puts_both_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exact: bool) -> None:
    """By an engine that takes the CPU for a CUDA device."""
    products, convolutions = arithmetic.products, arithmetic.convolutions

    def on_cuda(function: Any) -> Any:
        return lambda device, *args, **options: function(CUDA, *args, **options)

    monkeypatch.setattr(engine.arithmetic, "products", on_cuda(products))
    monkeypatch.setattr(engine.arithmetic, "convolutions", on_cuda(convolutions))
    for steps, lengths, tried in ((200, False, True), (200, True, False), (199, False, False)):
        run, _ = make_run(tmp_path / f"{steps}-{lengths}", max_steps=steps)
        toy = Convolving(lengths)
        toy.fit(dataclasses.replace(run, exact=exact))
        assert (toy.seen[0], toy.seen[4]) == (not exact, tried)


def test_a_cpu_computes_as_ever(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, max_steps=200)
    toy, before = Convolving(lengths=False), state()
    toy.fit(run)
    assert toy.seen == before
