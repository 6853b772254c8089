"""The loss is that of the paper, and views are those of the seeds."""

from __future__ import annotations

import math

import pytest
import torch

from zoo import DatasetInvalid, Rejected
from zoo.testing import PluginHooks
from zoo.training.objectives.contrastive import nt_xent

plugin = PluginHooks("resnet")


def naive(projected: torch.Tensor, temperature: float) -> list[float]:
    """Equation 1 of Chen et al. 2020, number by number."""
    rows = [row / row.norm() for row in projected]
    count = len(rows) // 2

    def term(i: int, j: int) -> float:
        others = [math.exp((rows[i] @ rows[k]).item() / temperature) for k in range(2 * count) if k != i]
        return -math.log(math.exp((rows[i] @ rows[j]).item() / temperature) / sum(others))

    return [(term(i, i + count) + term(i + count, i)) / 2 for i in range(count)]


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_the_loss_is_equation_one(temperature: float) -> None:
    projected = torch.randn(10, 6, generator=torch.Generator().manual_seed(3))

    assert naive(projected, temperature) == pytest.approx(nt_xent(projected, temperature).tolist(), abs=1e-5)


def test_the_loss_is_small_where_views_agree_and_strangers_do_not() -> None:
    apart = torch.eye(4).repeat(2, 1)

    assert nt_xent(apart, 0.05).max().item() < 1e-6
    assert nt_xent(torch.ones(8, 4), 0.5).tolist() == pytest.approx([math.log(7)] * 4)


def test_views_depend_on_the_seed_of_their_image_alone(make_run) -> None:
    run = make_run(verb="pretrain")
    objective = plugin.pretrain(run)
    numbers = objective.features(run.train[:6])
    together = objective.collate(numbers, [10, 11, 12, 13, 14, 15], training=True)["images"]
    alone = objective.collate(numbers[2:3], [12], training=False)["images"]

    assert (6, 2, 8, 8, 3) == tuple(together.shape)
    assert torch.equal(together[2:3], alone)
    assert not torch.equal(together[:, 0], together[:, 1])


def test_each_image_has_one_loss_and_the_metric_is_their_mean(make_run) -> None:
    run = make_run(verb="pretrain")
    objective = plugin.pretrain(run)
    batch = objective.collate(objective.features(run.train[:6]), list(range(6)), training=True)
    output = objective.losses(objective.module.train(), batch)
    metrics = objective.metrics()
    objective.update_metrics(metrics, output, 4)

    assert (6,) == tuple(output.losses.shape)
    assert output.losses[:4].mean().item() == pytest.approx(metrics.compute()["loss"])
    output.losses.mean().backward()
    assert all(parameter.grad is not None for parameter in objective.module.parameters())


def test_a_single_image_has_nothing_to_be_told_from(make_run) -> None:
    run = make_run(verb="pretrain")
    with pytest.raises(DatasetInvalid, match="is the only image"):
        plugin.pretrain(run).features(run.train[:1])


def test_a_file_that_is_no_image_is_rejected_in_its_place(make_run, tmp_path) -> None:
    import msgspec

    run = make_run(verb="pretrain")
    (tmp_path / "a.png").write_bytes(b"no image")
    broken = msgspec.structs.replace(run.train[0], input=str(tmp_path / "a.png"))
    first, second, third = plugin.pretrain(run).features([run.train[0], broken, run.train[1]])

    assert (0, 1) == (first, third)
    assert isinstance(second, Rejected)
