"""The options that tasks of zoo bring."""

from __future__ import annotations

import pytest

from zoo.errors import OptionInvalid
from zoo.options import parse
from zoo.tasks.options import CandidateOptions, ClassWeightOptions, candidate_labels, required_labels


@pytest.mark.parametrize(
    ("text", "part"), [("plus=-1", "plus=-1"), ("plus=inf", "plus=inf"), ("a=1,b", "b"), ("=2", "=2")]
)
def test_class_weights_that_cannot_be_read_are_refused(text: str, part: str) -> None:
    with pytest.raises(OptionInvalid) as refused:
        parse(ClassWeightOptions, {"class_weights": text})

    assert refused.value.message == f"--class-weights has '{part}', but takes none, auto or name=weight,name=weight"


def test_class_weights_are_none_auto_or_named() -> None:
    for text in ("none", "auto", "a=1", "a=0, b=2.5", "a=b=2"):
        assert parse(ClassWeightOptions, {"class_weights": text}).class_weights == text


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("a cat, a dog", ("a cat", "a dog")),
        ("one,", ("one",)),
        ('["on, or off", "broken"]', ("on, or off", "broken")),
        ("", ()),
    ],
)
def test_labels_are_named_apart_by_commas_or_in_a_list(text: str, labels: tuple[str, ...]) -> None:
    assert candidate_labels(text) == labels
    assert parse(CandidateOptions, {"labels": text}).labels == text


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"labels": "a, b, a"}, "--labels names 'a' twice"),
        ({"labels": '["a", 1]'}, "--labels is '[\"a\", 1]', which is no JSON list of texts"),
        ({"labels": "a, b", "template": "a photo"}, "--template is 'a photo', which has no place for one label"),
    ],
)
def test_labels_and_templates_that_make_no_sense_are_refused(chosen: dict[str, str], message: str) -> None:
    with pytest.raises(OptionInvalid) as refused:
        parse(CandidateOptions, chosen)

    assert refused.value.message.startswith(message)


def test_a_model_that_needs_labels_says_so() -> None:
    with pytest.raises(OptionInvalid) as refused:
        required_labels(" ,", "clip")

    assert refused.value.message == "clip chooses among labels that you name"
