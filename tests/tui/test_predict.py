"""Predict: a model stays loaded in a process of its own and answers what is typed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.color import Color
from textual.widgets import Input, TextArea

import zoo
from tests.own_task import PAIR_TASK, install_echoing, install_pairing
from tests.parrot import install_parrot
from tests.plugin_site import Site
from tests.spotting_task import draw_spot, install_spotting
from tests.tui.driving import Driver, notices, scenario, screen_text, shows, until, write
from zoo.rendering.colours import label_colour
from zoo.tasks import get_task
from zoo.tui.screens.predict import PredictScreen

pytestmark = pytest.mark.slow

IMAGES = """
import zoo

@zoo.hookimpl
def cards():
    weights = zoo.Weights(
        files=(zoo.WeightsFile(name="w.bin"),), sources=(zoo.FolderSource(path=__file__.rpartition("/")[0]),)
    )
    return [
        zoo.Card(
            name=f"looks-{task}", task=task, family="toy", summary="looks", weights=weights,
            abilities={"predict": zoo.Ability(task=task)},
        )
        for task in ("image-classification", "feature-extraction")
    ]

class Looks:
    def __init__(self, task):
        self.task = task

    def predict(self, inputs):
        if self.task == "feature-extraction":
            return [zoo.Embedding(tuple(float(len(text)) * i for i in range(40))) for text in inputs]
        red = zoo.Classification((zoo.Score("[b]red[/b]", 0.9), zoo.Score("blue", 0.1)))
        found = [zoo.read_image(path) for path in inputs]
        return [image if isinstance(image, zoo.Rejected) else red for image in found]

@zoo.hookimpl
def predict(run):
    print("a plugin that prints")
    return Looks(run.task.name)
"""


@pytest.fixture
def lookers(models: Site) -> Site:
    """A model that takes images and one that gives numbers."""
    (models.path / "w.bin").write_bytes(b"x")
    models.install("looks", IMAGES)
    return models


@pytest.fixture
def strangers(models: Site) -> Iterator[Site]:
    """Models of a task that zoo does not bring."""
    install_echoing(models)
    yield models
    get_task.cache_clear()


@pytest.fixture
def spotter(models: Site) -> Iterator[Site]:
    """A stranger's model whose answers are drawn on their pictures."""
    install_spotting(models)
    yield models
    get_task.cache_clear()


async def choose(pilot: Driver, name: str) -> PredictScreen:
    await until(pilot, lambda: pilot.app.feed.models_loaded)
    await pilot.press("3")
    await shows(pilot, "no model is loaded: Ctrl-L chooses one")
    await pilot.press("ctrl+l")
    await shows(pilot, "ANSWERS")
    await write(pilot, name)
    await pilot.press("enter")
    screen = pilot.app.screen
    assert isinstance(screen, PredictScreen)
    return screen


@scenario(size=(100, 30))
async def test_a_text_is_answered_while_it_is_typed(pilot: Driver, words: str) -> None:
    screen = await choose(pilot, words)
    await shows(pilot, "words text-classification", "loaded, on cpu")
    await write(pilot, "awful bad")
    await shows(pilot, "negative", "%")
    screen.query_one(TextArea).text = "fine good good"
    await until(pilot, lambda: screen_text(pilot).find("positive") < screen_text(pilot).find("negative"))
    await pilot.press("ctrl+y")
    assert pilot.app.clipboard == "zoo predict words 'fine good good'"
    session = screen.model.session
    assert session is not None
    await pilot.press("escape", "1", "3")
    assert screen.model.session is session, "the model stays loaded while one is elsewhere"


@pytest.fixture
def writer(models: Site) -> Site:
    """A model that writes and does not chat: it says again what it is told."""
    install_parrot(models, chats=False)
    return models


@scenario(size=(80, 24))
async def test_what_a_model_writes_grows_and_is_stopped_and_kept(pilot: Driver, writer: Site) -> None:
    screen = await choose(pilot, "parrot")
    await shows(pilot, "loaded, on cpu", "Type or paste")
    await write(pilot, "on forever")
    await shows(pilot, "on and so on and so on", "Stop")
    await pilot.press("escape")
    await shows(pilot, "stopped", "and so on")
    assert pilot.app.focused is screen.query_one("#text")
    screen.query_one(TextArea).text = "on forever "
    await shows(pilot, "on and so on and so on")
    screen.query_one(TextArea).text = "first\n\nlast"
    await until(pilot, lambda: "so on" not in screen_text(pilot))
    await until(pilot, lambda: screen_text(pilot).count("last") == 2)
    screen.query_one(TextArea).text = "  "
    await until(pilot, lambda: "last" not in screen_text(pilot))


