"""Any keys in any order, on every screen: nothing breaks, and screens do not pile up."""

from __future__ import annotations

import asyncio
import importlib
import os
import pkgutil
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from textual import events
from textual.screen import Screen

from tests.plugin_site import Site, card, plugin
from tests.tui.driving import Driver, notices, scenario, shows, until
from tests.tui.test_runs import FINISHED, PLAN, STARTED, WriteRun, step
from tests.weights_factory import weights, write_files
from zoo.answers import GeneratedText
from zoo.card import FolderSource
from zoo.prediction import Classification, Score
from zoo.recipes import RECIPE
from zoo.runs.events import CheckpointSaved, RunCancelled, RunFailed
from zoo.runs.liveness import record
from zoo.sessions.messages import Ready
from zoo.tui import model_session, screens
from zoo.tui.app import ZooApp
from zoo.tui.page import Page
from zoo.tui.palette import Palette
from zoo.tui.run_page import RunPage
from zoo.tui.screens import job_form, plan, run_form
from zoo.tui.screens.ask import AskScreen
from zoo.tui.screens.audit import AuditScreen
from zoo.tui.screens.batch import BatchScreen
from zoo.tui.screens.card import CardScreen
from zoo.tui.screens.choose_model import ChooseModelScreen
from zoo.tui.screens.compare import CompareScreen
from zoo.tui.screens.confirm import ConfirmScreen
from zoo.tui.screens.curve import CurveScreen
from zoo.tui.screens.data_form import DataForm
from zoo.tui.screens.devices import DevicesScreen
from zoo.tui.screens.evaluate import EvaluateScreen
from zoo.tui.screens.federate import FederateScreen
from zoo.tui.screens.form import Form
from zoo.tui.screens.help import HelpScreen
from zoo.tui.screens.labels import LabelsScreen
from zoo.tui.screens.models import ModelsScreen
from zoo.tui.screens.pick import PickScreen
from zoo.tui.screens.pick_model import PickModelScreen
from zoo.tui.screens.plan import PlanScreen
from zoo.tui.screens.plugins import PluginsScreen
from zoo.tui.screens.predict import PredictScreen
from zoo.tui.screens.predict_options import PredictOptionsScreen
from zoo.tui.screens.run import RunScreen
from zoo.tui.screens.runs import RunsScreen
from zoo.tui.screens.shrink import ShrinkScreen
from zoo.tui.screens.source import SourceScreen
from zoo.tui.screens.sweep import SweepScreen
from zoo.tui.screens.train import TrainScreen
from zoo.tui.zoo_screen import Dialog, ZooScreen

