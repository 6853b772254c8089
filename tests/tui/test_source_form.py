"""The form of a training with several sources: what is added stands in the form, in its command and in the request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin_site import Site, card, new_site, plugin
from tests.tui.driving import Driver, scenario, screen_text, shows, until
from tests.tui.test_training import enter, open_form
from zoo.requests import check_job
from zoo.tui.screens.source import SourceScreen

HOOKS = "@zoo.hookimpl\ndef finetune(run): ...\n\n@zoo.hookimpl\ndef body(run): ..."


@pytest.fixture
def sharer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A model with a body that classifies and regresses."""
    abilities = [
        f"zoo.Ability(verb='finetune', task='text-{task}', options=zoo.FinetuneOptions)"
        for task in ("classification", "regression")
    ]
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("sharer", plugin(card("sharer", abilities=f"({', '.join(abilities)})"), more=HOOKS))
        yield site


def scores(folder: Path) -> Path:
    path = folder / "scores.csv"
    path.write_text("text,score\n" + "".join(f"fine {n},{n / 7:.2f}\n" for n in range(20)))
    return path


@scenario(size=(130, 45))
async def test_a_source_is_added_and_removed(
    pilot: Driver, sharer: Site, one_device: None, rows: Path, tmp_path: Path
) -> None:
    screen = await open_form(pilot, "sharer")
    enter(screen, data=str(rows))
    await pilot.press("ctrl+n")
    await shows(pilot, "one more source for sharer to learn from")
    await pilot.press("ctrl+s")
    await shows(pilot, "it is needed")
    form = pilot.app.screen
    assert isinstance(form, SourceScreen)
    for name, value in {"source": "first", "data": "nowhere.csv", "weight": "-1"}.items():
        form.field(name).enter(value)
    await shows(pilot, "'first' is there twice", "no such file or folder", "takes a number, more than 0")
    for name, value in {"source": "scores", "data": str(scores(tmp_path)), "weight": "0.5"}.items():
        form.field(name).enter(value)
    await pilot.press("ctrl+s")
    await until(pilot, lambda: pilot.app.screen is screen)
    await shows(pilot, "and scores: ", "weight 0.5", "--source scores=", "--weight scores=0.5")

    request = check_job(screen.job()).request
    assert [(one.name, one.task, one.weight) for one in request.sources] == [
        ("first", "text-classification", 1.0),
        ("scores", "text-regression", 0.5),
    ]
    await pilot.press("ctrl+r")
    await until(pilot, lambda: "--source" not in screen_text(pilot))
    assert not screen.job().others


@scenario(size=(100, 30))
async def test_a_model_without_a_body_to_share_has_one_source(pilot: Driver, echo: None, one_device: None) -> None:
    screen = await open_form(pilot)
    await pilot.press("ctrl+n")
    await pilot.pause(0.1)
    assert pilot.app.screen is screen
    assert "Add a source" not in screen_text(pilot)
