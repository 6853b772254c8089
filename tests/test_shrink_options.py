"""How a model is made smaller, as it is asked for and as it is read again."""

from __future__ import annotations

import pytest

from zoo.errors import Unsupported
from zoo.options import parse
from zoo.shrink_options import ONNX, ShrinkOptions


def test_what_was_tried_elsewhere_can_be_read_where_its_packages_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.shrink_options.find_spec", lambda name: None)
    options = parse(ShrinkOptions, {"formats": f"int8,{ONNX}"})

    assert ("int8", ONNX) == options.candidates
    with pytest.raises(Unsupported, match="needs onnx, onnxscript, onnxruntime, not installed here"):
        options.check_packages()
    parse(ShrinkOptions, {"formats": "int8"}).check_packages()
