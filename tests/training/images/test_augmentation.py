"""Views are functions of a seed, of the size asked for, and no stranger than the options allow."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from zoo.training.images import Augmentation

GRADIENT = Image.fromarray(np.linspace(0, 255, 40 * 60 * 3).reshape(40, 60, 3).astype(np.uint8))
PLAIN = Augmentation(size=16, crop_scale=1.0, flip=False, rotate=0, jitter=0)


def test_a_view_is_a_function_of_its_seed() -> None:
    augment = Augmentation(size=16, crop_scale=0.2, flip=True, rotate=20, jitter=0.4, grey=0.2)

    views = [augment(GRADIENT, seed) for seed in range(30)]
    again = [augment(GRADIENT, seed) for seed in range(30)]

    assert all(np.array_equal(a, b) for a, b in zip(views, again, strict=True))
    assert len({view.tobytes() for view in views}) == 30
    assert {(view.shape, view.dtype.name) for view in views} == {((16, 16, 3), "uint8")}


@pytest.mark.parametrize("size", [(8, 8), (3, 200), (200, 3), (1, 1), (640, 427)])
def test_every_shape_of_image_gives_a_view(size: tuple[int, int]) -> None:
    augment = Augmentation(size=16, crop_scale=0.05, flip=True, rotate=180, jitter=0.9, grey=1.0)

    assert augment(Image.new("RGB", size, "teal"), 7).shape == (16, 16, 3)


def test_everything_off_shows_nearly_all_of_the_image() -> None:
    """A part of the whole area and a shape other than that of the image cannot both be had; the middle is taken."""
    square = Image.fromarray(np.asarray(GRADIENT)[:, 10:50])
    views = {PLAIN(square, seed).tobytes() for seed in range(20)}

    assert views == {np.asarray(square.resize((16, 16), Image.Resampling.BILINEAR)).tobytes()}


def test_flips_are_half_of_the_views() -> None:
    square = Image.fromarray(np.asarray(GRADIENT)[:, :40])
    augment = Augmentation(size=40, crop_scale=1.0, flip=True, rotate=0, jitter=0)
    mirrored = [augment(square, seed)[0, 0, 0] > augment(square, seed)[0, -1, 0] for seed in range(200)]

    assert 70 < sum(mirrored) < 130


def test_crops_are_no_smaller_than_the_share_asked_for() -> None:
    """Measured on an image whose values tell the place."""
    ramp = np.zeros((100, 100, 3), dtype=np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(100)[:, None], np.arange(100)[None]
    augment = Augmentation(size=100, crop_scale=0.5, flip=False, rotate=0, jitter=0)
    shares = []
    for seed in range(50):
        view = augment(Image.fromarray(ramp), seed).astype(int)
        shares.append((np.ptp(view[..., 0]) + 1) * (np.ptp(view[..., 1]) + 1) / 100**2)

    assert 0.45 < min(shares) < 0.65
    assert max(shares) > 0.8


def test_colour_changes_stay_in_bounds_and_grey_takes_colour_away() -> None:
    colours = Image.new("RGB", (20, 20), (200, 100, 50))
    bright = Augmentation(size=4, crop_scale=1.0, flip=False, rotate=0, jitter=0.3)
    grey = Augmentation(size=4, crop_scale=1.0, flip=False, rotate=0, jitter=0.0, grey=1.0)

    reds = [int(bright(colours, seed)[0, 0, 0]) for seed in range(100)]
    assert 130 <= min(reds) < 180
    assert max(reds) > 220
    assert len(set(grey(colours, 1)[0, 0].tolist())) == 1
