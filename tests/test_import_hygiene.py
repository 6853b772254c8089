"""Starting up is cheap: what a person does not use is not imported, and the public names are what they say."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import zoo

HEAVY = {
    "torch",
    "transformers",
    "torchvision",
    "numpy",
    "pyarrow",
    "textual",
    "rich",
    "httpx",
    "huggingface_hub",
    "accelerate",
    "peft",
    "safetensors",
    "tokenizers",
}

TASK_PACKAGES = {"answers", "data", "kinds", "metrics", "rendering"}
"""Packages of zoo that only the work on a task needs; cards name tasks."""

COMMAND = "import runpy, sys\nsys.argv = ['zoo', {words}]\nrunpy.run_module('zoo', run_name='__main__')"

REPORT = """
import atexit, json, sys
opened = []
sys.addaudithook(lambda event, values: opened.append(str(values[0])) if event == "open" else None)
def report():
    document = {{"modules": sorted(sys.modules), "opened": opened.copy()}}
    with open({path!r}, "w") as file:
        json.dump(document, file)
atexit.register(report)
"""


def report_of(code: str, path: Path) -> dict[str, list[str]]:
    """The modules a process has imported when it ends, and the files it has opened, each as often as it did."""
    subprocess.run(
        [sys.executable, "-c", REPORT.format(path=str(path)) + code], capture_output=True, timeout=60, check=True
    )
    document: dict[str, list[str]] = json.loads(path.read_text())
    return document


def imported_by(code: str, path: Path) -> set[str]:
    """Names of the modules a process has imported when it ends."""
    return set(report_of(code, path)["modules"])


@pytest.mark.parametrize(
    "code",
    [
        "import zoo",
        COMMAND.format(words="'--help'"),
        COMMAND.format(words="'ls'"),
        COMMAND.format(words="'ls', '--json'"),
        COMMAND.format(words="'plugins'"),
        "import zoo.plugins\nassert not zoo.plugins.load_plugins()[1]",
        "import zoo\nzoo.models()",
    ],
)
def test_nothing_heavy_is_imported(code: str, tmp_path: Path) -> None:
    assert HEAVY & imported_by(code, tmp_path / "modules.json") == set()


def test_a_list_of_models_imports_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    unneeded = {"logging", "subprocess", "zoo.devices", "zoo.runs.request", "zoo.sites.messages"}
    assert unneeded & imported_by(COMMAND.format(words="'ls'"), tmp_path / "modules.json") == set()


def test_nothing_heavy_is_imported_for_the_flags_of_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_PLUGINS", "echo")
    modules = imported_by(COMMAND.format(words="'finetune', 'echo', '--help'"), tmp_path / "modules.json")

    assert "zoo_echo.plugin" in modules
    assert HEAVY & modules == set()


def test_asking_a_model_imports_nothing_that_only_runs_need(tmp_path: Path) -> None:
    modules = imported_by(COMMAND.format(words="'predict', '--help'"), tmp_path / "modules.json")

    assert "zoo.cli.predict" in modules
    assert {"zoo.api", "zoo.requests", "zoo.runs.context", "zoo.runs.attempt", "zoo.cli.watching"} & modules == set()


def test_the_overview_imports_hardly_anything(tmp_path: Path) -> None:
    without = imported_by("pass", tmp_path / "without.json")
    modules = imported_by(COMMAND.format(words="'--help'"), tmp_path / "modules.json") - without

    assert {name for name in modules if name.partition(".")[0] == "zoo"} == {
        "zoo",
        "zoo.cli",
        "zoo.cli.commands",
        "zoo.suggestions",
    }
    assert {"argparse", "typing"} & modules == set()


def test_import_zoo_brings_only_itself(tmp_path: Path) -> None:
    modules = imported_by("import zoo", tmp_path / "modules.json")

    assert {name for name in modules if name.partition(".")[0] == "zoo"} == {"zoo"}


@pytest.mark.parametrize("words", ["'ls'", "'ls', '--task', 'text-regression', 'bert'"])
def test_a_list_of_models_imports_nothing_that_tasks_are_made_of(words: str, tmp_path: Path) -> None:
    modules = imported_by(COMMAND.format(words=words), tmp_path / "modules.json")
    rooms = {name.removeprefix("zoo.") for name in modules if name.startswith("zoo.")}

    assert {"catalog", "tasks"} <= rooms
    assert {room for room in rooms if room.partition(".")[0] in TASK_PACKAGES} == set()
    assert {room for room in rooms if room.startswith("tasks.")} == set()


def test_a_list_of_models_reads_what_is_installed_once(tmp_path: Path) -> None:
    opened = report_of(COMMAND.format(words="'ls'"), tmp_path / "report.json")["opened"]
    counts = Counter(path for path in opened if path.endswith("entry_points.txt"))

    assert counts
    assert set(counts.values()) == {1}


def test_the_first_frame_of_the_terminal_ui_imports_nothing_that_only_a_job_needs(tmp_path: Path) -> None:
    modules = imported_by("import zoo.tui.app, zoo.tui.screens.models", tmp_path / "modules.json")

    assert {"zoo.api", "zoo.cache", "zoo.data", "zoo.requests", "zoo.runs.launcher"} & modules == set()


def test_plugin_names_imports_no_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_PLUGINS", "echo")
    code = "import zoo.plugins\nassert zoo.plugins.plugin_names() == ('echo',)"

    assert "zoo_echo.plugin" not in imported_by(code, tmp_path / "modules.json")


@pytest.mark.parametrize("name", zoo.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(zoo, name) is not None
    assert name in dir(zoo)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'finetun'"):
        zoo.finetun  # noqa: B018


def test_type_checkers_are_told_exactly_the_public_names_and_where_they_live() -> None:
    assert zoo.__file__ is not None
    tree = ast.parse(Path(zoo.__file__).read_text("utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    public_names = {alias.asname: (node.module, alias.name) for node in imports for alias in node.names}

    assert sorted(name for name in public_names if name) == sorted(set(zoo.__all__) - {"__version__"})
    for public, (module, name) in public_names.items():
        assert public == name
        assert module is not None
        assert getattr(importlib.import_module(module), name) is getattr(zoo, name)
