"""Boxes of a model lie in their picture, and two answers can be compared."""

from __future__ import annotations

import msgspec
import pytest

from zoo.answers import Detection, Detections, InvalidAnswer

LABELS = frozenset({"cat", "dog"})
CAT = Detection(left=10, top=5, right=20, bottom=40, label="cat", score=0.9)
ANSWER = Detections((CAT, Detection(left=0, top=0, right=50, bottom=40, label="dog", score=0.4)), width=50, height=40)


def test_boxes_up_to_the_edges_are_right_whatever_rounding_makes_of_them() -> None:
    assert ANSWER.checked(LABELS) is ANSWER
    assert ANSWER.checked(frozenset()) is ANSWER
    rounded = msgspec.structs.replace(ANSWER, detections=(msgspec.structs.replace(CAT, left=-1e-5, bottom=40.00001),))
    assert rounded.checked(LABELS) is rounded
    assert Detections((), width=1, height=1).checked(LABELS).detections == ()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"label": "cow"}, "detections[0].label 'cow': labels are those of the model"),
        ({"score": 1.1}, "detections[0].score 1.1: scores are from 0 to 1"),
        ({"score": float("nan")}, "detections[0].score nan: scores are from 0 to 1"),
        ({"score": 0.3}, "detections[1].score 0.4 after 0.3: the best box comes first"),
        ({"left": -1}, "detections[0] from -1, 5 to 20, 40: a box has an area within the picture of 50 x 40"),
        ({"right": 10}, "detections[0] from 10, 5 to 10, 40: a box has an area within the picture of 50 x 40"),
        ({"bottom": 41}, "detections[0] from 10, 5 to 20, 41: a box has an area within the picture of 50 x 40"),
    ],
)
def test_what_makes_no_sense_is_named(change: dict[str, object], fault: str) -> None:
    changed = msgspec.structs.replace(CAT, **change)
    answer = msgspec.structs.replace(ANSWER, detections=(changed, *ANSWER.detections[1:]))

    with pytest.raises(InvalidAnswer) as raised:
        answer.checked(LABELS)
    assert str(raised.value) == fault


def test_numbers_say_where_boxes_are() -> None:
    assert {
        "score of 0 (cat)": 0.9,
        "left of 0 (cat)": 0.2,
        "top of 0 (cat)": 0.125,
        "right of 0 (cat)": 0.4,
        "bottom of 0 (cat)": 1.0,
    }.items() <= ANSWER.numbers().items()
    assert len(ANSWER.numbers()) == 10
