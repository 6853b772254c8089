"""Who answers with the files of a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zoo.runs.result import ONNX_FACTS, ONNX_FILE, ONNX_MARK, answers_by_onnx


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (None, False),
        ("{", False),
        ("[]", False),
        (json.dumps({"form": "tokens"}), False),  # such as a plugin, or an export, writes
        (json.dumps({"form": "tokens", **ONNX_MARK}), True),
    ],
)
def test_a_network_is_its_plugins_unless_zoo_has_marked_it(tmp_path: Path, facts: str | None, expected: bool) -> None:
    if facts is not None:
        (tmp_path / ONNX_FACTS).write_text(facts)
    assert not answers_by_onnx(tmp_path)
    (tmp_path / ONNX_FILE).write_bytes(b"")
    assert expected == answers_by_onnx(tmp_path)
