"""`zoo plugins new`: what it writes works and keeps the contract, as it is."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin_factory import use_site
from tests.plugin_factory import write_plugin as write_distribution
from tests.plugin_site import zoo as command
from tests.wheel_factory import ROOT, Venv, build_wheel, clean_venv, installed_for_now, run_tests
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import OptionInvalid
from zoo.scaffold import PLAIN_TASK, write_plugin
from zoo.tasks import BUILT_IN, get_task

TEXT, IMAGE = "text-classification", "image-classification"
TEMPLATED = [name for name in BUILT_IN if get_task(name).objective]
"""Tasks that there is a template for: something of zoo's learns them."""
FULL = ("fill-mask", "feature-extraction", "image-feature-extraction")
"""A task for each template beside those; others differ by what the task says."""
INTERRUPTED = "run_stops or killed_run"
"""Names of the conformance tests that interrupt runs: half the time of all, and the same wherever the plugin stands."""
LONG = ("object-detection", "image-segmentation")
"""Tasks that take longer to learn than others."""
LEARNT = "training_lowers or gradient or of_the_kind or does_as_its_run_said"
"""Of those that differ by the task."""
STRANGER = """
import zoo

class Relation(zoo.Answer, frozen=True):
    label: str

TASK = zoo.Task(
    name="NAME", summary="of a stranger", input=INPUT, target=zoo.LABEL, answer=ANSWER, objective="OBJECTIVE",
    primary_metric="accuracy", example={"text": "a"}, formats=("CSV",),
)
"""


def stranger(**words: str) -> str:
    """The text of a task that another distribution brings."""
    source = STRANGER
    for place, word in words.items():
        source = source.replace(place.upper(), word)
    return source


@pytest.fixture(scope="module")
def zoo_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """zoo itself, as it would be published."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def with_torch(zoo_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Venv:
    """An environment with zoo and what plugins on torch need: Python compiles torch anew in each."""
    return clean_venv(tmp_path_factory.mktemp("with-torch"), f"{zoo_wheel}[training]")


@pytest.mark.slow
@pytest.mark.parametrize("task", [TEXT, IMAGE])
def test_a_new_plugin_keeps_the_contract_where_nothing_else_is_installed(
    task: str, with_torch: Venv, tmp_path: Path
) -> None:
    project, wheel = new_plugin(tmp_path, "--task", task)
    with installed_for_now(with_torch, f"{wheel}[test]"):
        see_that_it_works(with_torch, project, tmp_path, "-k", f"not ({INTERRUPTED})")


@pytest.mark.slow
def test_a_new_plugin_without_torch_keeps_the_contract_where_there_is_none(
    zoo_wheel: Path, tmp_path: Path, rows: Path
) -> None:
    project, wheel = new_plugin(tmp_path, "--plain")
    venv = clean_venv(tmp_path / "venv", f"{wheel}[test]", str(zoo_wheel))
    see_that_it_works(venv, project, tmp_path)
    trained = venv.zoo("finetune", "my-model-tiny", "--data", str(rows), "--name", "first")
    assert trained.returncode == ExitCode.OK, trained.stderr
    assert not [word for word in ("torch", "parameters") if word in trained.stderr], trained.stderr
    assert "torch" not in venv.versions()


def new_plugin(folder: Path, *words: str) -> tuple[Path, Path]:
    """What the command writes, and its wheel."""
    done = command("plugins", "new", "my-model", *words, "--into", str(folder))
    project = folder / "zoo-my-model"
    assert done.returncode == ExitCode.OK, done.stderr
    assert f"cd {project}" in done.stdout
    return project, build_wheel(project, folder / "dist")


def see_that_it_works(venv: Venv, project: Path, folder: Path, *selection: str) -> None:
    """Test a plugin that is installed, and ask zoo about it."""
    tested = run_tests(venv, project / "tests", folder, *selection)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "my-model-tiny" in venv.zoo("ls").stdout
    assert venv.zoo("plugins").returncode == ExitCode.OK
    assert venv.zoo("plugins", "guide", "contract").stdout.startswith("# The contract")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["new"], "say the name of the new plugin"),
        (["new", "mine"], "say the task of its model"),
        (["new", "Mine", "--task", TEXT], "'Mine' is no name for a plugin"),
        (["new", "../mine", "--task", TEXT], "'../mine' is no name for a plugin"),
        (["new", "zoo-echo", "--task", TEXT], "there is a plugin 'echo' already"),
        (["enable", "echo", "--task", TEXT], "--task, --into and --plain are for a new plugin"),
        (["--into", "x"], "--task, --into and --plain are for a new plugin"),
        (["enable", "echo", "--plain"], "--task, --into and --plain are for a new plugin"),
        (
            ["new", "mine", "--plain", "--task", "image-classification"],
            "there is no template for image-classification without torch",
        ),
    ],
)
def test_what_makes_no_sense_is_told_and_nothing_written(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command("plugins", *words)

    assert done.returncode == ExitCode.USAGE
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def write_all(folder: Path) -> dict[str, Path]:
    """A new plugin for each task that there is a template for, and one without torch, by task or `plain`."""
    folders = {task: write_plugin(f"for-{task}", task, folder) for task in TEMPLATED}
    return folders | {"plain": write_plugin("for-plain", PLAIN_TASK, folder, plain=True)}


def test_there_is_a_plugin_for_every_task_and_it_is_short(tmp_path: Path) -> None:
    for task, folder in write_all(tmp_path).items():
        (package,) = folder.glob("zoo_*")
        texts = {path.name: path.read_text(encoding="utf-8") for path in package.glob("*.py")}
        assert sum(text.count("\n") for text in texts.values()) <= 250, task
        assert f'TASK = "{PLAIN_TASK if task == "plain" else task}"' in texts["cards.py"]
        assert [name for name in texts if "$" in texts[name]] == []


@pytest.mark.slow
def test_what_is_written_is_typed_and_formatted(tmp_path: Path) -> None:
    projects = list(map(str, write_all(tmp_path).values()))
    packages = [str(next(Path(project).glob("zoo_*"))) for project in projects]
    paths = os.pathsep.join([str(ROOT), *projects])
    for words in (
        [
            "mypy",
            "--strict",
            "--config-file",
            str(ROOT / "pyproject.toml"),
            "--cache-dir",
            str(ROOT / ".mypy_cache"),
            *packages,
        ],
        ["ruff", "check", "--no-cache", *projects],
        ["ruff", "format", "--no-cache", "--check", *projects],
    ):
        environment = os.environ | {"MYPYPATH": paths}
        done = subprocess.run(
            [sys.executable, "-m", *words], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stdout + done.stderr


def selections() -> dict[str, tuple[list[str], str]]:
    """Tasks whose plugins are tested by one process, and which tests: all, or those that differ by the task."""
    alone = dict.fromkeys(FULL, "") | dict.fromkeys((TEXT, IMAGE), INTERRUPTED) | dict.fromkeys(LONG, LEARNT)
    together: dict[str, list[str]] = {}
    for task in TEMPLATED:
        if task not in alone:
            together.setdefault(f"{get_task(task).input}s", []).append(task)
    return {task: ([task], tests) for task, tests in alone.items()} | {
        name: (tasks, LEARNT) for name, tasks in together.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("some", selections())
def test_new_plugins_for_all_tasks_keep_the_contract(some: str, tmp_path: Path) -> None:
    tasks, tests = selections()[some]
    projects = [write_plugin(f"for-{task}", task, tmp_path) for task in tasks]
    for project in projects:
        zipfile.ZipFile(build_wheel(project, tmp_path / "dist")).extractall(tmp_path / "site")
    words = ["-q", "-x", "-p", "no:cacheprovider", "-p", "tests.forked_workers", "--import-mode=importlib"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "--rootdir=.", *(["-k", tests] if tests else []), *map(str, projects)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (tmp_path / "site", ROOT)))},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of distributions with tasks, forgotten at the end."""
    use_site(tmp_path / "site", monkeypatch)
    yield tmp_path / "site"
    get_task.cache_clear()


