"""A stranger's task whose answer zoo has never seen: warm sessions, files of answers and commands give it as it is."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import zoo
from tests.own_task import TASK, install_echoing
from tests.plugin_site import new_site
from tests.plugin_site import zoo as command
from tests.sessions.conftest import workers
from zoo.cli.exit_codes import ExitCode
from zoo.errors import PluginBroken, Unsupported
from zoo.sessions import Session
from zoo.tasks import get_task

pytestmark = pytest.mark.slow

ANSWER = {"type": "echoes", "loudness": 1.2, "words": {"far": 2, "away": 1}}


@pytest.fixture(autouse=True)
def echoing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: Path) -> Iterator[Path]:
    """The folder that both distributions are installed in."""
    with new_site(tmp_path / "site", monkeypatch) as site:
        install_echoing(site)
        yield site.path
    get_task.cache_clear()


def answers(*words: str) -> list[dict[str, object]]:
    done = command("predict", *words, "--device", "cpu", "--json")
    assert done.returncode == ExitCode.OK, done.stderr
    return [json.loads(line)["prediction"] for line in done.stdout.splitlines()]


def test_a_session_gives_the_answers_of_the_task(echoing: Path) -> None:
    with Session("valley", device="cpu") as session:
        assert session.wait_until_ready().task == "echoing"
        echoes, silence = session.predict(["far far away", " "])

    assert (type(echoes), type(silence)) == (get_task("echoing").answer, zoo.Rejected)
    assert msgspec.to_builtins(echoes) == ANSWER
    assert echoes.blocks()[0].title == "Echoes"


def test_a_model_of_several_tasks_answers_the_one_asked_for(echoing: Path) -> None:
    with Session("canyon", task="feature-extraction", device="cpu") as session:
        session.wait_until_ready()
        assert session.predict(["four"]) == [zoo.Embedding((4.0,))]
    with Session("canyon", device="cpu") as session, pytest.raises(Unsupported, match="echoing"):
        session.wait_until_ready()


def test_a_model_kept_warm_answers_as_one_that_is_not(runtime: Path) -> None:
    for task, expected in (("echoing", ANSWER), ("feature-extraction", {"type": "embedding", "vector": [12.0]})):
        for more in ([], ["--keep-warm", "5"], []):
            assert answers("canyon", "far far away", "--task", task, *more) == [expected]
    typed = command("predict", "canyon", "far far away", "--task", "echoing", "--device", "cpu")
    assert "kept warm" in typed.stderr
    assert [line.split() for line in typed.stdout.splitlines()] == [["word", "times"], ["far", "2"], ["away", "1"]]
    assert len(workers(runtime.parent)) == 2


def test_files_of_answers_hold_them(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text('text\nfar far away\n""\n')
    for name in ("out.jsonl", "out.csv"):
        done = command("predict", "valley", "--file", str(rows), "--out", str(tmp_path / name), "--device", "cpu")
        assert done.returncode == ExitCode.OK, done.stderr

    first, second = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert (first["prediction"], second["prediction"]["type"]) == (ANSWER, "rejected")
    with (tmp_path / "out.csv").open(newline="") as file:
        (row, rejected) = csv.DictReader(file)
    assert json.loads(row["prediction"]) == {"loudness": 1.2, "words": {"far": 2, "away": 1}}
    assert rejected["rejected"]


def test_another_version_of_the_task_is_another_process(echoing: Path) -> None:
    answers("valley", "far", "--keep-warm", "5")
    changed = TASK.replace("Echoes(zoo.Answer, ", "Echoes(zoo.Answer, tag='echo', ")
    (echoing / "stranger_task.py").write_text(changed)
    (echoing / "stranger_task-1.0.dist-info").rename(echoing / "stranger_task-1.1.dist-info")
    metadata = echoing / "stranger_task-1.1.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.0", "1.1"))

    (answer,) = answers("valley", "far")
    assert answer["type"] == "echo"


def test_an_answer_that_cannot_be_told_from_a_rejection_is_refused(echoing: Path) -> None:
    (echoing / "stranger_task.py").write_text(
        TASK.replace("Echoes(zoo.Answer, ", "Echoes(zoo.Answer, tag='rejected', ")
    )

    with pytest.raises(PluginBroken, match=r"TASK\.answer Echoes cannot be read from JSON beside zoo\.Rejected"):
        get_task("echoing")
