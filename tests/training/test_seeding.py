"""Generators of devices that are not here: which one is seeded, and that it is there by then."""

from __future__ import annotations

import pytest
import torch

from zoo.training.seeding import seed_all


@pytest.mark.parametrize(("device", "index"), [("cuda:1", 1), ("cuda", 0), ("xpu:0", 0)])
def test_one_generator_is_seeded_once_its_device_knows_of_it(
    monkeypatch: pytest.MonkeyPatch, device: str, index: int
) -> None:
    backend = torch.cuda if device.startswith("cuda") else torch.xpu
    generators = [torch.Generator(), torch.Generator()]

    def init() -> None:
        monkeypatch.setattr(backend, "default_generators", generators)

    monkeypatch.setattr(backend, "default_generators", ())
    monkeypatch.setattr(backend, "init", init)
    monkeypatch.setattr(backend, "current_device", lambda: 0)
    before = [generator.initial_seed() for generator in generators]
    seed_all(7, torch.device(device))

    assert generators[index].initial_seed() == torch.default_generator.initial_seed() == 7
    assert generators[1 - index].initial_seed() == before[1 - index]
