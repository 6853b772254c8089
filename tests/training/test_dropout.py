"""Dropout leaves out the share it was asked to, decided by the seed alone."""

from __future__ import annotations

import pytest
import torch

from zoo.training import Dropout


@pytest.mark.parametrize("share", [0.005, 0.1, 0.5, 0.9])
def test_the_share_is_left_out_and_the_expectation_stays(share: float) -> None:
    torch.manual_seed(0)
    output = Dropout(share)(torch.ones(1000, 1003))
    assert share == pytest.approx((output == 0).float().mean().item(), abs=0.003)
    assert 1.0 == pytest.approx(output.mean().item(), abs=0.01)
    assert 2 == len(output.unique())


def test_every_position_is_as_likely_to_be_left_out() -> None:
    torch.manual_seed(0)
    dropped = (Dropout(0.5)(torch.ones(20_000, 16)) == 0).float().mean(0)
    torch.testing.assert_close(dropped, torch.full((16,), 0.5), atol=0.02, rtol=0)


def test_the_seed_decides() -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        output: torch.Tensor = Dropout(0.3)(torch.ones(7, 9))
        return output

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_gradients_pass_where_values_pass(kind: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.ones(50, 3, dtype=kind, requires_grad=True)
    output = Dropout(0.4)(x)
    output.sum().backward()
    assert kind == output.dtype
    assert torch.equal(output.detach(), x.grad)


def test_nothing_is_drawn_where_nothing_is_left_out() -> None:
    x, before = torch.ones(5), torch.get_rng_state()
    assert torch.equal(x, Dropout(0.3).eval()(x))
    assert torch.equal(x, Dropout(0.0)(x))
    assert torch.equal(before, torch.get_rng_state())
