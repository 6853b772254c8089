"""The options that tasks of zoo bring."""

from __future__ import annotations

import pytest

from zoo.errors import OptionInvalid
from zoo.options import parse
from zoo.tasks.options import ClassWeightOptions


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
