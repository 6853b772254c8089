"""fp16 scales losses up so that small gradients survive: a step does the same, with one source and with several.

The scaler is torch's own, on the CPU, and computes in fp32, where a power of two rounds nothing.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.test_sources import MIXINGS, head_weights, sources_of, two_toys
from tests.training.toy import Toy, make_run
from tests.training.weights import assert_identical
from zoo.runs.context import TrainingRun
from zoo.training import engine
from zoo.training.engine import train, train_sources
from zoo.training.parallel import make_accelerator

SCALE = 2.0**10
OPTIONS: dict[str, Any] = {"max_steps": 12, "lr": 0.02, "batch_size": 8, "max_grad_norm": 0.5}


def scaled(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> torch.amp.GradScaler:
    """Let the engine scale losses, but compute in fp32."""
    scaler = torch.amp.GradScaler("cpu", init_scale=SCALE, **settings)  # type: ignore[attr-defined]

    def make(run: TrainingRun) -> Any:
        accelerator = make_accelerator(run)
        accelerator.native_amp, accelerator.scaler = True, scaler
        monkeypatch.setattr(accelerator.state, "_mixed_precision", "fp16")
        monkeypatch.setattr(accelerator, "autocast", contextlib.nullcontext)
        return accelerator

    monkeypatch.setattr(engine, "make_accelerator", make)
    return scaler


def fit(folder: Path, kind: str, **options: Any) -> None:
    sources, run, _ = sources_of(folder, two_toys(), (64, 16), (1, 0.3), **OPTIONS | options)
    train_sources(sources, run, MIXINGS[kind])


@pytest.mark.parametrize("kind", MIXINGS)
@pytest.mark.parametrize("micro_batch_size", [None, 3])
def test_a_scaled_loss_gives_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, micro_batch_size: int | None
) -> None:
    fit(tmp_path / "plain", kind, micro_batch_size=micro_batch_size)
    with monkeypatch.context() as patch:
        scaler = scaled(patch, growth_interval=5)
        fit(tmp_path / "scaled", kind, micro_batch_size=micro_batch_size)

    assert scaler.get_scale() == SCALE * 4
    for name in ("left", "right"):
        assert_identical(head_weights(tmp_path / "plain", name), head_weights(tmp_path / "scaled", name))


@pytest.mark.parametrize("kind", MIXINGS)
def test_a_step_that_overflows_is_skipped_and_the_scale_halved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    first, second = two_toys()
    first.spoil = lambda call: call == 1
    sources, run, _ = sources_of(tmp_path, (first, second), (64, 16), (1, 1), **OPTIONS | {"max_steps": 3})
    with monkeypatch.context() as patch:
        scaler = scaled(patch, growth_interval=1000)
        result = train_sources(sources, run, MIXINGS[kind])

    assert result.step == 3
    assert scaler.get_scale() == SCALE / 2
    assert all(torch.isfinite(one).all() for one in head_weights(tmp_path, "left").values())


@pytest.mark.parametrize("stop_after", [3, 8])
def test_the_scale_grows_after_a_resume_when_it_would_have_grown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    scales = []
    for folder, stops in (("whole", None), ("parts", stop_after), ("parts", None)):
        with monkeypatch.context() as patch:
            scaler = scaled(patch, growth_interval=5)
            run, _ = make_run(tmp_path / folder, stop_after=stops, **OPTIONS)
            train(Toy(), run)
            scales.append((scaler.get_scale(), scaler.state_dict()["_growth_tracker"]))

    assert scales[0] == scales[2]
