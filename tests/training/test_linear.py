"""Linear layers compute what torch's do, whichever library does it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from zoo.training import Linear, linear


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 7), (1, 1, 1, 7), (0, 7)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_products_and_gradients_are_those_of_torch(shape: tuple[int, ...], with_bias: bool) -> None:
    torch.manual_seed(0)
    tensors = [torch.randn(shape), torch.randn(4, 7), *([torch.randn(4)] if with_bias else [])]
    ours, theirs = ([tensor.clone().requires_grad_() for tensor in tensors] for _ in range(2))
    actual, expected = linear(*ours), functional.linear(*theirs)
    torch.testing.assert_close(actual, expected)
    actual.square().sum().backward()
    expected.square().sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_rows_may_lie_anyhow_in_memory() -> None:
    torch.manual_seed(0)
    x, layer = torch.randn(7, 6, 5).transpose(0, 2), Linear(7, 3)
    torch.testing.assert_close(layer(x), functional.linear(x, layer.weight, layer.bias))
    torch.testing.assert_close(layer(x[:, :1]), functional.linear(x[:, :1], layer.weight, layer.bias))


def test_what_needs_no_gradient_gets_none() -> None:
    x, layer = torch.randn(2, 3), Linear(3, 3)
    layer.weight.requires_grad_(False)
    layer(x).sum().backward()
    assert layer.weight.grad is None
    assert torch.equal(torch.full((3,), 2.0), layer.bias.grad)
    with torch.no_grad():
        assert not layer(x).requires_grad


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_other_types_are_left_to_torch(kind: torch.dtype) -> None:
    x, weight = torch.randn(4, 6).to(kind), torch.randn(2, 6).to(kind)
    assert torch.equal(functional.linear(x, weight), linear(x, weight))


def test_mixed_precision_reaches_it() -> None:
    layer = Linear(3, 3)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.bfloat16 == layer(torch.randn(2, 3)).dtype


@pytest.mark.parametrize(
    "bias",
    [torch.randn(8)[::2], torch.randn(1).expand(4), torch.randn(()), torch.randn(1), torch.randn(1, 4)],
    ids=["with gaps", "expanded", "a number", "of one", "a row"],
)
def test_biases_of_every_kind_are_added(bias: torch.Tensor) -> None:
    x, weight = torch.randn(3, 7), torch.randn(4, 7)
    torch.testing.assert_close(linear(x, weight, bias), functional.linear(x, weight, bias))


def test_gradients_have_gradients() -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(3, 5), torch.randn(2, 5), torch.randn(2)]

    def second(product: Callable[..., torch.Tensor]) -> list[torch.Tensor | None]:
        tensors = [one.clone().requires_grad_() for one in inputs]
        (first,) = torch.autograd.grad(product(*tensors).tanh().sum(), tensors[1], create_graph=True)
        first.square().sum().backward()
        return [one.grad for one in tensors]

    torch.testing.assert_close(second(linear), second(functional.linear))


def test_gradients_of_each_example_can_be_taken() -> None:
    layer, x = Linear(5, 2), torch.randn(4, 5)
    weights = dict(layer.named_parameters())

    def loss(weights: dict[str, torch.Tensor], row: torch.Tensor) -> torch.Tensor:
        gradients: torch.Tensor = torch.func.functional_call(layer, weights, (row,))
        return gradients.square().sum()

    gradients = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(weights, x)["weight"]
    expected = [torch.func.grad(loss)(weights, row)["weight"] for row in x]
    torch.testing.assert_close(gradients, torch.stack(expected))
