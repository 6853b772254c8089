"""What a head's outputs mean, and that an output layer comes back from a file as it was trained."""

from __future__ import annotations

import pytest
import torch

from zoo.training.head import REGRESSION, HeadConfig
from zoo.training.objectives.regression import rounding_warning

NUMBERS = [(0.5, 0.3), (100.0, 15.0), (-1_000.0003, 0.001), (1_000_000.03, 0.05), (1_000_000.03, 0.01), (1.7e9, 2.0)]


@pytest.mark.parametrize(("mean", "std"), NUMBERS)
def test_an_output_layer_comes_back_as_it_was_trained(mean: float, std: float) -> None:
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(1, 8, generator=generator), torch.randn(1, generator=generator)
    saved, saved_weight, saved_bias = HeadConfig(problem_type=REGRESSION, mean=mean, std=std).in_unit_of_data(
        weight, bias
    )
    read = HeadConfig.from_json(saved.to_json(), REGRESSION, ())
    back = read.standardised(saved_weight, saved_bias)
    moved = HeadConfig(problem_type=REGRESSION, mean=mean + std, std=2 * std)

    assert read == saved
    assert saved_bias.item() == pytest.approx(bias.item() * std + mean, rel=1e-7)
    torch.testing.assert_close(back, (weight, bias), rtol=1e-6, atol=1e-6)
    _, as_others_standardise = moved.standardised(saved_weight, saved_bias, read)
    assert as_others_standardise.item() == pytest.approx((bias.item() - 1) / 2, abs=1e-6)


def test_what_was_saved_without_its_rounding_is_read_as_before() -> None:
    read = HeadConfig.from_json({"target_mean": 100.0, "target_std": 15.0}, REGRESSION, ())
    assert read.standardised(torch.ones(1, 1), torch.tensor([115.0]))[1].item() == 1.0


@pytest.mark.parametrize(
    ("mean", "std", "warned"),
    [(0.0, 1e-9, False), (100.0, 15.0, False), (1e6, 7.0, False), (1e6, 6.0, True), (-1e6, 0.01, True)],
)
def test_a_step_of_more_than_a_hundredth_of_the_spread_is_told(mean: float, std: float, warned: bool) -> None:
    assert bool(rounding_warning(HeadConfig(problem_type=REGRESSION, mean=mean, std=std))) == warned
