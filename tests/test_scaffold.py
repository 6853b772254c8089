"""`zoo plugins new`: what it writes works and keeps the contract, as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin_site import zoo as command
from tests.wheel_factory import ROOT, build_wheel, clean_venv, run_tests
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import OptionInvalid
from zoo.scaffold import TASKS, write_plugin


@pytest.fixture(scope="module")
def zoo_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """zoo itself, as it would be published."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*(["--task", task] for task in TASKS), ["--plain"]], ids=lambda kind: kind[-1])
def test_a_new_plugin_keeps_the_contract_where_nothing_else_is_installed(
    kind: list[str], zoo_wheel: Path, tmp_path: Path, rows: Path
) -> None:
    done = command("plugins", "new", "my-model", *kind, "--into", str(tmp_path))
    project = tmp_path / "zoo-my-model"
    wheel = build_wheel(project, tmp_path / "dist")
    venv = clean_venv(tmp_path / "venv", f"{wheel}[test]", str(zoo_wheel))
    tested = run_tests(venv, project / "tests", tmp_path)

    assert done.returncode == ExitCode.OK, done.stderr
    assert f"cd {project}" in done.stdout
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "my-model-tiny" in venv.zoo("ls").stdout
    assert venv.zoo("plugins").returncode == ExitCode.OK
    assert venv.zoo("plugins", "guide", "contract").stdout.startswith("# The contract")
    if kind == ["--plain"]:
        trained = venv.zoo("finetune", "my-model-tiny", "--data", str(rows), "--name", "first")
        assert trained.returncode == ExitCode.OK, trained.stderr
        assert not [word for word in ("torch", "parameters") if word in trained.stderr], trained.stderr
    assert ("torch" in venv.versions()) == (kind != ["--plain"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["new"], "say the name of the new plugin"),
        (["new", "mine"], "say the task of its model"),
        (["new", "Mine", "--task", TASKS[0]], "'Mine' is no name for a plugin"),
        (["new", "../mine", "--task", TASKS[0]], "'../mine' is no name for a plugin"),
        (["new", "zoo-echo", "--task", TASKS[0]], "there is a plugin 'echo' already"),
        (["enable", "echo", "--task", TASKS[0]], "--task, --into and --plain are for a new plugin"),
        (["--into", "x"], "--task, --into and --plain are for a new plugin"),
        (["enable", "echo", "--plain"], "--task, --into and --plain are for a new plugin"),
        (
            ["new", "mine", "--plain", "--task", "image-classification"],
            "there is no template for image-classification without torch",
        ),
    ],
)
def test_what_makes_no_sense_is_told_and_nothing_written(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command("plugins", *words)

    assert done.returncode == ExitCode.USAGE
    assert told in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_task_without_a_template_names_those_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = command("plugins", "new", "mine", "--task", "fill-mask")

    assert done.returncode == ExitCode.USAGE
    assert f"begin with {' or '.join(TASKS)}" in done.stderr


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "zoo-mine").mkdir()
    (tmp_path / "zoo-mine" / "work.py").write_text("precious")
    with pytest.raises(OptionInvalid, match="exists already"):
        write_plugin("mine", TASKS[0], tmp_path)

    assert [path.name for path in (tmp_path / "zoo-mine").iterdir()] == ["work.py"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OptionInvalid, match="cannot be written"):
        write_plugin("mine", TASKS[0], tmp_path / "file")


def test_the_name_may_stand_after_a_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "new", "--plain", "mine", "--into", str(tmp_path)]) == ExitCode.OK
    assert (tmp_path / "zoo-mine" / "pyproject.toml").exists()
    assert main(["ls", "one", "--json", "two"]) == ExitCode.OK
    assert main(["rm", "one", "-y", "two"]) == ExitCode.USAGE
    assert "there is no run 'one'" in capsys.readouterr().err
