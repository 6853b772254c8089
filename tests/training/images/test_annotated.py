"""What is marked in a picture stays where it is marked, whatever becomes of the picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.training.images.annotated import IGNORED, AnnotatedAugmentation, AnnotatedImage, Canvas

GREY = (90, 90, 90)
CANVAS = Canvas(128, 96, (124, 116, 104))


def picture(width: int = 200, height: int = 150) -> AnnotatedImage:
    """A red and a green rectangle on grey, each with its box."""
    pixels = np.full((height, width, 3), GREY, dtype=np.uint8)
    boxes = torch.tensor([[20.0, 30.0, 60.0, 70.0], [120.0, 80.0, 190.0, 140.0]])
    for (left, top, right, bottom), colour in zip(boxes.int().tolist(), [(255, 0, 0), (0, 255, 0)], strict=True):
        pixels[top:bottom, left:right] = colour
    return AnnotatedImage.with_boxes(Image.fromarray(pixels), boxes, torch.tensor([0, 1]))


def colours_within(view: AnnotatedImage) -> list[tuple[float, float]]:
    """Mean red and green of what each box holds, without its edges, which are interpolated."""
    pixels = view.pixels().float()
    boxes = [[int(value) for value in box] for box in view.boxes.tolist()]
    inner = [pixels[top + 2 : bottom - 1, left + 2 : right - 1] for left, top, right, bottom in boxes]
    return [tuple(part.reshape(-1, 3).mean(0)[:2].tolist()) for part in inner]


def test_boxes_hold_what_they_held() -> None:
    augment = AnnotatedAugmentation(CANVAS, crop_scale=0.2, flip=True, rotate=0, jitter=0)
    counts = set()
    for seed in range(60):
        view = augment(picture(), seed)
        counts.add(len(view.boxes))
        assert view.image.size == (128, 96)
        assert len(view.boxes) == len(view.labels) >= 1
        for label, box, (red, green) in zip(view.labels.tolist(), view.boxes, colours_within(view), strict=True):
            if (box[2:] - box[:2]).min() > 5:
                assert (red > 240, green > 240) == (label == 0, label == 1)
    assert counts == {1, 2}


def test_boxes_lie_within_and_have_an_area() -> None:
    augment = AnnotatedAugmentation(CANVAS, crop_scale=0.05, flip=True, rotate=45, jitter=0.5)
    for seed in range(100):
        boxes = augment(picture(), seed).boxes
        assert (boxes >= 0).all()
        assert (boxes <= torch.tensor([128, 96, 128, 96])).all()
        assert ((boxes[:, 2:] - boxes[:, :2]) >= 1).all()


def test_a_view_is_a_function_of_its_seed_alone() -> None:
    augment = AnnotatedAugmentation(CANVAS, crop_scale=0.2, flip=True, rotate=20, jitter=0.4)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    views = [augment(picture(), seed) for seed in range(20)]
    again = [augment(picture(), seed) for seed in range(20)]

    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a.pixels(), b.pixels()) for a, b in zip(views, again, strict=True))
    assert all(torch.equal(a.boxes, b.boxes) for a, b in zip(views, again, strict=True))
    assert len({view.image.tobytes() for view in views}) == 20


def test_half_of_the_views_of_a_picture_with_boxes_show_all_of_it() -> None:
    """A mask is seen in parts alone."""
    augment = AnnotatedAugmentation(CANVAS, crop_scale=0.2, flip=False, rotate=0, jitter=0)
    masked = AnnotatedImage.with_mask(picture().image, np.zeros((150, 200), dtype=np.uint8))
    placed = CANVAS.place(picture()).pixels()
    shares = [
        np.mean([augment(annotated, seed).pixels().equal(placed) for seed in range(200)])
        for annotated in (picture(), masked)
    ]

    assert 0.4 < shares[0] < 0.6
    assert shares[1] < 0.05


def test_everything_off_places_the_whole_picture() -> None:
    plain = AnnotatedAugmentation(CANVAS, crop_scale=1.0, flip=False, rotate=0, jitter=0)
    view, placed = plain(picture(), 3), CANVAS.place(picture())

    assert torch.equal(view.pixels(), placed.pixels())
    assert torch.allclose(view.boxes, picture().boxes * 0.64)


def test_a_picture_without_boxes_stays_one() -> None:
    empty = AnnotatedImage.with_boxes(picture().image, torch.zeros(0), torch.zeros(0, dtype=torch.long))
    view = AnnotatedAugmentation(CANVAS, crop_scale=0.2, flip=True, rotate=9, jitter=0.1)(empty, 5)

    assert view.boxes.shape == (0, 4)
    assert view.labels.shape == (0,)


def test_a_mask_goes_with_its_picture_and_gains_no_class() -> None:
    whole = picture()
    mask = np.zeros((150, 200), dtype=np.uint8)
    for label, box in enumerate(whole.boxes.int().tolist(), start=3):
        mask[box[1] : box[3], box[0] : box[2]] = label
    augment = AnnotatedAugmentation(CANVAS, crop_scale=0.3, flip=True, rotate=30, jitter=0)
    for seed in range(30):
        view = augment(AnnotatedImage.with_mask(whole.image, mask), seed)
        assert view.mask.shape == (96, 128)
        assert set(view.mask.unique().tolist()) <= {0, 3, 4, IGNORED}
        red = (view.pixels()[..., 0] > 250) & (view.pixels()[..., 1] < 5)
        assert (view.mask[red] == 3).float().mean() > 0.9 or not red.any()


def test_what_lies_beside_a_picture_is_ignored_and_of_the_mean_colour() -> None:
    narrow = AnnotatedImage.with_mask(Image.new("RGB", (50, 100)), np.ones((100, 50), dtype=np.uint8))
    placed = CANVAS.place(narrow)

    assert placed.mask[:, :48].unique().tolist() == [1]
    assert placed.mask[:, 48:].unique().tolist() == [IGNORED]
    assert placed.pixels()[0, 100].tolist() == [124, 116, 104]


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3), (97, 96)])
def test_pictures_of_any_shape_fill_the_canvas(size: tuple[int, int]) -> None:
    annotated = AnnotatedImage.with_boxes(Image.new("RGB", size), torch.tensor([[0, 0, *size]]), torch.tensor([0]))
    augment = AnnotatedAugmentation(CANVAS, crop_scale=0.05, flip=True, rotate=180, jitter=0.9)

    assert {augment(annotated, seed).image.size for seed in range(5)} == {(128, 96)}


def test_a_canvas_is_of_the_usual_shape_of_the_pictures() -> None:
    mean = (0.485, 0.456, 0.406)

    assert Canvas.of([(640, 480)] * 3 + [(100, 900)], 320, 32, mean) == Canvas(320, 256, (124, 116, 104))
    assert Canvas.of([(480, 640)], 256, 32, mean) == Canvas(192, 256, (124, 116, 104))
    assert Canvas.of([(7, 4000)], 320, 32, mean) == Canvas(32, 320, (124, 116, 104))
