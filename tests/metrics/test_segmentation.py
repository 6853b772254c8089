"""Figures of masks equal scikit-learn's, merge, and leave out what is ignored or absent."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from zoo.answers import SegmentedImage
from zoo.answers.answer import InvalidAnswer
from zoo.blocks import Mask, Table
from zoo.kinds import LabelMask
from zoo.kinds.mask import PixelClass
from zoo.metrics import SegmentationMetrics

np = pytest.importorskip("numpy")
skm = pytest.importorskip("sklearn.metrics")

LABELS = ("background", "cat", "dog", "never")


def pictures(seed: int = 0) -> list[tuple[object, object]]:
    """(truth, answer) of four pictures, without the last of the labels; some pixels are ignored."""
    draws = np.random.default_rng(seed)
    truths = draws.integers(0, 3, (4, 9, 7)).astype(np.uint8)
    answers = np.where(draws.random(truths.shape) < 0.6, truths, draws.integers(0, 3, truths.shape)).astype(np.uint8)
    truths[draws.random(truths.shape) < 0.1] = 255
    return list(zip(truths, answers, strict=True))


def test_figures_equal_those_of_scikit_learn() -> None:
    metrics = SegmentationMetrics(LABELS)
    for truth, answer in pictures():
        metrics.update(truth, answer)
    truths, answers = (np.concatenate([pair[side].reshape(-1) for pair in pictures()]) for side in (0, 1))  # type: ignore[attr-defined]
    truths, answers = truths[truths != 255], answers[truths != 255]
    assert metrics.compute() == pytest.approx(
        {
            "miou": skm.jaccard_score(truths, answers, average="macro"),
            "pixel_accuracy": skm.accuracy_score(truths, answers),
            "dice": skm.f1_score(truths, answers, average="macro"),
        },
        abs=1e-9,
    )
    (table,) = metrics.report()
    assert isinstance(table, Table)
    ious = skm.jaccard_score(truths, answers, average=None)
    dices = skm.f1_score(truths, answers, average=None)
    for row, label, iou, dice in zip(table.rows, LABELS, ious, dices, strict=False):
        assert row[0] == label
        assert row[1:3] == pytest.approx((iou, dice), abs=1e-9)
    assert table.rows[3] == ("never", None, None, 0)


def test_merging_is_counting_together_whatever_the_order_of_the_labels() -> None:
    whole, first, other = SegmentationMetrics(LABELS), SegmentationMetrics(LABELS), SegmentationMetrics(LABELS[::-1])
    back = np.array([3, 2, 1, 0, *range(4, 256)], dtype=np.uint8)
    for number, (truth, answer) in enumerate(pictures()):
        whole.update(truth, answer, loss=number)
        if number < 2:
            first.update(truth, answer, loss=number)
        else:
            other.update(back[truth], back[answer], loss=number)
    first.merge(other)
    first.merge(SegmentationMetrics(LABELS))
    assert first.compute() == whole.compute()
    assert first.confusion == whole.confusion
    assert SegmentationMetrics(LABELS).compute() == {}
    assert SegmentationMetrics(LABELS).report() == ()


def test_answers_are_held_against_masks(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(np.array([[0, 0, 9, 9]], np.uint8)).save(tmp_path / "mask.png")
    target = LabelMask((PixelClass("a", 0, 2), PixelClass("b", 9, 2)), 4, 1, str(tmp_path / "mask.png"))
    answer = SegmentedImage.of_indexes(np.array([[1, 1, 0, 1]]), ("b", "a"))
    metrics = SegmentationMetrics(())
    metrics.add(target, answer)
    assert metrics.compute() == pytest.approx({"miou": (2 / 3 + 1 / 2) / 2, "pixel_accuracy": 0.75, "dice": 11 / 15})


def test_an_answer_has_its_shares_and_is_checked() -> None:
    answer = SegmentedImage.of_indexes(np.array([[0, 1, 1], [1, 1, 1]]), ("a", "b", "c"))
    assert answer.numbers() == {"b": pytest.approx(5 / 6), "a": pytest.approx(1 / 6)}
    assert answer.cells().prediction == "b 83.3%, a 16.7%"
    (block,) = answer.blocks("")
    assert isinstance(block, Mask)
    assert (block.width, block.height, block.labels) == (3, 2, ("a", "b", "c"))
    labels = frozenset("abc")
    assert answer.checked(labels) is answer
    with pytest.raises(InvalidAnswer, match="label 'c'"):
        answer.checked(frozenset("ab"))
    with pytest.raises(InvalidAnswer, match="3 x 2"):
        msgspec.structs.replace(answer, width=9).checked(labels)
    with pytest.raises(InvalidAnswer, match="PNG"):
        msgspec.structs.replace(answer, mask=b"GIF").checked(labels)
    assert msgspec.json.decode(msgspec.json.encode(answer), type=SegmentedImage) == answer
