"""A task of another distribution that brings an option of a family is all that this family does without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from tests.plugin_site import Site, card, new_site, plugin
from tests.plugin_site import zoo as command
from tests.tui.driving import Driver, scenario, shows
from zoo.cli.exit_codes import ExitCode
from zoo.plugins import load_plugins
from zoo.tasks import get_task

TASK = """
from typing import Annotated
import zoo

class Learning(zoo.Options, frozen=True, kw_only=True):
    LEARNING

class Asking(zoo.Options, frozen=True, kw_only=True):
    ASKING

TASK = zoo.Task(
    name="stars", summary="say how many stars a text gives", input=zoo.TEXT, target=zoo.LABEL,
    answer=zoo.Classification, judge="zoo.metrics:ClassificationMetrics", primary_metric="accuracy",
    objective="zoo.training.objectives:Classification", needs=frozenset({"pooled"}),
    finetune_options=Learning, predict_options=Asking, example={"text": "fine", "label": "4"}, formats=("CSV",),
)
"""
FAMILY = """
from typing import Annotated

class Mine(zoo.FinetuneOptions, frozen=True, kw_only=True):
    dropout: Annotated[float, zoo.option("Share of units left out.", ge=0, lt=1)] = 0.0

class Ask(zoo.Options, frozen=True, kw_only=True):
    with_task_options = True
    shift: Annotated[float, zoo.option("What is added.", ge=0, le=9)] = 0.0

