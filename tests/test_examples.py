"""The examples of the docs, installed from wheels as a stranger would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.wheel_factory import ROOT, build_wheel, clean_venv, run_tests

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


@pytest.mark.slow
def test_a_task_of_its_own_and_its_model_take_120_lines(dist: Path, tmp_path: Path, store: Path) -> None:
    project = EXAMPLES / "zoo-pairs"
    venv = clean_venv(tmp_path / "venv", str(build_wheel(ROOT, dist)), f"{build_wheel(project, dist)}[test]")
    data = tmp_path / "pairs.csv"
    words = [f"{one} {other}" for one in ("late", "red", "lost") for other in ("parcel", "shoe", "lamp", "key")]
    pairs = [(words[n % 12], words[(n + n % 2 * 5) % 12], "different" if n % 2 else "same") for n in range(48)]
    data.write_text("question1,reply,label\n" + "".join(f"{','.join(pair)}\n" for pair in pairs))
    flags = ("--data", str(data), "--column", "second=reply")
    trained = venv.zoo("finetune", "shared-words", *flags, "--name", "duplicates", "--eval-share", "0.25")
    answered = venv.zoo("predict", "duplicates", "lost key", "lost key")
    as_json = venv.zoo("predict", "duplicates", "--file", str(data), "--json")
    tested = run_tests(venv, project / "tests", tmp_path)

    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "accuracy 1.0000" in trained.stdout, trained.stderr
    assert ["lost key | lost key", "  same", "  in both: key, lost"] == [
        line[: len("  in both: key, lost")].split(" \u2501")[0].rstrip() for line in answered.stdout.splitlines()
    ]
    first = json.loads(as_json.stdout.splitlines()[0])
    assert {"first": "late parcel", "second": "late parcel"} == first["input"]
    assert ("relation", "same") == (first["prediction"]["type"], first["prediction"]["label"])
    modules = (project / "zoo_pairs" / name for name in ("__init__.py", "task.py", "plugin.py"))
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in modules) <= 120


@pytest.mark.slow
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
