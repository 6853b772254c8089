"""What an evaluation writes of a few pictures: the same ones each time, and few bytes."""

from __future__ import annotations

import io

import pytest

import zoo
from zoo.answers import Classification, Detection, Detections, Score, SegmentedImage
from zoo.blocks import Boxes, Mask
from zoo.data.example import Example
from zoo.rendering.pictures import mask_indexes
from zoo.runs import events
from zoo.runs.sample_pictures import MASK_SIDE, MOST_BOXES, MOST_BYTES, shown_pictures, small_drawing, within_bytes
from zoo.runs.snapshot import EMPTY, apply
from zoo.tasks import get_task

images = pytest.importorskip("PIL.Image")
EXAMPLES = [Example(f"/data/{number}.png") for number in range(10)]


def found(count: int) -> Detections:
    detection = Detection(1.5, 2.5, 30, 40, "cell", 0.75)
    return Detections(detections=(detection,) * count, width=60, height=50)


def test_the_same_few_are_shown_from_the_first_to_the_last() -> None:
    boxes = get_task("object-detection")

    assert {0: "/data/0.png", 2: "/data/2.png", 5: "/data/5.png", 7: "/data/7.png"} == shown_pictures(boxes, EXAMPLES)
    assert {0: "/data/0.png", 1: "/data/1.png"} == shown_pictures(boxes, EXAMPLES[:2])
    assert {} == shown_pictures(boxes, ())
    assert {} == shown_pictures(get_task("image-classification"), EXAMPLES)


def test_boxes_are_no_more_than_can_be_seen() -> None:
    block = small_drawing(found(200), "/data/1.png")

    assert isinstance(block, Boxes)
    assert (MOST_BOXES, "1.png", "/data/1.png") == (len(block.boxes), block.title, block.image)
    assert small_drawing(Classification((Score("a", 1.0),)), "/data/1.png") is None


def test_a_mask_is_made_small_and_keeps_its_values() -> None:
    picture = images.new("L", (2000, 1000), 0)
    picture.paste(1, (1000, 0, 2000, 1000))
    file = io.BytesIO()
    picture.save(file, "PNG")
    block = small_drawing(SegmentedImage(2000, 1000, ("background", "cell"), file.getvalue()), "/data/1.png")

    assert isinstance(block, Mask)
    indexes = mask_indexes(block)
    assert not isinstance(indexes, zoo.Rejected)
    assert ((MASK_SIDE, MASK_SIDE // 2), [0, 1]) == (indexes.size, [indexes.getpixel((x, 9)) for x in (0, 255)])
    assert small_drawing(SegmentedImage(9, 9, ("a",), b"broken"), "/data/1.png") is None


def test_a_log_has_room_for_all_or_for_the_first() -> None:
    block = small_drawing(found(50), "/data/1.png")
    assert block is not None
    event = events.EvaluationCompleted(step=1, metrics={}, rows=9, pictures=within_bytes([block] * 100))

    assert 4 <= len(event.pictures) < 100
    assert len(events.encode(event)) < MOST_BYTES + 1000
    decoded = events.decode(events.encode(event))
    assert event == decoded
    assert event.pictures == apply(EMPTY, event).pictures


def test_the_newest_evaluation_counts_and_older_logs_have_none() -> None:
    old = events.decode(b'{"event":"evaluation_completed","v":1,"at":1.0,"step":3,"metrics":{"loss":1.0},"rows":2}')
    assert isinstance(old, events.EvaluationCompleted)
    assert () == old.pictures
