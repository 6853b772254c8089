"""An answer of another distribution that fails is named with its task and its method, wherever it is asked."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from tests.own_task import PAIR_TASK, install_pairing
from tests.plugin_site import Site, new_site
from tests.plugin_site import zoo as command
from zoo.cli.exit_codes import ExitCode
from zoo.errors import PluginBroken
from zoo.runs.mistakes import MistakeLog
from zoo.tasks import get_task

BODY = '        return (zoo.Paragraph(text=f"in both: {self.shared}"),)'


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        yield site
    get_task.cache_clear()


def answer_with(site: Site, body: str) -> zoo.Answer:
    """An answer of a task whose class has more in it, or its blocks made otherwise."""
    install_pairing(site, PAIR_TASK.replace(BODY, body))
    importlib.invalidate_caches()
    return get_task("pairing").answer(shared="late")  # type: ignore[call-arg]


def method(name: str, value: str, blocks: str = BODY) -> str:
    return f"{blocks}\n    def {name}(self, *args):\n        return {value}"


@pytest.mark.parametrize(
    ("body", "name", "fault"),
    [
        ("        return 1 / 0", "blocks", "fails: ZeroDivisionError: division by zero"),
        ("        return ('late',)", "blocks", "gave tuple, not a tuple of blocks"),
        (method("cells", "{}['x']"), "cells", "fails: KeyError: 'x'"),
        (method("cells", "'late'"), "cells", "gave str, not zoo.AnswerCells"),
        (method("severity", "self.nothing"), "severity", "fails: AttributeError"),
        (method("severity", "'bad'"), "severity", "gave str, not a number or None"),
        (method("severity", "float('nan')"), "severity", "gave float, not a number or None"),
        (method("shortened", "None"), "shortened", "gave NoneType, not an answer"),
    ],
)
def test_a_method_that_fails_is_named(body: str, name: str, fault: str, site: Site) -> None:
    answer = answer_with(site, body)
    with pytest.raises(PluginBroken) as broken:
        getattr(answer, name)(*(["a"] if name == "severity" else []))
    assert broken.value.message.startswith(f"task pairing (pair-task 1.0): Relation.{name} {fault}")
    assert "its author must mend it" in broken.value.hint


def test_one_that_does_as_it_should_goes_on(site: Site) -> None:
    answer = answer_with(site, method("severity", "0.5"))
    assert answer.blocks() == (zoo.Paragraph(text="in both: late"),)
    assert (answer.severity("a"), answer.cells(), answer.shortened()) == (0.5, zoo.AnswerCells("late"), answer)


@pytest.mark.slow
def test_evaluations_and_the_command_line_name_it(site: Site) -> None:
    answer = answer_with(site, method("severity", "{}['x']", "        return 1 / 0"))
    with pytest.raises(PluginBroken, match=r"task pairing \(pair-task 1\.0\): Relation\.severity fails: KeyError"):
        MistakeLog(None).add([zoo.Example({"first": "a", "second": "b"}, "same", 1)], [answer])
    done = command("predict", "sharing", "a", "b", "--device", "cpu", "--precision", "fp32")
    assert done.returncode == ExitCode.PLUGIN
    assert "error: task pairing (pair-task 1.0): Relation.blocks fails: ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr
