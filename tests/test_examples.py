"""The examples of the docs, installed from wheels as a stranger would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.echo_runs import rows
from tests.wheel_factory import ROOT, build_wheel, clean_venv, run_tests

__all__ = ["rows"]
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for wheels."""
    return tmp_path_factory.mktemp("dist")


@pytest.mark.slow
def test_the_baseline_keeps_the_contract_in_under_eighty_lines(dist: Path, tmp_path: Path) -> None:
    project = EXAMPLES / "zoo-tfidf"
    zoo_wheel, wheel = build_wheel(ROOT, dist), build_wheel(project, dist)
    venv = clean_venv(tmp_path / "venv", str(zoo_wheel), f"{wheel}[test]")
    tested = run_tests(venv, project / "tests", tmp_path)

    assert "torch" not in venv.versions()
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert len((project / "zoo_tfidf" / "plugin.py").read_text(encoding="utf-8").splitlines()) < 80


def test_the_stopwatch_surrounds_the_training_of_another_plugin(
    dist: Path, tmp_path: Path, rows: Path, store: Path
) -> None:
    projects = (ROOT, ROOT / "plugins" / "zoo-echo", EXAMPLES / "zoo-stopwatch")
    venv = clean_venv(tmp_path / "venv", *(str(build_wheel(project, dist)) for project in projects))
    done = venv.zoo("finetune", "echo", "--data", str(rows), "--name", "timed")
    plugins = json.loads(venv.zoo("plugins", "--json").stdout)

    assert done.returncode == 0, done.stderr
    (line,) = (store / "runs" / "timed" / "stopwatch.jsonl").read_text(encoding="utf-8").splitlines()
    noted = json.loads(line)
    assert (noted["model"], noted["metrics"]["accuracy"]) == ("echo", 1.0)
    assert noted["seconds"] > 0
    assert [plugin["name"] for plugin in plugins["plugins"]] == ["echo", "stopwatch"]
    assert plugins["failures"] == []
