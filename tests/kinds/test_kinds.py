"""Kinds: whatever depends on what a value is, is asked of its kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import zoo
from zoo.kinds import INPUT_KINDS, LABEL
from zoo.tasks import BUILT_IN, get_task

SOURCES = Path(str(zoo.__file__)).parent
OWNERS = ("kinds", "tasks", "scaffold", "quickstart")
"""Packages that may name kinds and tasks: they are about particular ones."""
NAMES = "|".join(map(str, (*INPUT_KINDS, LABEL)))
OBJECTS = NAMES.upper()
QUESTION = re.compile(
    rf"""[!=]=\s*["']({NAMES})["']|["']({NAMES})["']\s*[!=]=|case\s+["']({NAMES})["']"""
    rf"""|\bis\s+(not\s+)?({OBJECTS})\b|[!=]=\s*({OBJECTS})\b|\btask_?\.labelled\b"""
)
TASK_NAME = re.compile(rf"""["']({"|".join(BUILT_IN)})["']""")


def sources() -> list[Path]:
    return [
        path
        for path in sorted(SOURCES.rglob("*.py"))
        if path.relative_to(SOURCES).parts[0] not in OWNERS and not path.name.startswith("quickstart")
    ]


@pytest.mark.parametrize("pattern", [QUESTION, TASK_NAME], ids=["which kind a value is", "a task by name"])
def test_no_module_asks_for(pattern: re.Pattern[str]) -> None:
    places = [
        f"{path.relative_to(SOURCES)}:{number}: {line.strip()}"
        for path in sources()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert places == []


def test_each_kind_knows_what_belongs_to_it() -> None:
    names = [column for kind in INPUT_KINDS if not kind.comes_first for column in kind.columns]
    assert len(names) == len(set(names)), "a column cannot tell what it holds if two kinds claim its name"
    for task in map(get_task, BUILT_IN):
        assert {*task.input.roles.values()} <= {*INPUT_KINDS}
        assert {str(kind) for kind in task.input.roles.values()} <= {"text", "image", "prompt", "recording"}
        assert task.input_columns[0] in task.example
