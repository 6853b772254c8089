"""Plugins import what is public and nothing else of zoo, so that everything else can move."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from tests.test_scaffold import TEMPLATED
from tests.wheel_factory import ROOT
from zoo.scaffold import PLAIN_TASK, write_plugin

FOLDERS = ("zoo.training", "zoo.testing")
"""What is public beside the names of `zoo` itself."""
PLUGINS = [
    *sorted(path for path in (ROOT / "plugins").glob("zoo-*/zoo_*") if path.is_dir()),
    *sorted((ROOT / "docs" / "examples").glob("zoo-*")),
]


def imports_of(source: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that is imported, at whatever depth."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def is_public(name: str) -> bool:
    """Whether a plugin may import it; what is not of zoo is its own affair."""
    package, _, rest = name.partition(".")
    if package != "zoo":
        return True
    if any(f"{name}.".startswith(f"{folder}.") for folder in FOLDERS):
        return not any(part.startswith("_") for part in name.split("."))
    return not rest or rest in zoo.__all__


def private_imports(folder: Path) -> list[str]:
    """`file:line name` of each import that is not public, and of those of other plugins."""
    own = {path.name for path in folder.rglob("zoo_*")} | {folder.name}
    return [
        f"{path.relative_to(folder)}:{line} {name}"
        for path in sorted(folder.rglob("*.py"))
        for line, name in imports_of(path.read_text(encoding="utf-8"))
        if not is_public(name) or (name.startswith("zoo_") and name.partition(".")[0] not in own)
    ]


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_imports_public_names_only(folder: Path) -> None:
    assert private_imports(folder) == []


def test_the_tests_of_plugins_take_what_is_public_from_where_it_is() -> None:
    """They may look behind the scenes, but not where there is a public name."""
    private = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in sorted((ROOT / "plugins").glob("*/tests/*.py"))
        for line, name in imports_of(path.read_text(encoding="utf-8"))
        if not is_public(name) and is_public_elsewhere(name)
    ]
    assert private == []


def is_public_elsewhere(name: str) -> bool:
    """Whether it is what `zoo` itself has under the same name."""
    module, _, attribute = name.rpartition(".")
    if attribute not in zoo.__all__:
        return False
    return getattr(importlib.import_module(module), attribute, None) is getattr(zoo, attribute)


@pytest.mark.parametrize(("task", "plain"), [*((task, False) for task in TEMPLATED), (PLAIN_TASK, True)])
def test_so_does_a_new_one(task: str, plain: bool, tmp_path: Path) -> None:
    assert private_imports(write_plugin("new", task, tmp_path, plain=plain)) == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import zoo", []),
        ("from zoo import Card, training", []),
        ("from zoo import catalog", ["1 zoo.catalog"]),
        ("import zoo.runs.events", ["1 zoo.runs.events"]),
        ("def run():\n    from zoo.runs.context import TrainingRun", ["2 zoo.runs.context.TrainingRun"]),
        ("from zoo.training.text import TextBody", []),
        ("from zoo.training.text import _pad", ["1 zoo.training.text._pad"]),
        ("from zoo.trainings import x", ["1 zoo.trainings.x"]),
    ],
)
def test_what_is_not_public_is_named(source: str, names: list[str]) -> None:
    assert [f"{line} {name}" for line, name in imports_of(source) if not is_public(name)] == names
