"""Which tasks a body can be fine-tuned for, and what is said of one that lacks what a task needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from tests.plugin_factory import write_plugin
from tests.plugin_site import Site, card, new_site, plugin
from zoo.errors import PluginBroken
from zoo.plugins import load_plugin
from zoo.tasks import BUILT_IN, get_task

STARS = """
import zoo

TASK = zoo.Task(
    name="stars", summary="say how many stars a text gives", input=zoo.TEXT, target=zoo.LABEL,
    answer=zoo.Classification, judge="zoo.metrics:ClassificationMetrics", primary_metric="accuracy",
    objective="zoo.training.objectives:Classification", needs=frozenset({NEEDS}),
    example={"text": "fine", "label": "4"}, formats=("CSV",),
)
"""
BODY = "@zoo.hookimpl\ndef body(run):\n    return GIVEN\n"
TRAINED = card(abilities="{'finetune': zoo.Ability(task='text-classification', options=zoo.FinetuneOptions)}")
WRAPS = """
import zoo

@zoo.hookimpl(wrapper=True)
def finetune(run):
    try:
        return (yield)
    except zoo.PluginBroken as error:
        raise zoo.PluginBroken(f"seen by the wrapper: {error.message}") from error
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """No plugins yet."""
    with new_site(tmp_path, monkeypatch) as empty:
        yield empty


@pytest.mark.parametrize("kind", ["text", "image"])
def test_those_of_zoo_are_what_the_tasks_say(kind: str) -> None:
    tasks = [task for task in map(get_task, BUILT_IN) if str(task.input) == kind and task.target]

    assert zoo.body_tasks("prompt", "causal") == ("text-generation",)
    assert zoo.body_tasks(kind, "pooled") == tuple(task.name for task in tasks if task.needs == {"pooled"})
    assert zoo.body_tasks(kind) == ()


def test_every_task_that_bodies_learn_says_what_it_needs() -> None:
    assert [name for name in BUILT_IN if get_task(name).objective and not get_task(name).needs] == []


@pytest.mark.parametrize(("needs", "served"), [("'pooled'", True), ("'pooled', 'tokens'", True), ("'levels'", False)])
def test_a_task_of_a_stranger_is_offered_to_bodies_that_provide_what_it_needs(
    site: Site, needs: str, served: bool
) -> None:
    write_plugin(site.path, "stars", STARS.replace("NEEDS", needs), distribution="zoo-stars", group="zoo.tasks")

    assert ("stars" in zoo.body_tasks("text", "pooled", "tokens")) == served
    assert "stars" not in zoo.body_tasks("image", "pooled", "tokens")


def test_a_body_stands_for_the_hooks_of_the_verbs_and_wrappers_surround_it(site: Site) -> None:
    site.install("owner", plugin(more=BODY.replace("GIVEN", "'a network'")).replace("[]", f"[{TRAINED}]"))
    site.install("tracer", WRAPS)
    run = type("Run", (), {"options": zoo.FinetuneOptions(), "sources": ()})()

    assert load_plugin("owner").hooks == ("cards", "body")
    with pytest.raises(PluginBroken) as caught:
        load_plugin("owner").hook("finetune")(run=run)
    assert caught.value.message == (
        "seen by the wrapper: the hook body of plugin owner gave a str, not a zoo.training.Body"
    )