@pytest.mark.parametrize(
    ("name", "fields", "plain"),
    [
        ("tone-learnt", {"input": "zoo.TEXT", "answer": "zoo.Classification", "objective": "m:C"}, False),
        ("tone-counted", {"input": "zoo.TEXT", "answer": "zoo.Classification", "objective": ""}, True),
    ],
)
def test_a_task_of_another_distribution_is_filled_in(
    name: str, fields: dict[str, str], plain: bool, site: Path, tmp_path: Path
) -> None:
    write_distribution(site, name, stranger(name=name, **fields), group="zoo.tasks")
    folder = write_plugin("mine", name, tmp_path)

    assert f'TASK = "{name}"' in (folder / "zoo_mine" / "cards.py").read_text(encoding="utf-8")
    assert (folder / "zoo_mine" / "body.py").exists() != plain


@pytest.mark.slow
def test_a_task_without_a_template_is_told_with_what_to_begin_with(site: Path, tmp_path: Path) -> None:
    pairs = {"input": "zoo.Record('text pair', first=zoo.TEXT, second=zoo.TEXT)", "answer": "Relation", "objective": ""}
    write_distribution(site, "pairing", stranger(name="pairing", **pairs), group="zoo.tasks")
    done = command("plugins", "new", "mine", "--task", "pairing", "--into", str(tmp_path / "new"))
    unknown = command("plugins", "new", "mine", "--task", "text-clasification", "--into", str(tmp_path / "new"))

    assert (done.returncode, unknown.returncode) == (ExitCode.USAGE, ExitCode.USAGE)
    assert "there is no template for pairing: a text pair is answered by a Relation" in done.stderr
    assert f"begin with --task {PLAIN_TASK} --plain" in done.stderr
    assert "did you mean text-classification" in unknown.stderr
    assert not (tmp_path / "new").exists()


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "zoo-mine").mkdir()
    (tmp_path / "zoo-mine" / "work.py").write_text("precious")
    with pytest.raises(OptionInvalid, match="exists already"):
        write_plugin("mine", TEXT, tmp_path)

    assert [path.name for path in (tmp_path / "zoo-mine").iterdir()] == ["work.py"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OptionInvalid, match="cannot be written"):
        write_plugin("mine", TEXT, tmp_path / "file")


def test_the_name_may_stand_after_a_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "new", "--plain", "mine", "--into", str(tmp_path)]) == ExitCode.OK
    assert (tmp_path / "zoo-mine" / "pyproject.toml").exists()
    assert main(["ls", "one", "--json", "two"]) == ExitCode.OK
    assert main(["rm", "one", "-y", "two"]) == ExitCode.USAGE
    assert "there is no run 'one'" in capsys.readouterr().err
