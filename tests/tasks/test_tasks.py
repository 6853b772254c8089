"""Tasks: those of zoo, and those that other distributions bring; whatever is wrong with one disturbs no other."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin_factory import use_site, write_plugin
from tests.plugin_site import zoo
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.errors import PluginBroken, Unsupported
from zoo.tasks import BUILT_IN, get_task, load_tasks, task_names

RHYMES = """
import zoo

class Rhyme(zoo.Answer, frozen=True):
    word: str

TASK = zoo.Task(
    name="rhyming", summary="find a rhyme", input=zoo.TEXT, columns={"input": ("word",)}, answer=Rhyme,
    primary_metric="loss", larger_is_better=False, example={"word": "cat"}, formats=("CSV",),
)
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of distributions with tasks, forgotten at the end."""
    use_site(tmp_path / "site", monkeypatch)
    yield tmp_path / "site"
    get_task.cache_clear()


def bring(site: Path, name: str, source: str, distribution: str = "") -> None:
    write_plugin(site, name, source, distribution=distribution or f"task-{name}-{site.parent.name}", group="zoo.tasks")
    importlib.invalidate_caches()


def test_each_task_of_zoo_is_a_light_module_of_its_own() -> None:
    for name, module in BUILT_IN.items():
        task = importlib.import_module(module).TASK
        assert (name, task) == (task.name, get_task(name))
        path = Path(str(importlib.import_module(module).__file__))
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 80
        assert set(task.example) <= {name for role in task.roles for name in task.usual_columns(role)}
    heavy = (
        "import sys, zoo.tasks; zoo.tasks.load_tasks(); print(sys.modules.keys() & {'torch', 'numpy', 'transformers'})"
    )
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_task_that_another_distribution_brings_is_one_like_any_other(site: Path) -> None:
    bring(site, "rhyming", RHYMES, "task-rhyming")

    assert task_names() == (*BUILT_IN, "rhyming")
    assert get_task("rhyming").summary == "find a rhyme"
    listed = zoo("tasks", "--json")
    last = json.loads(listed.stdout)["tasks"][-1]
    assert (last["name"], last["answer"], last["distribution"]) == ("rhyming", "Rhyme", "task-rhyming")
    assert "word='cat'" in zoo("tasks", "rhyming").stdout


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise RuntimeError('boom')", "RuntimeError: boom"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("x = 1", "AttributeError: module"),
        ("TASK = 7", "TASK is an int, not a zoo.Task"),
        (
            RHYMES.replace('"rhyming"', '"broken"').replace("formats=", "predict_options=7, formats="),
            "TASK has options that cannot be used: the options to predict are no subclass of zoo.Options",
        ),
        (
            "from typing import Annotated\n"
            + RHYMES.replace('"rhyming"', '"broken"')
            .replace("TASK =", "class Far(zoo.Options):\n    far: Annotated[int, zoo.option('X.', le=1)] = 2\nTASK =")
            .replace("formats=", "predict_options=Far, formats="),
            "TASK has options that cannot be used: --far is 2, but takes a whole number, at most 1",
        ),
        (
            "from typing import Annotated\n"
            + RHYMES.replace('"rhyming"', '"broken"')
            .replace("TASK =", "class Far(zoo.Options):\n    lr: Annotated[int, zoo.option('X.', le=1)] = 1\nTASK =")
            .replace("formats=", "pretrain_options=Far, formats="),
            "TASK has options that cannot be used: the option lr to pretrain is declared twice, by",
        ),
        (
            "from typing import Annotated\n"
            + RHYMES.replace('"rhyming"', '"broken"')
            .replace(
                "TASK =", "class Far(zoo.Options):\n    device: Annotated[int, zoo.option('X.', le=1)] = 1\nTASK ="
            )
            .replace("formats=", "predict_options=Far, formats="),
            "TASK has options that cannot be used: the option device to predict has the name of --device",
        ),
        (RHYMES.replace('"rhyming"', '"singing"'), "TASK is called 'singing', but its entry point 'broken'"),
        (RHYMES.replace('"rhyming"', '"broken"').replace("zoo.TEXT", "'text'"), "TASK.input is 'text'"),
        (RHYMES.replace('"rhyming"', '"broken"').replace("answer=Rhyme", "answer=str"), "TASK.answer is <class 'str'>"),
        (
            RHYMES.replace('"rhyming"', '"broken"').replace("word: str", "word: str\n    def tempered(self, by): ..."),
            "TASK.answer Rhyme has tempered, but not left_open and cut (zoo.CalibratableAnswer)",
        ),
        (
            RHYMES.replace('"rhyming"', '"broken"').replace("formats=", "judge='HitRate', formats="),
            "TASK.judge is 'HitR",
        ),
    ],
)
def test_a_broken_task_is_a_row_and_the_others_go_on(site: Path, source: str, error: str) -> None:
    bring(site, "broken", source)
    tasks, failures = load_tasks()

    assert [one.task.name for one in tasks] == list(BUILT_IN)
    assert [(failure.name, failure.error.startswith(error)) for failure in failures] == [("broken", True)]
    with pytest.raises(PluginBroken, match="task broken"):
        get_task("broken")


def test_two_that_claim_one_name_are_told_and_one_of_zoos_goes_on_working(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(site, "rhyming", RHYMES, "task-one")
    bring(site, "rhyming", RHYMES, "task-two")
    bring(site, "fill-mask", RHYMES, "task-three")

    assert main(["tasks"]) == ExitCode.PLUGIN
    talk = capsys.readouterr().err
    assert "task-one and task-two both call their task 'rhyming'" in talk
    assert "zoo-models and task-three both call their task 'fill-mask'" in talk
    with pytest.raises(PluginBroken, match="task-one and task-two"):
        get_task("rhyming")
    assert get_task("fill-mask").answer.__name__ == "FilledMask"


def test_a_task_that_is_not_there_is_said_with_the_nearest() -> None:
    with pytest.raises(Unsupported, match="there is no task 'text-clasification'") as refused:
        get_task("text-clasification")

    assert "text-classification" in refused.value.hint


def test_the_table_says_what_goes_in_and_what_comes_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == ExitCode.OK
    *table, _, data = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in table]

    assert rows[0] == ["TASK", "IN", "COLUMNS", "OUT", "METRIC", "FROM"]
    assert rows[1][:5] == ["text-classification", "text", "input=text,", "label=label", "Classification"]
    assert [row[0] for row in rows[1:]] == list(BUILT_IN)
    assert data.startswith("data: folders of images, .csv, .tsv,")


def test_a_task_says_what_its_columns_may_be_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "image-regression"]) == ExitCode.OK
    columns, label = capsys.readouterr().out.splitlines()[3:5]
    assert columns.split()[:4] == ["columns", "input=file_name", "(or", "image,"]
    assert label.split()[:3] == ["label=score", "(or", "rating,"]
