"""Average precision of boxes: that of pycocotools, in parts and as a whole, and never -1."""

from __future__ import annotations

import contextlib
import io
import pickle
import random
from typing import Any, NamedTuple

import numpy as np
import pytest

from zoo.blocks import Table
from zoo.metrics import DetectionMetrics
from zoo.metrics.average_precision import _average_precisions

LABELS = ("cell", "late parcel", "réclamation")
Boxes = list[tuple[float, ...]]


class Scene(NamedTuple):
    truths: Boxes
    answers: Boxes


def drawn(seed: int, pictures: int, classes: int = 3, *, answers: int = 30) -> list[Scene]:
    """Pictures with boxes, some with none, and answers that know something of them."""
    draw = random.Random(seed)
    scenes = []
    for _ in range(pictures):
        truths: Boxes = []
        for _ in range(draw.randrange(6)):
            left, top, width, height = (draw.uniform(5, 200) for _ in range(4))
            truths.append((draw.randrange(classes), left, top, left + width, top + height))
        answered: Boxes = []
        for _ in range(draw.randrange(answers)):
            near = draw.choice(truths) if truths else (0, 10.0, 10.0, 90.0, 90.0)
            corners = [value + draw.gauss(0, 6) for value in near[1:]]
            index = near[0] if draw.random() < 0.8 else draw.randrange(classes)
            answered.append((index, *corners, draw.random()))
        scenes.append(Scene(truths, answered))
    return scenes


def metrics_of(scenes: list[Scene]) -> DetectionMetrics:
    metrics = DetectionMetrics(LABELS)
    for scene in scenes:
        metrics.update(*scene)
    return metrics


def of_pycocotools(scenes: list[Scene]) -> Any:
    """Its own summary, and its table of precisions."""
    coco, cocoeval = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")

    def rows(name: str) -> list[dict[str, Any]]:
        found = [(number, box) for number, scene in enumerate(scenes) for box in getattr(scene, name)]
        return [
            {
                "id": i,
                "image_id": number,
                "category_id": box[0],
                "bbox": [box[1], box[2], box[3] - box[1], box[4] - box[2]],
                "area": (box[3] - box[1]) * (box[4] - box[2]),
                "iscrowd": 0,
                **({"score": box[5]} if name == "answers" else {}),
            }
            for i, (number, box) in enumerate(found, start=1)
        ]

    truths = coco.COCO()
    truths.dataset = {
        "images": [{"id": number} for number in range(len(scenes))],
        "categories": [{"id": i, "name": name} for i, name in enumerate(LABELS)],
        "annotations": rows("truths"),
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truths.createIndex()
        evaluation = cocoeval.COCOeval(truths, truths.loadRes(rows("answers")), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.mark.parametrize("seed", range(6))
def test_figures_are_those_of_pycocotools(seed: int) -> None:
    scenes = drawn(seed, pictures=5 + 8 * seed, answers=30 if seed else 300)
    evaluation = of_pycocotools(scenes)
    metrics = metrics_of(scenes)

    expected = dict(zip(("map", "ap50", "ap75"), evaluation.stats[:3].tolist(), strict=True))
    assert metrics.compute() == pytest.approx(expected, abs=1e-9)
    (table,) = metrics.report()
    assert isinstance(table, Table)
    by_class = evaluation.eval["precision"][:, :, :, 0, 2]
    counts = [sum(box[0] == index for scene in scenes for box in scene.truths) for index in range(3)]
    for index, row in enumerate(table.rows):
        assert (row[0], row[3]) == (LABELS[index], counts[index])
        assert row[1:3] == pytest.approx((by_class[:, :, index].mean(), by_class[0, :, index].mean()), abs=1e-9)


def test_parts_of_several_processes_make_the_whole() -> None:
    scenes = drawn(1, pictures=20)
    first, *others = (metrics_of(scenes[start::3]) for start in range(3))
    first.update([], [], loss=1.5, weight=3)
    others[0].update([], [], loss=0.5, weight=1)
    for other in others:
        first.merge(pickle.loads(pickle.dumps(other)))

    assert first.compute() == pytest.approx({**metrics_of(scenes).compute(), "loss": 1.25})


def test_a_part_with_classes_in_another_order_counts_them_by_name() -> None:
    here, there = DetectionMetrics(("cat", "dog")), DetectionMetrics(("dog", "cow"))
    here.update([(0, 0, 0, 10, 10)], [(0, 0, 0, 10, 10, 0.9)])
    there.update([(0, 0, 0, 10, 10), (1, 20, 20, 40, 40)], [(0, 0, 0, 10, 10, 0.8)])
    here.merge(there)

    assert here.compute() == pytest.approx({"map": 2 / 3, "ap50": 2 / 3, "ap75": 2 / 3})
    assert here.report()[0].rows == (("cat", 1.0, 1.0, 1), ("dog", 1.0, 1.0, 1), ("cow", 0.0, 0.0, 1))


def test_more_pictures_change_the_figures() -> None:
    metrics = DetectionMetrics(LABELS)
    metrics.update([(0, 0, 0, 10, 10)], [(0, 0, 0, 10, 10, 0.9)])
    assert metrics.compute()["map"] == pytest.approx(1.0)
    metrics.update([(0, 0, 0, 10, 10)], [])
    assert metrics.compute()["map"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("answers", [[], [(0, 0, 0, 10, 10, 0.9)]], ids=["nothing found", "wrongly found"])
def test_what_has_no_value_is_left_out(answers: Boxes) -> None:
    """No picture has a box: there is nothing that could be found."""
    metrics = DetectionMetrics(LABELS)
    assert (metrics.compute(), metrics.report()) == ({}, ())

    metrics.update([], answers, loss=2.0)
    assert metrics.compute() == {"loss": 2.0}
    assert metrics.report()[0].rows == tuple((label, None, None, 0) for label in LABELS)


def test_a_class_without_boxes_has_no_figures_and_none_found_is_zero() -> None:
    metrics = DetectionMetrics(LABELS)
    metrics.update([(1, 0, 0, 10, 10)], [])

    assert metrics.compute() == {"map": 0.0, "ap50": 0.0, "ap75": 0.0}
    assert metrics.report()[0].rows == (
        (LABELS[0], None, None, 0),
        (LABELS[1], 0.0, 0.0, 1),
        (LABELS[2], None, None, 0),
    )


@pytest.mark.parametrize("seed", range(4))
def test_drawing_each_picture_once_gives_the_figures_themselves(seed: int) -> None:
    metrics = metrics_of(drawn(seed, 40))
    classes = list(metrics._ranked())
    once = np.stack([_average_precisions(np.ones((1, 40)), one)[0] for one in classes])
    figures = metrics.compute()
    assert (figures["map"], figures["ap50"], figures["ap75"]) == pytest.approx(
        (once.mean(), once[:, 0].mean(), once[:, 5].mean()),
        abs=1e-3,  # its recalls of 0.29 and the like are a last bit above 29/100
    )


def test_figures_lie_in_their_intervals_which_are_of_pictures() -> None:
    metrics = metrics_of(drawn(7, 60))
    figures, intervals = metrics.compute(), metrics.intervals()
    assert {"map", "ap50", "ap75"} == intervals.keys()
    for name, one in intervals.items():
        assert one.low < figures[name] < one.high
    assert {} == metrics_of([Scene([], [(0, 1.0, 1.0, 5.0, 5.0, 0.9)])] * 30).intervals()
    never = metrics_of([Scene([(0, 1.0, 1.0, 5.0, 5.0)], [])] * 30)
    assert (0.0, {}) == (never.compute()["map"], never.intervals())
