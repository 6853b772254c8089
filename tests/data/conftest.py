"""What the tests of data share: two tasks and a way to write files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.tasks import get_task
from zoo.tasks.task import Task

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def classify() -> Task:
    return get_task("text-classification")


@pytest.fixture
def fill_mask() -> Task:
    return get_task("fill-mask")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    """Counts words, and one token more for the start."""
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0, "[CLS]": 1}, unk_token="[UNK]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    words.post_processor = tokenizers.processors.TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 1)])
    words.enable_truncation(4)
    words.enable_padding(length=4)
    path = tmp_path / "tokenizer.json"
    words.save(str(path))
    return path
