"""The scripts in bench/ find what they import of zoo: some are run on rented machines only, whose minutes count."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "bench"
SCRIPTS = sorted(path.stem for path in BENCH.glob("*.py"))


def tree(script: str) -> ast.Module:
    return ast.parse((BENCH / f"{script}.py").read_text(encoding="utf-8"))


def imported(script: str) -> Iterator[tuple[str, str]]:
    """Modules, and the names that a script takes from them."""
    for node in ast.walk(tree(script)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, name.name) for name in node.names)


def is_there(module: str, name: str) -> bool:
    """Whether a module of zoo or its plugins, or another script, has a name; of others nothing is asked."""
    if module in SCRIPTS:
        nodes = [*ast.walk(tree(module))]
        assigned = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        return name in assigned | {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    if not module.startswith(("zoo.", "zoo_")):
        return True
    found = importlib.import_module(module)
    return hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}") is not None


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_a_script_imports_is_there(script: str) -> None:
    assert [] == [f"{module}.{name}" for module, name in imported(script) if not is_there(module, name)]