@zoo.hookimpl
def body(run): ...
"""
OFFERED = (
    "(*(zoo.Ability(verb='finetune', task=task, options=Mine) for task in TASKS), "
    "zoo.Ability(verb='predict', task='text-classification', options=Ask))"
)
DROPOUT = "dropout: Annotated[float, zoo.option('What is dropped.', ge=0, lt=1)] = 0.5"
THROWN = "thrown: Annotated[float, zoo.option('What is dropped.', ge=0, lt=1, aliases=('dropout',))] = 0.5"
SHIFT = "shift: Annotated[float, zoo.option('How far.', ge=0, lt=1)] = 0.5"
CLASS_WEIGHTS = "class_weights: Annotated[str, zoo.option('How classes weigh.')] = ''"
TWICE = "the option dropout to finetune is declared twice, by zoo_family.Mine and by zoo_stars.Learning"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with new_site(tmp_path / "site", monkeypatch) as site:
        yield site
    get_task.cache_clear()


def install(site: Site, learning: str = DROPOUT, asking: str = "pass") -> None:
    """A family that offers what bodies can learn, and the task of another distribution."""
    site.install(
        "stars",
        TASK.replace("LEARNING", learning).replace("ASKING", asking),
        distribution="zoo-stars",
        group="zoo.tasks",
    )
    cards = [
        card(name, abilities=OFFERED.replace("TASKS", "zoo.body_tasks('text', 'pooled')"), recommended_for="('stars',)")
        for name in ("small", "large")
    ]
    site.install("family", plugin(*cards, more=FAMILY))


@pytest.mark.parametrize(
    ("learning", "asking", "clash"),
    [
        (DROPOUT, "pass", TWICE),
        (THROWN, "pass", "the options dropout and thrown to finetune both have the name of --dropout"),
        ("pass", SHIFT, "the option shift to predict is declared twice, by zoo_family.Ask and by zoo_stars.Asking"),
    ],
    ids=["name", "alias", "of what results"],
)
def test_only_that_task_is_left_out_of_the_family(site: Site, learning: str, asking: str, clash: str) -> None:
    install(site, learning, asking)
    (family,), failures = load_plugins()

    assert failures == ()
    assert [(card.name, card.tasks_of("finetune"), card.recommended_for) for card in family.cards] == [
        (name, zoo.body_tasks("text", "pooled")[:-1], ()) for name in ("small", "large")
    ]
    (left_out,) = family.left_out
    assert (left_out.name, left_out.distribution, left_out.version) == ("stars", "zoo-stars", "1.0")
    assert left_out.error == f"models of plugin family do without it: {clash}"
    assert left_out.hint == "all else of family goes on; the author of the task must call its option otherwise"


def test_a_task_without_such_an_option_is_offered(site: Site) -> None:
    install(site, DROPOUT.replace("dropout", "strictness"))
    (family,), _ = load_plugins()

    assert [(card.tasks_of("finetune")[0], card.recommended_for) for card in family.cards] == [
        ("stars", ("stars",))
    ] * 2
    assert family.left_out == ()


@pytest.mark.slow
def test_whoever_asks_for_it_is_pointed_to_the_plugins(site: Site) -> None:
    install(site)
    refused = command("finetune", "small", "--data", "a.csv", "--task", "stars")
    assert f"error: small cannot finetune for stars: models of plugin family do without it: {TWICE}" in refused.stderr
    assert "hint: zoo plugins says more; --task takes " in refused.stderr


@pytest.mark.slow
def test_the_lists_of_plugins_and_of_tasks_say_so(site: Site) -> None:
    install(site)
    plugins, tasks = command("plugins"), command("tasks")
    as_json = json.loads(command("plugins", "--json").stdout)
    told = f"warning: task stars: models of plugin family do without it: {TWICE}\nhint: all else of family goes on"

    assert (plugins.returncode, tasks.returncode) == (ExitCode.PLUGIN, ExitCode.PLUGIN)
    for listed in (plugins, tasks):
        assert told in listed.stderr
        assert "left out: models of plugin family do without it" in " ".join(listed.stdout.split())
    assert [one["name"] for one in as_json["plugins"]] == ["family"]
    assert as_json["failures"] == []
    assert [(one["name"], one["distribution"]) for one in as_json["left_out"]] == [("stars", "zoo-stars")]
    assert json.loads(command("tasks", "--json").stdout)["left_out"] == as_json["left_out"]
    assert command("ls").stderr == ""


@scenario(size=(100, 30))
async def test_the_screen_of_plugins_says_so(pilot: Driver, site: Site) -> None:
    install(site)
    await pilot.press("4")
    await shows(pilot, "task stars (zoo-stars)", "declared twice", "must call its option otherwise")


@pytest.mark.parametrize(("task", "option"), [("text-classification", CLASS_WEIGHTS), ("stars", DROPOUT)])
def test_a_task_of_zoo_or_of_the_same_distribution_is_the_fault_of_the_plugin(
    site: Site, task: str, option: str
) -> None:
    family = FAMILY.replace("class Ask", f"class Wide(Mine):\n    {option}\n\nclass Ask")
    offered = OFFERED.replace("TASKS", f"[{task!r}]").replace("Mine", "Wide")
    site.install("family", plugin(card("twice", abilities=offered), more=family), distribution="zoo-all")
    with (site.path / "zoo_all-1.0.dist-info" / "entry_points.txt").open("a") as entry_points:
        entry_points.write("[zoo.tasks]\nstars = zoo_stars\n")
    (site.path / "zoo_stars.py").write_text(TASK.replace("LEARNING", option).replace("ASKING", "pass"))

    _, (failure,) = load_plugins()

    assert "card 'twice': the option " in failure.error
    assert "is declared twice" in failure.error
    assert failure.error.endswith(f", for {task}")


def test_what_zoo_does_with_answers_is_no_option_of_a_plugin(site: Site) -> None:
    asking = "class Ask(zoo.Options, frozen=True, kw_only=True):\n    " + SHIFT.replace("shift", "abstain")
    offered = "{'predict': zoo.Ability(task='text-classification', options=Ask)}"
    site.install("shy", plugin(card("shy", abilities=offered), more=f"from typing import Annotated\n{asking}\n"))

    _, (failure,) = load_plugins()

    assert "the option abstain to predict is declared twice, by zoo_shy.Ask and by zoo.tasks.options" in failure.error
