"""What is loaded and read how often: one plugin in a worker, the catalog once a command, each row once a process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from tests.echo_plugin import MODULE, SOURCE
from tests.echo_runs import wait_quietly
from tests.plugin_site import Site, card, new_site, plugin
from tests.plugin_site import zoo as command
from zoo import catalog
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.runs.events import RunStarted
from zoo.sessions import Session

pytestmark = pytest.mark.slow

NOTE = """
import os
with open(os.environ["NOTES"], "a") as notes:
    notes.write(f"{os.getpid()} NAME\\n")
"""
SPY = """
import os
from zoo.data.table import Table

def noted(self, *args, rows=Table.rows):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(f"{os.getpid()} {self.path.name}\\n")
    return rows(self, *args)

Table.rows = noted
"""
WRAPS = "import zoo\n@zoo.hookimpl(wrapper=True)\ndef finetune(run):\n    run.note('surrounded')\n    return (yield)\n"


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where plugins note what happens in whatever process."""
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    return tmp_path / "notes"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notes: Path) -> Iterator[Site]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        yield site


def by_process(notes: Path) -> dict[int, Counter[str]]:
    """How often each process noted what."""
    noted: dict[int, Counter[str]] = {}
    for line in notes.read_text().splitlines():
        pid, what = line.split()
        noted.setdefault(int(pid), Counter())[what] += 1
    return noted


def test_a_worker_imports_the_plugin_that_owns_the_model_and_its_wrappers(site: Site, rows: Path, notes: Path) -> None:
    site.install("echo", SOURCE + NOTE.replace("NAME", "owner"), module=MODULE)
    site.install("bystander", plugin(card()) + NOTE.replace("NAME", "bystander"))
    site.install("tracer", WRAPS + NOTE.replace("NAME", "tracer"))
    run = wait_quietly(zoo.finetune("echo", rows, name="mine", device="cpu"))

    assert run.status == "finished"
    assert "surrounded" in run.snapshot.notes
    (pid,) = [event.pid for event in run.events() if isinstance(event, RunStarted)]
    assert by_process(notes)[pid] == {"owner": 1, "tracer": 1}


def test_so_does_the_process_of_a_session(site: Site, rows: Path, notes: Path) -> None:
    site.install("echo", SOURCE + NOTE.replace("NAME", "owner"), module=MODULE)
    site.install("bystander", plugin(card()) + NOTE.replace("NAME", "bystander"))
    wait_quietly(zoo.finetune("echo", rows, name="mine", device="cpu", max_steps=1))
    with Session("echo/mine", device="cpu") as session:
        session.wait_until_ready()
        assert by_process(notes)[session.pid] == {"owner": 1}


def test_a_command_loads_the_catalog_once(
    site: Site, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("echo", SOURCE, module=MODULE)
    loads = []
    load_plugins = catalog.load_plugins

    def counted() -> object:
        loads.append(1)
        return load_plugins()

    monkeypatch.setattr(catalog, "load_plugins", counted)
    place = ("--device", "cpu", "--precision", "fp32")
    for words in (
        ("finetune", "echo", "--data", str(rows), "--name", "mine", *place),
        ("evaluate", "mine", "--data", str(rows), *place),
        ("predict", "mine", "--file", str(rows), "--out", str(tmp_path / "out.csv"), *place),
        ("predict", "mine", "--file", str(rows), *place),
        ("predict", "mine", "good", *place),
        ("show", "mine"),
    ):
        loads.clear()
        assert main(list(words)) == ExitCode.OK
        assert len(loads) == 1, words
    loads.clear()
    zoo.finetune("echo", [("good", "positive"), ("bad", "negative")] * 20, device="cpu").wait(progress=False)
    assert len(loads) == 1


def test_rows_are_read_once_in_front_and_once_in_the_worker(
    site: Site, rows: Path, tmp_path: Path, notes: Path
) -> None:
    site.install("echo", SOURCE + SPY, module=MODULE)
    for words in (
        ("finetune", "echo", "--data", str(rows), "--name", "mine"),
        ("evaluate", "mine", "--data", str(rows)),
        ("predict", "mine", "--file", str(rows), "--out", str(tmp_path / "out.csv")),
    ):
        notes.unlink(missing_ok=True)
        done = command(*words, "--device", "cpu", "--precision", "fp32")
        assert done.returncode == ExitCode.OK, done.stderr
        assert list(by_process(notes).values()) == [{"rows.csv": 1}] * 2, words