@scenario(size=(80, 24))
async def test_the_end_of_a_long_answer_is_in_sight_and_keys_look_back(pilot: Driver, writer: Site) -> None:
    screen = await choose(pilot, "parrot")
    await shows(pilot, "loaded, on cpu")
    screen.query_one(TextArea).text = "\n".join(f"line-{number}." for number in range(60))
    await until(pilot, lambda: "line-59." in screen_text(pilot).partition("╰")[2])
    await pilot.press(*["pageup"] * 6)
    await until(pilot, lambda: "line-0." in screen_text(pilot).partition("╰")[2])


@scenario(size=(80, 24))
async def test_options_change_without_loading_the_model_again(pilot: Driver, writer: Site) -> None:
    screen = await choose(pilot, "parrot")
    await shows(pilot, "loaded, on cpu")
    session = screen.model.session
    await write(pilot, "how long")
    await shows(pilot, "up to 256")
    await pilot.press("ctrl+t")
    await shows(pilot, "how parrot answers", "max tokens")
    await write(pilot, "9")
    await pilot.press("ctrl+s")
    await shows(pilot, "parrot text-generation max tokens 9", "up to 9")
    await pilot.press("ctrl+y")
    assert pilot.app.clipboard == "zoo predict parrot 'how long' --max-tokens 9"
    assert screen.model.session is session


@scenario(size=(80, 24))
async def test_what_goes_wrong_in_writing_is_said(pilot: Driver, writer: Site) -> None:
    screen = await choose(pilot, "parrot")
    await shows(pilot, "loaded, on cpu")
    await write(pilot, "so broken")
    await shows(pilot, "plugin parrot fails to answer with parrot: ValueError: it has a cold")
    screen.query_one(TextArea).text = "well again"
    await until(pilot, lambda: screen_text(pilot).count("well again") == 2)
    await shows(pilot, "loaded, on cpu")


@scenario(size=(100, 30))
async def test_an_image_is_drawn_and_answered(pilot: Driver, lookers: Site, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (40, 20), "red").save(tmp_path / "a.png")
    screen = await choose(pilot, "looks-image")
    await shows(pilot, "loaded, on")
    screen.query_one("#file", Input).value = str(tmp_path / "a.png")
    await shows(pilot, "[b]red[/b]", "90.0%")
    await until(pilot, lambda: screen_text(pilot).count("▀") > 100)
    screen.query_one("#file", Input).value = str(tmp_path / "none.png")
    await shows(pilot, "rejected: No such file or directory")
    await until(pilot, lambda: "▀" not in screen_text(pilot))
    screen.query_one("#file", Input).value = str(tmp_path / "a.png")
    await shows(pilot, "90.0%", "▀")
    screen.query_one("#file", Input).value = ""
    await until(pilot, lambda: not {"▀", "%"} & set(screen_text(pilot)))


@scenario(size=(100, 30))
async def test_what_is_found_is_marked_on_the_picture(pilot: Driver, spotter: Site, tmp_path: Path) -> None:
    colour = Color.from_rgb(*label_colour("spot"))

    def marked_cells() -> int:
        strips = pilot.app.screen._compositor.render_strips()
        styles = [segment.style for strip in strips for segment in strip if segment.style]
        return sum(colour in (style.color, style.bgcolor) for style in styles)

    path = draw_spot(tmp_path / "a.png")
    screen = await choose(pilot, "spotter")
    await shows(pilot, "loaded, on")
    screen.query_one("#file", Input).value = str(path)
    await shows(pilot, "label score left top right bottom", "■ spot 0.900 10 5 28 23")
    await shows(pilot, "spot 90%▀")
    assert marked_cells() > 20
    screen.query_one("#file", Input).value = str(tmp_path / "none.png")
    await shows(pilot, "rejected: ")
    await until(pilot, lambda: not marked_cells())


@scenario()
async def test_other_kinds_of_answers_are_drawn_by_their_type(pilot: Driver, lookers: Site) -> None:
    await choose(pilot, "looks-feature")
    await shows(pilot, "loaded, on")
    await write(pilot, "abc")
    await shows(pilot, "40 numbers from 0.000 to 117.000", "▁")


@scenario()
async def test_a_model_that_cannot_be_loaded_says_why(pilot: Driver, models: Site) -> None:
    await choose(pilot, "alpha")
    await shows(pilot, "the hook predict of plugin red gave None")