CHOOSE_JUDGE = "slash j u d g e enter"
STARTS: dict[type[Screen[Any]], str] = {
    ModelsScreen: "",
    CardScreen: "enter",
    TrainScreen: f"{CHOOSE_JUDGE} f",
    SourceScreen: f"{CHOOSE_JUDGE} f ctrl+n",
    EvaluateScreen: f"{CHOOSE_JUDGE} e",
    ShrinkScreen: f"{CHOOSE_JUDGE} h",
    AuditScreen: f"{CHOOSE_JUDGE} a",
    FederateScreen: f"{CHOOSE_JUDGE} w",
    LabelsScreen: f"{CHOOSE_JUDGE} l",
    CurveScreen: f"{CHOOSE_JUDGE} u",
    PickModelScreen: "b",
    PickScreen: f"{CHOOSE_JUDGE} f ctrl+o",
    PlanScreen: f"{CHOOSE_JUDGE} f DATA ctrl+s",
    RunsScreen: "2",
    RunScreen: "2 end enter",
    CompareScreen: "2 space space v",
    SweepScreen: "2 end b",
    AskScreen: "2 m",
    ConfirmScreen: "2 enter s",
    PredictScreen: "3",
    PredictOptionsScreen: f"{CHOOSE_JUDGE} p READY ctrl+t",
    ChooseModelScreen: "3 ctrl+l",
    BatchScreen: f"{CHOOSE_JUDGE} p ctrl+b",
    PluginsScreen: "4",
    DevicesScreen: "5",
    HelpScreen: "question_mark",
    Palette: "ctrl+p",
}
"""Every screen to the keys that lead there; the random ones begin on it. DATA stands for the path of a file,
READY for the time that a model takes to be loaded."""
SHARED = {ZooScreen, Dialog, Page, Form, DataForm, run_form.RunForm, job_form.JobForm, RunPage}
"""What screens have in common is none itself."""
KEYS = -(-10_000 // len(STARTS))
"""Keys of one start: ten thousand in all."""
AT_ONCE = 6
"""At most so many keys are pressed before the application has caught up."""
SIZE = (80, 24)
DEEPEST = 4
"""A place, a page over it, one for a part of that, a dialog over it; the more shine through each other, the worse."""
MOVES = [
    "up",
    "down",
    "left",
    "right",
    "tab",
    "shift+tab",
    "enter",
    "escape",
    "space",
    "home",
    "end",
    "pageup",
    "pagedown",
    "backspace",
    "delete",
    "f1",
    "f5",
]
COMMANDS = [f"ctrl+{letter}" for letter in "abceklnopqrsuvwxy"]
CHARACTERS = [*"abcdefghijklmnopqrstuvwxyz0123456789", "question_mark", "slash", "full_stop", "minus"]


class StubSession:
    """A session whose model is there at once; every second one chats."""

    opened = 0

    def __init__(self, model: str, *, task: str) -> None:
        self._task = task
        StubSession.opened += 1
        self.streams = StubSession.opened % 2 == 1

    def wait_until_ready(self, tell: object) -> Ready:
        chats = self.streams
        return Ready(task=self._task, device="cpu", precision="fp32", streams=chats, chats=chats, adjusts=chats)

    def stream(self, messages: list[dict[str, str]], options: dict[str, Any] | None) -> Iterator[str | GeneratedText]:
        yield from ("Well, ", "well.")
        yield GeneratedText("Well, well.", "end", 3)

    def predict(self, inputs: list[str]) -> list[Classification]:
        return [Classification((Score("yes", 0.9), Score("no", 0.1)))] * len(inputs)

    def close(self) -> None:
        pass


def presses(chance: random.Random) -> Iterator[list[events.Event]]:
    """What is pressed and clicked, as it comes: some at once."""
    remaining = KEYS
    while remaining > 0:
        together: list[events.Event] = []
        for _ in range(chance.randint(1, AT_ONCE)):
            if chance.random() < 0.05:
                together += _click(chance.randrange(SIZE[0]), chance.randrange(SIZE[1]))
            together.append(_key(chance.choice(chance.choices((MOVES, COMMANDS, CHARACTERS), (4, 1, 3))[0])))
            remaining -= 1
        yield together


def _key(name: str) -> events.Key:
    return events.Key(name, name if len(name) == 1 else None)


def _click(x: int, y: int) -> list[events.Event]:
    kinds = (events.MouseMove, events.MouseDown, events.MouseUp)
    return [kind(None, x, y, 0, 0, 1, False, False, False, x, y) for kind in kinds]


@pytest.fixture
def site_to_explore(
    models: Site, one_device: None, write_run: WriteRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Models and runs to do all there is with, of which nothing is done; returns a file of labelled texts."""
    here = FolderSource(path=str(write_files(tmp_path / "judge", {"w.bin": b"weights"})))
    ability = "zoo.Ability(task='text-classification', options=zoo.FinetuneOptions)"
    able = f"{{'finetune': {ability}, 'predict': zoo.Ability(task='text-classification')}}"
    judge = card("judge", weights=repr(weights({"w.bin": b"weights"}, here)), labels="('yes', 'no')", abilities=able)
    models.install("judges", plugin(judge, more="from zoo import *\n@hookimpl\ndef body(run): ..."))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(model_session, "Session", StubSession)
    monkeypatch.setattr(StubSession, "opened", 0)
    monkeypatch.setattr(plan, "dry_run", lambda request: nullcontext(SimpleNamespace(watch=lambda: ())))
    monkeypatch.setattr(run_form, "start", lambda request: SimpleNamespace(name="done"))
    monkeypatch.setattr(ZooApp, "exit", lambda app: None)
    monkeypatch.setattr(ZooApp, "carry_out", lambda app, work, done="": app.notify(done))
    done = write_run("done", *FINISHED, hours_ago=9)
    write_run("left", STARTED, PLAN, step(40), CheckpointSaved(step=40, size_bytes=1), RunCancelled(step=40))
    write_run("broken", STARTED, RunFailed(kind="ValueError", message="no such thing"))
    record(write_run("live", STARTED, PLAN, step(40), hours_ago=1), os.getpid())
    data = tmp_path / "rows.csv"
    data.write_text("text,label\n" + "".join(f"text {row},{('yes', 'no')[row % 2]}\n" for row in range(40)))
    (done.path / RECIPE).write_text(f'model = "judge"\n[source]\ndata = "{data}"\n')
    return data


async def open_screen(pilot: Driver, screen: type[Screen[Any]], data: Path) -> None:
    """Go to a screen, by its keys."""
    app = zoo_app(pilot)
    await until(pilot, lambda: app.feed.models_loaded and app.feed.runs_loaded)
    for key in STARTS[screen].split():
        if key == "READY":
            await until(pilot, lambda: app.screen.model.session)
        else:
            await (paste(pilot, str(data)) if key == "DATA" else pilot.press(key))
        await pilot.pause()
    await until(pilot, lambda: type(app.screen) is screen)


async def paste(pilot: Driver, text: str) -> None:
    """All of it at once."""
    assert pilot.app._driver is not None
    pilot.app._driver.send_message(events.Paste(text))
    await pilot.pause()


def test_every_screen_has_its_turn() -> None:
    for module in pkgutil.iter_modules(screens.__path__, f"{screens.__name__}."):
        importlib.import_module(module.name)
    assert set(STARTS) | SHARED == {ZooScreen, *_kinds_of(ZooScreen)}


def _kinds_of(kind: type[Any]) -> Iterator[type[Any]]:
    for one in kind.__subclasses__():
        yield one
        yield from _kinds_of(one)


@pytest.mark.slow
@pytest.mark.parametrize("start", STARTS, ids=lambda screen: screen.__name__)
def test_no_keys_break_it(start: type[Screen[Any]], site_to_explore: Path) -> None:
    recent: list[str] = []

    async def drive() -> None:
        app = ZooApp()
        async with app.run_test(size=SIZE) as pilot:
            assert app._driver is not None
            await open_screen(pilot, start, site_to_explore)
            for together in presses(random.Random(start.__name__)):
                recent.extend(event.key for event in together if isinstance(event, events.Key))
                for event in together:
                    app._driver.send_message(event)
                await pilot.pause(0)
                stack = [type(screen).__name__ for screen in app.screen_stack]
                assert app._exception is None, f"after {' '.join(recent[-40:])}"
                assert len(stack) <= DEEPEST, f"{stack} after {' '.join(recent[-40:])}"

    asyncio.run(drive())


def zoo_app(pilot: Driver) -> ZooApp:
    return cast("ZooApp", pilot.app)


@scenario(size=SIZE)
async def test_nothing_stands_over_a_dialog(pilot: Driver, models: Site) -> None:
    """Of four dialogs over a page, Textual draws two within each other without end once the colours change."""
    await shows(pilot, "5 of 5")
    for _ in range(4):
        pilot.app.push_screen(ConfirmScreen("Sure?", "", "Yes"))
        await pilot.pause(0.02)
    for theme in ("nord", "textual-light"):
        pilot.app.theme = theme
        await pilot.pause(0.02)
        pilot.app.screen_stack[1].refresh(layout=True)
        await pilot.pause(0.02)
    assert [type(screen).__name__ for screen in pilot.app.screen_stack] == ["ModelsScreen", "ConfirmScreen"]
    assert notices(pilot)[-1] == "answer or close this first: Esc"


@scenario(size=SIZE)
async def test_a_page_stands_in_the_place_of_another(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    write_run("one", *FINISHED)
    write_run("two", *FINISHED)
    for name in ("one", "two", "one"):
        zoo_app(pilot).open_run(name)
        await shows(pilot, f"{name} finetune red/alpha")
    assert [type(screen).__name__ for screen in pilot.app.screen_stack] == ["RunsScreen", "RunScreen"]
    await pilot.press("escape", "escape", "escape")
    assert [type(screen).__name__ for screen in pilot.app.screen_stack] == ["RunsScreen"]


@pytest.mark.slow
@scenario(size=SIZE)
async def test_a_form_is_not_lost_for_another_page(
    pilot: Driver, models: Site, one_device: None, write_run: WriteRun
) -> None:
    write_run("one", *FINISHED)
    app = zoo_app(pilot)
    await until(pilot, lambda: app.feed.models_loaded)
    line = app.feed.line("red/gamma")
    assert line is not None
    app.train(line.card, "finetune")
    await shows(pilot, "finetune gamma")
    await pilot.press("a", "b")
    app.train(line.card, "finetune")
    await shows(pilot, "Leave the form?", "This loses what you entered in the form.")
    await pilot.press("n")
    await shows(pilot, "ab")
    app.train(line.card, "finetune")
    await shows(pilot, "Leave the form?")
    await pilot.press("y")
    await until(pilot, lambda: len(app.screen_stack) == 2 and not cast("Page", app.screen).unsaved)


@scenario(size=SIZE)
async def test_an_answer_given_twice_takes_one_screen_away(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    write_run("one", *FINISHED)
    zoo_app(pilot).open_run("one")
    await shows(pilot, "one finetune red/alpha")
    zoo_app(pilot).ask("Sure?", "", "Yes", lambda: None)
    await shows(pilot, "Sure?")
    for _ in range(3):
        pilot.app.post_message(_key("enter"))
    await until(pilot, lambda: not pilot.app.screen.is_modal)
    await pilot.pause()
    assert [type(screen).__name__ for screen in pilot.app.screen_stack] == ["RunsScreen", "RunScreen"]


@scenario(size=SIZE)
async def test_a_thread_may_outlive_its_page(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    write_run("one", *FINISHED)
    zoo_app(pilot).open_run("one")
    await shows(pilot, "one finetune red/alpha")
    page = cast("RunScreen", pilot.app.screen)
    page.dismiss()
    await until(pilot, lambda: not page.is_attached)
    with ThreadPoolExecutor() as threads:
        threads.submit(page.later, page.show).result()
    await pilot.pause()


@pytest.mark.parametrize("steps", [0, 2, 4, 8])
@pytest.mark.parametrize("keys", ["f", "question_mark escape ctrl+p", "5 4 3 2 1"])
def test_it_ends_while_screens_are_put_together(steps: int, keys: str, models: Site, one_device: None) -> None:
    """However little of it has happened, it neither breaks nor waits for what does not come any more."""

    async def drive() -> None:
        app = ZooApp()
        async with app.run_test(size=SIZE) as pilot:
            assert app._driver is not None
            await until(pilot, lambda: app.feed.models_loaded)
            for key in keys.split():
                app._driver.send_message(_key(key))
            for _ in range(steps):
                await asyncio.sleep(0)

    asyncio.run(drive())


@scenario(size=SIZE)
async def test_keys_typed_ahead_wait_for_their_screen(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    """The second key is for a question that the first has put there a moment ago."""
    write_run("one", *FINISHED)
    await pilot.press("2")
    await shows(pilot, "one finetune")
    assert pilot.app._driver is not None
    for key in ("x", "escape", "x", "y"):
        pilot.app._driver.send_message(_key(key))
    await shows(pilot, "no runs yet")


@pytest.mark.slow
@scenario(size=SIZE)
async def test_a_page_may_be_replaced_before_it_is_there(pilot: Driver, models: Site, one_device: None) -> None:
    app = zoo_app(pilot)
    await until(pilot, lambda: app.feed.models_loaded)
    line = app.feed.line("red/gamma")
    assert line is not None
    for _ in range(3):
        app.train(line.card, "finetune")
    await shows(pilot, "finetune gamma")
    assert [type(screen).__name__ for screen in pilot.app.screen_stack] == ["ModelsScreen", "TrainScreen"]
