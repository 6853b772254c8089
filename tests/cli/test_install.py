"""Plugins brought into a real environment by a real uv and a real pip, and put back where they break it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.echo_runs import until
from tests.plugin_site import card, plugin
from tests.processes import popen
from tests.wheel_factory import Venv, new_venv, write_wheel
from zoo.cli.exit_codes import ExitCode

pytestmark = pytest.mark.slow

GOOD = plugin(card("one"), card("two"))
WITHOUT_DEP = {"zoo_models": "0.1.0"}


@pytest.fixture
def venv(tmp_path: Path) -> Venv:
    """An environment with zoo in it, which can do with any zoo-dep but one below 1."""
    venv = new_venv(tmp_path / "env", tmp_path / "wheels")
    for version in ("0.5", "1.0", "2.0"):
        write_wheel(venv.wheels, "zoo-dep", f"VERSION = {version!r}\n", version=version)
    return venv


def write_toy(venv: Venv, source: str = GOOD, version: str = "1.0", **more: object) -> Path:
    return write_wheel(venv.wheels, "zoo-toy", source, version=version, plugin="toy", **more)  # type: ignore[arg-type]


def models(venv: Venv) -> set[str]:
    """Names of the models of the toys."""
    done = venv.zoo("plugins", "--json")
    return {name for one in json.loads(done.stdout)["plugins"] if "toy" in one["name"] for name in one["models"]}


def test_what_would_be_installed_is_shown_and_nobody_there_to_ask_means_no(venv: Venv) -> None:
    write_toy(venv)

    done = venv.zoo("install", "zoo-toy")

    assert done.returncode == ExitCode.USAGE
    assert done.stderr.splitlines() == [
        "warning: a plugin is code that its author lets run here with all your rights",
        "  + zoo-dep 2.0",
        "  + zoo-toy 1.0",
        "error: installing needs a yes, and nobody is there to ask",
        "hint: add -y",
    ]
    assert venv.versions() == WITHOUT_DEP


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
@pytest.mark.parametrize(("answer", "arrived"), [("n\n", False), ("\n", False), ("\x04", False), ("y\n", True)])
def test_at_a_terminal_the_answer_counts(venv: Venv, answer: str, arrived: bool) -> None:
    write_toy(venv)
    ours, theirs = os.openpty()
    os.write(ours, answer.encode())

    done = subprocess.run(
        [str(venv.python), "-P", "-m", "zoo", "install", "zoo-toy"],
        stdin=theirs,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **venv.environment},
        timeout=60,
        check=False,
    )
    os.close(ours)
    os.close(theirs)

    assert done.returncode == ExitCode.OK
    assert "install? [y/N]" in done.stdout
    assert ("zoo_toy" in venv.versions()) == arrived
    assert ("nothing was installed" in done.stderr) == (not arrived)


def test_an_installed_plugin_is_there_and_remembered(venv: Venv, store: Path) -> None:
    write_toy(venv)

    done = venv.zoo("install", "zoo-toy", "-y")

    assert (done.returncode, done.stdout, done.stderr) == (0, "installed plugin toy (zoo-toy), 2 models\n", "")
    assert models(venv) == {"one", "two"}
    (remembered,) = json.loads((store / "plugins.json").read_text())["installed"]
    assert remembered == {"distribution": "zoo-toy", "requirement": "zoo-toy", "build": False}
    again = venv.zoo("install", "zoo-toy", "-y")
    assert (again.returncode, again.stdout) == (0, "zoo-toy is installed already\n")


@pytest.mark.parametrize("place", [str, lambda path: path.as_uri(), lambda path: f"zoo-toy @ {path.as_uri()}"])
def test_a_wheel_is_installed_from_its_path_or_address(venv: Venv, place: Callable[[Path], str]) -> None:
    wheel = write_toy(venv)

    assert venv.zoo("install", place(wheel), "-y").returncode == ExitCode.OK
    assert models(venv) == {"one", "two"}


BREAKING = {
    "it cannot be imported": ("raise RuntimeError('boom')", "plugin toy fails: RuntimeError: boom"),
    "a hook is misspelt": (
        "import zoo\n@zoo.hookimpl\ndef finetun(run): ...",
        "plugin toy fails: 'finetun' is no hook; did the author mean 'finetune'?",
    ),
    "importing it ends the process": (
        "import os, sys\nprint('bye', file=sys.stderr, flush=True)\nos._exit(0)",
        "zoo no longer starts: bye",
    ),
    "its text acts on terminals": ("raise RuntimeError('\\x1b[2J[red]b')", "plugin toy fails: RuntimeError: [red]b"),
}


@pytest.mark.parametrize(("source", "error"), BREAKING.values(), ids=list(BREAKING))
def test_a_plugin_that_does_not_work_leaves_nothing_behind(venv: Venv, store: Path, source: str, error: str) -> None:
    write_toy(venv, source)
    before = sorted(venv.packages.rglob("*"))

    done = venv.zoo("install", "zoo-toy", "-y")

    assert done.returncode == ExitCode.PLUGIN
    assert done.stderr.splitlines() == [
        f"error: zoo-toy breaks this environment: {error}",
        "hint: everything is as it was; another version may fit, or tell the plugin's author",
    ]
    assert venv.versions() == WITHOUT_DEP
    assert sorted(venv.packages.rglob("*")) == before
    assert not (store / "plugins.json").exists()


def test_a_broken_upgrade_gives_back_the_very_files_that_were_there(venv: Venv) -> None:
    first = write_toy(venv)
    assert venv.zoo("install", str(first), "-y").returncode == ExitCode.OK
    first.unlink()  # what was there cannot be had again
    write_toy(venv, "raise RuntimeError('boom')", "2.0")
    before = {path: path.read_bytes() for path in venv.packages.rglob("*") if path.is_file()}

    done = venv.zoo("install", "zoo-toy==2.0", "-y")

    assert done.returncode == ExitCode.PLUGIN
    assert {path: path.read_bytes() for path in venv.packages.rglob("*") if path.is_file()} == before
    assert models(venv) == {"one", "two"}


def test_the_same_version_made_anew_is_put_back_where_it_broke(venv: Venv) -> None:
    wheel = write_toy(venv)
    assert venv.zoo("install", str(wheel), "-y").returncode == ExitCode.OK
    os.utime(write_toy(venv, "raise RuntimeError('boom')"), (2e9, 2e9))

    assert venv.zoo("install", str(wheel), "-y").returncode == ExitCode.PLUGIN
    assert models(venv) == {"one", "two"}


def test_what_would_break_another_plugin_is_put_back_with_all_it_brought(venv: Venv) -> None:
    old = {"plugin": "toy-old", "needs": ("zoo-dep<2",)}
    new = {"plugin": "toy-new", "needs": ("zoo-dep>=2",)}
    write_wheel(venv.wheels, "toy-old", plugin(card("old")), **old)  # type: ignore[arg-type]
    write_wheel(venv.wheels, "toy-new", plugin(card("new")), **new)  # type: ignore[arg-type]
    assert venv.zoo("install", "toy-old", "-y").returncode == ExitCode.OK
    before = venv.versions()

    done = venv.zoo("install", "toy-new", "-y")

    assert done.returncode == ExitCode.PLUGIN
    assert done.stderr.startswith("error: toy-new breaks this environment: ")
    assert "toy-old" in done.stderr
    assert "zoo-dep" in done.stderr
    assert venv.versions() == before == {**WITHOUT_DEP, "toy_old": "1.0", "zoo_dep": "1.0"}


@pytest.mark.skipif(sys.platform == "win32", reason="no interrupt for one process")
def test_an_interrupted_installation_is_put_back(venv: Venv, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    write_toy(venv, f"import pathlib, time\npathlib.Path({str(trace)!r}).touch()\ntime.sleep(60)")

    with popen(
        [str(venv.python), "-P", "-m", "zoo", "install", "zoo-toy", "-y"],
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **venv.environment},
    ) as process:
        until(trace.exists)
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=30)

    assert (process.returncode, talk) == (ExitCode.INTERRUPTED, "interrupted\n")
    assert venv.versions() == WITHOUT_DEP


def test_a_plugin_that_takes_the_name_of_another_is_put_back(venv: Venv) -> None:
    write_toy(venv)
    write_wheel(venv.wheels, "other-toy", GOOD, plugin="toy")
    assert venv.zoo("install", "zoo-toy", "-y").returncode == ExitCode.OK

    done = venv.zoo("install", "other-toy", "-y")

    assert done.returncode == ExitCode.PLUGIN
    assert "other-toy and zoo-toy both call their plugin 'toy'" in done.stderr
    assert models(venv) == {"one", "two"}


def test_what_zoo_itself_cannot_live_with_is_not_even_begun(venv: Venv) -> None:
    write_toy(venv, needs=("zoo-dep<1",))

    done = venv.zoo("install", "zoo-toy", "-y")

    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith("error: zoo-toy cannot be installed: ")
    assert "zoo-dep" in done.stderr
    assert done.stderr.splitlines()[1:] == [
        "hint: another version may fit: zoo install 'NAME==VERSION'; nothing was changed"
    ]
    assert venv.versions() == WITHOUT_DEP


def test_what_is_no_plugin_is_said_to_be_none_and_taken_out_again(venv: Venv) -> None:
    write_wheel(venv.wheels, "something", "")

    for _ in range(2):
        done = venv.zoo("install", "something", "-y")
        assert done.returncode == ExitCode.USAGE
        assert done.stderr.splitlines() == [
            "error: something is no plugin of zoo: it has no entry point in the group zoo.plugins",
            "hint: nothing was changed; look at the name",
        ]
        assert venv.versions() == WITHOUT_DEP


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["no-such-toy"], "error: no-such-toy cannot be installed: "),
        (["zoo-toy==9"], "error: zoo-toy==9 cannot be installed: "),
        (["--", "--index-url=http://example.org"], "error: '--index-url=http://example.org' is no name of a package"),
        (["-r\nx"], "error: "),
        (["./no-such-folder"], "error: ./no-such-folder is not there"),
        (["no-such.whl"], "error: no-such.whl is not there"),
        ([str(Path(__file__).parent)], f"error: {Path(__file__).parent} is no Python package"),
    ],
)
def test_what_cannot_be_found_is_one_message(venv: Venv, words: list[str], error: str) -> None:
    write_toy(venv)

    done = venv.zoo("install", "-y", *words)

    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith(error)
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
    assert venv.versions() == WITHOUT_DEP


@pytest.fixture
def source_folder(tmp_path: Path, venv: Venv) -> Path:
    """A package as source, with a build backend of its own that leaves a trace when it is run."""
    folder = tmp_path / "source"
    folder.mkdir()
    wheel = write_toy(venv)
    (folder / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    )
    (folder / "backend.py").write_text(
        textwrap.dedent(f"""
            import pathlib, shutil
            pathlib.Path({str(folder / "trace")!r}).touch()
            def build_wheel(folder, config_settings=None, metadata_directory=None):
                shutil.copy({str(wheel)!r}, folder)
                return {wheel.name!r}
        """)
    )
    return folder


def test_source_is_not_built_before_somebody_says_yes(venv: Venv, source_folder: Path) -> None:
    done = venv.zoo("install", str(source_folder))

    assert done.returncode == ExitCode.USAGE
    assert "which runs its author's code" in done.stderr
    assert not (source_folder / "trace").exists()

    assert venv.zoo("install", str(source_folder), "-y").returncode == ExitCode.OK
    assert (source_folder / "trace").exists()
    assert models(venv) == {"one", "two"}


def test_uninstalling_asks_warns_and_forgets(venv: Venv, store: Path) -> None:
    write_toy(venv)
    write_wheel(venv.wheels, "toy-more", plugin(card("more")), plugin="toy-more", needs=("zoo_toy",))
    assert venv.zoo("install", "toy-more", "-y").returncode == ExitCode.OK

    refused = venv.zoo("uninstall", "toy")
    assert refused.returncode == ExitCode.USAGE
    assert refused.stderr.splitlines() == [
        "zoo-toy 1.0, with plugin toy",
        "warning: toy-more needs it",
        "error: uninstalling needs a yes, and nobody is there to ask",
        "hint: add -y",
    ]
    assert models(venv) == {"one", "two", "more"}

    done = venv.zoo("uninstall", "Zoo_Toy", "-y")
    assert (done.returncode, done.stdout) == (0, "uninstalled zoo-toy 1.0\n")
    assert models(venv) == {"more"}
    assert [one["distribution"] for one in json.loads((store / "plugins.json").read_text())["installed"]] == [
        "toy-more"
    ]


@pytest.mark.parametrize("name", ["zoo-dep", "zoo-models", "toyy"])
def test_only_plugins_are_uninstalled(venv: Venv, name: str) -> None:
    write_toy(venv)
    assert venv.zoo("install", "zoo-toy", "-y").returncode == ExitCode.OK

    done = venv.zoo("uninstall", name, "-y")

    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith(f"error: there is no plugin {name!r} in this environment\nhint: ")
    assert {"zoo_dep", "zoo_models", "zoo_toy"} == set(venv.versions())


def test_restoring_brings_back_what_an_upgrade_lost_whatever_cannot_be_had(venv: Venv, tmp_path: Path) -> None:
    write_toy(venv)
    elsewhere = write_wheel(tmp_path / "elsewhere", "toy-gone", plugin(card("gone")), plugin="toy-gone")
    for what in (str(elsewhere), "zoo-toy"):
        assert venv.zoo("install", what, "-y").returncode == ExitCode.OK
    elsewhere.unlink()
    fresh = new_venv(tmp_path / "upgraded", venv.wheels)

    assert fresh.zoo("plugins", "restore").returncode == ExitCode.USAGE
    done = fresh.zoo("plugins", "restore", "-y")

    assert done.returncode != ExitCode.OK
    assert done.stdout == "installed plugin toy (zoo-toy), 2 models\n"
    assert done.stderr.startswith(f"warning: {elsewhere} is not restored: ")
    assert models(fresh) == {"one", "two"}
    assert venv.zoo("plugins", "restore").stdout == "nothing is missing\n"


def test_everything_works_with_pip_where_uv_is_not(tmp_path: Path) -> None:
    venv = new_venv(tmp_path / "env", tmp_path / "wheels", pip=True)
    write_wheel(venv.wheels, "zoo-dep", "", version="1.0")
    write_toy(venv)
    write_toy(venv, "raise RuntimeError('boom')", "2.0")
    write_wheel(venv.wheels, "toy-clash", GOOD, plugin="toy-clash", needs=("zoo-dep<1",))

    unconfirmed = venv.zoo("install", "zoo-toy==1.0")
    assert unconfirmed.returncode == ExitCode.USAGE
    assert set(unconfirmed.stderr.splitlines()[1:3]) == {"  + zoo-toy 1.0", "  + zoo-dep 1.0"}

    assert venv.zoo("install", "zoo-toy==1.0", "-y").stdout == "installed plugin toy (zoo-toy), 2 models\n"
    before = venv.versions()
    broken = venv.zoo("install", "zoo-toy==2.0", "-y")
    assert (broken.returncode, broken.stderr.splitlines()[0]) == (
        ExitCode.PLUGIN,
        "error: zoo-toy==2.0 breaks this environment: plugin toy fails: RuntimeError: boom",
    )
    clash = venv.zoo("install", "toy-clash", "-y")
    assert clash.returncode == ExitCode.USAGE
    assert "toy-clash 1.0 depends on zoo-dep<1" in clash.stderr
    assert venv.versions() == before
    assert models(venv) == {"one", "two"}

    assert venv.zoo("uninstall", "toy", "-y").returncode == ExitCode.OK
    assert models(venv) == set()


def test_without_uv_and_pip_the_hint_says_what_to_get(venv: Venv) -> None:
    write_toy(venv)

    done = venv.zoo("install", "zoo-toy", "-y", PATH=str(venv.python.parent))

    assert done.returncode == ExitCode.USAGE
    assert done.stderr.splitlines()[0] == "error: neither uv nor pip is here to install with"
