"""The pictures that plugins are tested with show what their rows say: shapes, several in some, and once nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo.data import Dataset, load
from zoo.kinds.image_samples import SIZES
from zoo.kinds.mask_decoding import read_mask
from zoo.kinds.samples import LABELS
from zoo.tasks import get_task
from zoo.testing.samples import Samples

COLOURS = {"007": (200, 40, 40), "late parcel": (40, 200, 40), "réclamation": (40, 40, 200)}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return Samples(tmp_path_factory.mktemp("samples"))


def loaded(samples: Samples, name: str) -> Dataset:
    task = get_task(name)
    return load(samples.labelled(task), task)


def pixels_of(picture: str) -> np.ndarray[Any, Any]:
    with Image.open(picture) as image:
        return np.asarray(image)


def shown(picture: str, label: str) -> np.ndarray[Any, Any]:
    """Which pixels have the colour of a label."""
    return np.asarray((pixels_of(picture) == np.array(COLOURS[label])).all(-1))


def test_boxes_lie_around_all_shapes_of_their_labels(samples: Samples) -> None:
    dataset = loaded(samples, "object-detection")
    for example in dataset.examples:
        for label in LABELS:
            boxes = [box for box in example.target if box.label == label]
            within = np.zeros_like(shown(example.input, label))
            for box in boxes:
                place = np.s_[int(box.top) : int(box.bottom) + 1, int(box.left) : int(box.right) + 1]
                rows, columns = np.nonzero(shown(example.input, label)[place])
                assert box.bottom - box.top - np.ptp(rows) in (0, 1)
                assert box.right - box.left - np.ptp(columns) in (0, 1)
                within[place] = True
            assert not (shown(example.input, label) & ~within).any()

    counts = Counter(len({box.label for box in example.target}) for example in dataset.examples)
    assert counts == {0: 1, 1: 36, 2: 8}
    assert max(len(example.target) for example in dataset.examples) == 2
    assert {pixels_of(example.input).shape[1::-1] for example in dataset.examples} == set(SIZES)


def test_masks_have_the_pixels_of_shapes(samples: Samples) -> None:
    labels = ("background", *LABELS)
    for example in loaded(samples, "image-segmentation").examples:
        mask = read_mask(example.target, labels, pixels_of(example.input).shape[1::-1])
        assert isinstance(mask, np.ndarray)
        for index, label in enumerate(LABELS, start=1):
            coloured = shown(example.input, label)
            assert (mask == index)[coloured].mean() > 0.85 if coloured.any() else not (mask == index).any()
            assert not (mask == index)[~coloured].any()


def test_what_is_asked_shows_one_shape_and_several_and_none(samples: Samples) -> None:
    inputs = samples.inputs(get_task("object-detection"))
    of_picture = {Path(example.input): example.target for example in loaded(samples, "object-detection").examples}

    assert {len(of_picture[Path(path)]) for path in inputs} == {0, 1, 2}
    assert {box.label for path in inputs for box in of_picture[Path(path)]} == set(LABELS)