@scenario(size=(100, 30))
async def test_a_process_that_dies_is_told(pilot: Driver, words: str) -> None:
    screen = await choose(pilot, words)
    await shows(pilot, "loaded, on cpu")
    assert screen.model.session is not None
    os.kill(screen.model.session.pid, signal.SIGKILL)
    await write(pilot, "bad")
    await shows(pilot, "the process that held echo/words is gone")
    assert "%" not in screen_text(pilot)


@scenario(size=(110, 45))
async def test_a_whole_file_is_answered_into_another(
    pilot: Driver, words: str, one_device: None, rows: Path, tmp_path: Path
) -> None:
    await choose(pilot, words)
    await shows(pilot, "loaded, on cpu")
    await pilot.press("ctrl+b")
    await shows(pilot, "predict words")
    screen = pilot.app.screen
    screen.field("data").editor.value = str(rows)
    screen.field("out").editor.value = str(tmp_path / "out.jsonl")
    screen.field("keep").editor.value = "label"
    await shows(pilot, "--file", "--out", "--keep")
    await pilot.press("ctrl+s")
    await shows(pilot, "answers go to")
    await pilot.press("y")
    await shows(pilot, "40 rows answered in")
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["label"] for line in lines] == ["positive", "negative"] * 20


@scenario(size=(110, 40))
async def test_a_model_is_judged_from_the_list_of_models(
    pilot: Driver, words: str, one_device: None, rows: Path
) -> None:
    zoo.open_run(words).rename("judge")
    await until(pilot, lambda: pilot.app.feed.line("echo/judge"))
    await pilot.press("slash")
    await write(pilot, "judge")
    await pilot.press("enter", "e")
    await shows(pilot, "evaluate judge")
    pilot.app.screen.field("data").editor.value = str(rows)
    pilot.app.screen.field("errors").editor.value = str(rows)
    await pilot.press("ctrl+s")
    await shows(pilot, 'exists already choose another "wrong answers to", or remove it')
    pilot.app.screen.field("errors").editor.value = str(rows.parent / "wrong.csv")
    await pilot.press("ctrl+s")
    await shows(pilot, "Start (y)")
    await pilot.press("y")
    await shows(pilot, "accuracy 1.0000", "negative 1.000")


@scenario()
async def test_without_a_model_there_is_nothing_to_answer(pilot: Driver, models: Site) -> None:
    await pilot.press("3")
    await shows(pilot, "no model is loaded: Ctrl-L chooses one")
    await pilot.press("ctrl+b")
    await until(pilot, lambda: any("choose a model first" in notice for notice in notices(pilot)))


@scenario(size=(100, 30))
async def test_the_answer_of_a_strangers_task_is_drawn(pilot: Driver, strangers: Site) -> None:
    await choose(pilot, "valley")
    await shows(pilot, "valley echoing", "loaded, on cpu")
    await write(pilot, "far far away")

    await shows(pilot, "word times", "far 2", "away 1")


@pytest.fixture
def pairs(models: Site) -> Iterator[Site]:
    """A model that takes two texts at once."""
    install_pairing(models)
    yield models
    get_task.cache_clear()


@scenario(size=(100, 24))
async def test_an_answer_that_cannot_be_drawn_is_named_with_its_task(pilot: Driver, models: Site) -> None:
    try:
        install_pairing(models, PAIR_TASK.replace("return (zoo.Paragraph(", "return (zoo.Drawing("))
        await choose(pilot, "sharing")
        await shows(pilot, "loaded, on cpu")
        await write(pilot, '{"first": "late", "second": "early"}')
        await shows(pilot, "task pairing (pair-task 1.0): Relation.blocks fails: AttributeError")
    finally:
        get_task.cache_clear()


@scenario(size=(80, 24))
async def test_an_input_of_two_parts_says_what_to_type_and_is_copied_as_two_words(pilot: Driver, pairs: Site) -> None:
    await choose(pilot, "sharing")
    await shows(pilot, "Type or paste a text pair; the answer comes as you type", "line 1: first, line 2: second")
    await shows(pilot, "loaded, on cpu")
    await write(pilot, "late parcel")
    await shows(pilot, "1 part where a text pair has 2 (first, second)")
    await pilot.press("enter")
    await write(pilot, "parcel today")
    await shows(pilot, "in both: parcel")
    await pilot.press("ctrl+y")

    assert pilot.app.clipboard == "zoo predict sharing 'late parcel' 'parcel today'"
    await pilot.press("ctrl+o")
    await until(pilot, lambda: any("this model takes text pairs" in notice for notice in notices(pilot)))
