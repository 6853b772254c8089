"""The maps that boxes and masks are found on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from zoo_torchvision.body import TorchvisionBody
from zoo_torchvision.cards import CARDS
from zoo_torchvision.families import family_of
from zoo_torchvision.networks import ARCHITECTURE, build, take_apart, trunk_of

from zoo import TrainingRun
from zoo.training.images import feature_pyramid

BUILDERS = sorted({str(card.architecture["builder"]) for card in CARDS})
WITH_MAPS = [builder for builder in BUILDERS if family_of(builder).trunk]
CHANNELS = {
    "mobilenet_v2": (24, 32, 96, 320),
    "efficientnet_b0": (24, 40, 112, 320),
    "convnext_tiny": (96, 192, 384, 768),
    "swin_t": (96, 192, 384, 768),
    "densenet121": (256, 512, 1024, 1024),
    "vgg16": (256, 512, 512, 512),
    "regnet_x_400mf": (32, 64, 160, 400),
    "shufflenet_v2_x1_0": (24, 116, 232, 464),
    "mnasnet1_0": (24, 40, 96, 320),
    "resnext50_32x4d": (256, 512, 1024, 2048),
}
"""As the papers' tables have them."""


def test_families_without_a_pyramid_are_the_few_that_have_none() -> None:
    without = {family_of(builder).name for builder in BUILDERS} - {family_of(builder).name for builder in WITH_MAPS}
    assert without == {"alexnet", "squeezenet", "inception", "googlenet", "vit", "maxvit"}


@pytest.mark.slow
@pytest.mark.parametrize("builder", WITH_MAPS)
def test_every_network_gives_maps_of_four_strides_whose_gradients_reach_its_trunk(
    builder: str, regnets_on_meta: None
) -> None:
    """On torch's meta device."""
    card = next(card for card in CARDS if card.name == builder)
    with torch.device("meta"):
        body, _ = take_apart(builder, build({name: card.architecture[name] for name in ARCHITECTURE}, 2))
        blocks = [body.get_submodule(name) for name in trunk_of(builder, body)]
        images = torch.empty(2, 3, 96, 160)
        maps = feature_pyramid(blocks, images, channels_last=family_of(builder).channels_last)
    torch.stack([one.sum() for one in maps]).sum().backward()

    assert [tuple(one.shape[-2:]) for one in maps] == [(24, 40), (12, 20), (6, 10), (3, 5)]
    assert tuple(one.shape[1] for one in maps) == CHANNELS.get(builder, tuple(one.shape[1] for one in maps))
    assert [name for block in blocks for name, one in block.named_parameters() if one.grad is None] == []


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["mobilenet_v2", "swin_t", "densenet121"])
def test_a_body_tells_its_levels_and_folding_changes_no_map(
    builder: str, card, make_run: Callable[..., TrainingRun]
) -> None:
    body = TorchvisionBody(make_run(card(builder)))
    images = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        before = body.feature_maps(body.module.eval(), images)
        body.fold_for_maps()
        after = body.feature_maps(body.module, images)

    assert "levels" in body.provides
    assert [tuple(level) for level in body.levels] == list(zip(CHANNELS[builder], (4, 8, 16, 32), strict=True))
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_a_transformer_of_one_stride_has_no_levels(card, make_run: Callable[..., TrainingRun]) -> None:
    body = TorchvisionBody(make_run(card("vit_b_32")))
    assert body.provides == {"pooled"}
    assert body.levels == ()
