"""What the network sees is, pixel for pixel, what torchvision's published transforms make of the same picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models, transforms

from zoo import Card, ImageInput
from zoo.training.images import Preprocessing

SIZES = [(640, 427), (427, 640), (224, 224), (300, 224), (100, 80), (257, 255), (1000, 251), (33, 97)]


def picture(size: tuple[int, int], seed: int = 0) -> Image.Image:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def of(card: Card) -> Preprocessing:
    assert isinstance(card.input, ImageInput)
    return Preprocessing.of(card.input)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "published"),
    [("resnet50", models.ResNet50_Weights.IMAGENET1K_V2), ("resnet50-v1", models.ResNet50_Weights.IMAGENET1K_V1)],
)
def test_equals_the_published_transforms(
    card: Callable[[str], Card], size: tuple[int, int], name: str, published: models.WeightsEnum
) -> None:
    image = picture(size)
    preprocessing = of(card(name))

    actual = preprocessing.normalise(torch.tensor(preprocessing.crop(image))[None])

    torch.testing.assert_close(actual[0], published.transforms()(image), rtol=0, atol=1e-6)


def test_equals_them_on_a_photograph(card: Callable[[str], Card], photographs: list[Path]) -> None:
    preprocessing = of(card("resnet18"))
    with Image.open(photographs[0]) as image:
        actual = preprocessing.normalise(torch.tensor(preprocessing.crop(image))[None])
        expected = models.ResNet18_Weights.DEFAULT.transforms()(image)

    torch.testing.assert_close(actual[0], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_a_reduced_image_is_cropped_to_the_same_pixels(card: Callable[[str], Card], size: tuple[int, int]) -> None:
    preprocessing = of(card("resnet18"))
    image = picture(size)
    small = preprocessing.reduce(image)

    assert min(small.size) == min(256, *size)
    np.testing.assert_array_equal(preprocessing.crop(small), preprocessing.crop(image))


@pytest.mark.parametrize("size", [(1, 100_000), (100_000, 1), (3, 5000)])
def test_long_strips_do_not_grow_beyond_measure(card: Callable[[str], Card], size: tuple[int, int]) -> None:
    preprocessing = of(card("resnet18"))

    assert preprocessing.crop(Image.new("RGB", size)).shape == (224, 224, 3)
    assert max(preprocessing.reduce(Image.new("RGB", size)).size) <= 4 * 256


def test_another_size_keeps_the_share_of_the_crop() -> None:
    published = Preprocessing(224, 256, (0.5,) * 3, (0.5,) * 3)

    assert (published.at(112).size, published.at(112).resize_size) == (112, 128)
    assert published.at(None) == published
    assert Preprocessing.from_json(published.at(32).to_json()) == published.at(32)


@pytest.mark.parametrize("size", SIZES)
def test_a_squashed_image_shows_all_of_its_width_and_height(size: tuple[int, int]) -> None:
    image = picture(size)
    preprocessing = Preprocessing(56, 64, (0.5,) * 3, (0.5,) * 3, "bicubic", "squash")
    both = transforms.Compose(
        [transforms.Resize((64, 64), transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(56)]
    )

    np.testing.assert_array_equal(preprocessing.crop(image), np.asarray(both(image)))
    np.testing.assert_array_equal(preprocessing.crop(preprocessing.reduce(image)), preprocessing.crop(image))
    assert Preprocessing.from_json(preprocessing.to_json()) == preprocessing
