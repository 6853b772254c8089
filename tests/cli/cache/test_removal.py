"""`zoo cache rm`: what was named is deleted, and nothing that another set, tool or job needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from tests.cli.cache.cached import CONTENT, IMPORTS, LATER, NAME, OTHER, answer, listed, used_days_ago
from tests.echo_plugin import MODULE, SOURCE
from tests.echo_runs import until
from tests.hub_server import HubServer
from tests.plugin_site import Site
from tests.weights_factory import hub_source, weights
from zoo.cache.contents import _models_at_work
from zoo.card import Weights
from zoo.catalog import Catalog
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.fetch import fetch, locate
from zoo.fetch.places import hub_cache
from zoo.runs.request import DataRequest, RunRequest, StudentRequest
from zoo.runs.store import create


def test_files_are_deleted_and_freed_bytes_told(capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
    fetch(on_hub)

    assert answer(capsys, "rm", "toy", "-y") == "deleted 2 files, freed 300.0 kB\n"
    assert listed(capsys) == []
    assert not (hub_cache() / "models--toys--model").exists()


def test_a_dry_run_deletes_nothing(capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
    folder = fetch(on_hub)

    assert answer(capsys, "rm", "toy", "--dry-run") == "would delete 2 files and free 300.0 kB\n"
    assert (folder / NAME).read_bytes() == CONTENT


@pytest.mark.slow
def test_nobody_to_ask_is_refused_with_a_hint(capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
    folder = fetch(on_hub)
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "cache", "rm", "toy"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == ExitCode.USAGE
    assert "hint: add -y" in done.stderr
    assert (folder / NAME).exists()


@pytest.mark.parametrize(("typed", "stays"), [("y", False), ("", True), ("n", True)])
def test_the_person_is_asked(on_hub: Weights, monkeypatch: pytest.MonkeyPatch, typed: str, stays: bool) -> None:
    folder = fetch(on_hub)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: typed)

    assert main(["cache", "rm", "toy"]) == ExitCode.OK
    assert (folder / NAME).exists() is stays


def test_a_blob_that_another_commit_needs_stays(capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
    fetch(on_hub)
    later = weights({NAME: CONTENT}, LATER)
    fetch(later)

    assert answer(capsys, "rm", "toy", "-y") == "deleted 2 files, freed 2 B\n"
    assert locate(later) is not None
    assert answer(capsys, "rm", "later", "-y") == "deleted 1 file, freed 300.0 kB\n"


def test_a_blob_of_two_doomed_commits_is_counted_once(capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
    fetch(on_hub)
    fetch(weights({NAME: CONTENT}, LATER))

    assert answer(capsys, "rm", "toy", "later", "-y") == "deleted 3 files, freed 300.0 kB\n"
    assert not (hub_cache() / "models--toys--model").exists()


def test_files_of_other_tools_stay(capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
    folder = fetch(on_hub)
    (folder / "pytorch_model.bin").write_bytes(OTHER)
    answer(capsys, "rm", "toy", "-y")

    assert [path.name for path in folder.iterdir()] == ["pytorch_model.bin"]


def test_the_hubs_own_client_finds_nothing_wrong_with_what_is_left(
    capsys: pytest.CaptureFixture[str], on_hub: Weights
) -> None:
    from huggingface_hub import scan_cache_dir

    fetch(on_hub)
    fetch(weights({NAME: CONTENT}, LATER))
    refs = hub_cache() / "models--toys--model" / "refs"
    refs.mkdir()
    (refs / "main").write_text(hub_source().revision)
    answer(capsys, "rm", "toy", "-y")

    scan = scan_cache_dir(hub_cache())
    assert (len(scan.repos), scan.size_on_disk, scan.warnings) == (1, 300_000, [])


def test_an_unknown_name_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
    fetch(on_hub)

    assert main(["cache", "rm", "tooy", "-y"]) == ExitCode.USAGE
    assert capsys.readouterr().err.splitlines() == [
        "error: no weights of 'tooy' are on this machine",
        "hint: did you mean toy?",
    ]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets others not open a locked file")
def test_what_is_being_fetched_stays(capsys: pytest.CaptureFixture[str], on_hub: Weights, hub: HubServer) -> None:
    served = next(file for path, file in hub.files.items() if path.startswith("/store/"))
    served.stall_after = 100_000
    process = subprocess.Popen([sys.executable, "-m", "zoo", "pull", "toy"], stderr=subprocess.DEVNULL)
    try:
        until(lambda: sum(path.stat().st_size for path in hub_cache().rglob("*.partial")) == 100_000)
        assert main(["cache", "rm", "toy", "-y"]) == ExitCode.USAGE
        assert "toy: being fetched right now" in capsys.readouterr().err
        assert answer(capsys, "prune", "--partial", "-y") == "nothing to delete, freed 0 B\n"
    finally:
        process.kill()
        process.wait()

    assert answer(capsys, "prune", "--partial", "-y") == "deleted 1 file, freed 100.0 kB\n"


@pytest.fixture
def run(site: Site, on_hub: Weights, tmp_path: Path, store: Path) -> Iterator[zoo.Run]:
    """A slow run of a model whose weights are on the Hub."""
    source = SOURCE.replace("parameters=0,", f"parameters=0, weights={on_hub!r},", 1)
    site.install("echo", source.replace("import zoo\n", f"import zoo\n{IMPORTS}\n", 1), module=MODULE)
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\n" + "\n".join(f"good {i},yes\nbad {i},no" for i in range(20)) + "\n")
    run = zoo.finetune("echo", rows, device="cpu", precision="fp32", max_steps=2000, pause_ms=50)
    until(lambda: run.status == "running" and locate(on_hub) is not None)
    yield run
    run.stop()


def test_what_a_running_job_uses_stays(
    capsys: pytest.CaptureFixture[str], run: zoo.Run, on_hub: Weights, store: Path
) -> None:
    used_days_ago(store, 40)

    assert main(["cache", "rm", "echo", "-y"]) == ExitCode.USAGE
    assert f"in use by {run.name}" in capsys.readouterr().err
    assert answer(capsys, "prune", "--older-than", "30d", "-y") == "nothing to delete, freed 0 B\n"
    assert f"in use by {run.name}" in answer(capsys, "ls")
    assert locate(on_hub) is not None

    run.stop()
    used_days_ago(store, 40)
    assert answer(capsys, "prune", "--older-than", "30d", "-y") == "deleted 2 files, freed 300.0 kB\n"


def test_what_a_job_trains_beside_its_model_is_in_use(store: Path) -> None:
    of = {"plugin": "echo", "task": "text-classification", "data": DataRequest(path="/nowhere.csv")}
    training = RunRequest(name="", verb="finetune", model="echo/echo", **of)
    student = StudentRequest(name="echo", training=training)
    create(RunRequest(name="small", verb="shrink", model="echo/gone", students=(student,), **of))

    assert _models_at_work(Catalog.load()) == [("", "small"), ("echo/echo", "small")]


def test_a_job_of_which_nobody_can_tell_what_it_uses_protects_all(
    capsys: pytest.CaptureFixture[str], run: zoo.Run, at_torch: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(at_torch)
    monkeypatch.setenv("ZOO_PLUGINS", "toys")

    assert main(["cache", "rm", "net", "-y"]) == ExitCode.USAGE
    assert f"in use by {run.name}" in capsys.readouterr().err
