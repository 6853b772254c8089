"""Whatever depends on which answer or which metric it is, is asked of the answer, the judge or the task."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import zoo
from zoo import answers
from zoo.tasks import BUILT_IN, get_task

SOURCES = Path(str(zoo.__file__)).parent
OWNERS = {"answers", "kinds", "metrics", "scaffold", "tasks"}
"""Packages that are about particular ones."""
PREDICTORS = (
    "training/*/answering.py",
    "training/images/detecting.py",
    "training/images/segmenting.py",
    "training/text/tagging.py",
    "training/*/portable.py",
    "training/*/predictors.py",
    "training/text/generat*.py",
    "training/objectives/*.py",
)
"""What makes answers."""
ALIASES = {SOURCES / "__init__.py", SOURCES / "prediction.py"}
ANSWERS = {
    name
    for name, value in vars(answers).items()
    if isinstance(value, type) and issubclass(value, zoo.Answer) and value is not zoo.Answer
}
METRICS = {"macro_f1", *(get_task(name).primary_metric for name in BUILT_IN)} - {"loss"}


def names_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Answers that a module imports or takes from `zoo`, and metrics that it names, with their lines."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="zoo" | "zoo.prediction") | ast.ImportFrom(module=None):
                yield from ((node.lineno, alias.name) for alias in node.names if alias.name in ANSWERS)
            case ast.ImportFrom(module=str(module)) if module.startswith("zoo.answers"):
                yield from ((node.lineno, alias.name) for alias in node.names if alias.name in ANSWERS)
            case ast.Attribute(value=ast.Name(id="zoo" | "answers"), attr=name) if name in ANSWERS:
                yield node.lineno, name
            case ast.Constant(value=str(name)) if name in METRICS:
                yield node.lineno, name


def test_no_module_names_an_answer_or_a_metric() -> None:
    assert {"Classification", "Embedding", "FilledMask"} <= ANSWERS
    places = [
        f"{path.relative_to(SOURCES)}:{line}: {name}"
        for path in sorted(SOURCES.rglob("*.py"))
        if not OWNERS & {path.relative_to(SOURCES).parts[0]}
        and path not in ALIASES
        and not any(path.relative_to(SOURCES).match(pattern) for pattern in PREDICTORS)
        for line, name in names_in(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert places == []
