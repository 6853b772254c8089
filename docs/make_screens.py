"""Make the screenshots of the README and the guide: the real application, on the data that zoo ships.

    uv run python docs/make_screens.py [train] [join] [compare] [see] [chat]

Fine-tunes a model on the way, in a store of its own that is removed afterwards; takes a minute or two.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static, TextArea

import zoo
from zoo.kinds.drawn_shapes import background, box_around, draw_shape, free_places
from zoo.suggested import SuggestedModel
from zoo.tui.app import ZooApp
from zoo.tui.feed import ModelLine
from zoo.tui.screens.compare import CompareScreen
from zoo.tui.screens.run import RunScreen
from zoo.tui.screens.runs import RunsScreen
from zoo.tui.screens.source import SourceScreen
from zoo.tui.widgets.chat_view import ChatView
from zoo.tui.widgets.gallery import Gallery
from zoo.tui.widgets.table import Table

FOLDER = Path(__file__).parent / "screens"
ROOT = FOLDER.parents[1]
DATA = "zoo/quickstart/customer_messages_train.csv"
TEXTS = "zoo/quickstart/customer_messages_test.csv"
ORDERS = "docs/examples/orders/train.conll"
SIZE = (110, 32)
DEADLINE_S = 300.0
BASE = "all-minilm-l6-v2"
LEARNS_BOXES = "resnet18"
PICTURE = (160, 120)
COLOURS = {"circle": (240, 200, 90), "square": (120, 190, 240), "triangle": (230, 120, 140)}
EDGES = ("left", "top", "right", "bottom")
CHATS = "gpt/smollm2-135m-instruct"
MESSAGES = ("What is the capital of France?", "And of Italy?", "Name three things to see there.")
QUESTION = "nine days now and the tracking page still says label created"


class Walk:
    """A way through the application.

    Args:
        app: under test.
        pilot: that drives it.
    """

    def __init__(self, app: ZooApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for something that must happen."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, "the application did not get there"
            await self.pilot.pause(0.1)
        await self.pilot.pause(0.5)

    async def go_to(self, name: str) -> None:
        """Put the cursor on a model."""
        table = self.app.screen.query_one(Table)
        rows = enumerate(table.rows)
        table.cursor = next(i for i, row in rows if isinstance(row, ModelLine) and row.card.name == name)
        await self.pilot.pause(1)

    def take(self, name: str) -> None:
        """Take a picture of what stands on the screen."""
        svg = re.sub(r"terminal-\d+", "terminal", self.app.export_screenshot(title="zoo"))
        path = FOLDER / f"{name}.svg"
        path.write_text(re.sub(r"@font-face \{[^}]*\}\s*", "", svg), encoding="utf-8")


async def train(walk: Walk) -> None:
    """From the models to the answers of one that is trained."""
    app, pilot = walk.app, walk.pilot
    until, take = walk.until, walk.take
    await walk.go_to(BASE)
    take("models")
    await pilot.press("slash", *("space" if letter == " " else letter for letter in "to pull"), "enter", "down")
    await until(lambda: isinstance(app.screen.query_one(Table).current, SuggestedModel))
    await pilot.pause(1)
    take("to_pull")
    await pilot.press("escape")
    await walk.go_to(BASE)
    await pilot.press("f")
    form = app.screen
    form.field("data").editor.value = DATA
    form.field("name").editor.value = "messages"
    await until(lambda: "nothing stands" in str(form.query_one("#preview").render()))
    take("form")
    await pilot.press("ctrl+s")
    await until(lambda: app.screen is not form)
    await pilot.press("y")
    await until(lambda: isinstance(app.screen, RunScreen))
    run = app.screen
    await until(lambda: len(run._snapshot.evaluations) >= 3)
    take("run")
    await until(lambda: run._snapshot.status == "finished")
    take("result")
    await until(lambda: app.feed.line("bert/messages"))
    await pilot.press("t")
    await until(lambda: app.screen.model.session)
    app.screen.query_one(TextArea).text = QUESTION
    await until(lambda: app.screen._answer is not None)
    take("predict")


async def join(walk: Walk) -> None:
    """From the form of a training with three sources to what came of each."""
    app, pilot = walk.app, walk.pilot
    await walk.go_to(BASE)
    await pilot.press("f")
    form = app.screen
    form.field("data").editor.value = DATA
    for name, value in {"name": "joint", "source": "topic", "epochs": "6", "max_tokens": "64"}.items():
        form.field(name).editor.value = value
    await walk.until(lambda: "nothing stands" in preview(form))
    for name, data, task in (("entities", ORDERS, ""), ("texts", TEXTS, "fill-mask")):
        await pilot.press("ctrl+n")
        await walk.until(lambda: isinstance(app.screen, SourceScreen))
        source = app.screen
        source.field("source").editor.value = name
        source.field("data").editor.value = data
        if task:
            source.field("task").editor.value = task
        await walk.until(lambda source=source: "lengths" in preview(source))
        await pilot.press("ctrl+s")
        await walk.until(lambda: app.screen is form)
    form.field("sampling").editor.focus()
    await pilot.pause(1)
    walk.take("sources")
    await pilot.press("ctrl+s")
    await walk.until(lambda: app.screen is not form)
    await pilot.press("y")
    await walk.until(lambda: isinstance(app.screen, RunScreen))
    run = app.screen
    await walk.until(lambda: run._snapshot.status == "finished")
    walk.take("joint")


async def compare(walk: Walk) -> None:
    """Two trainings beside one another."""
    app, pilot = walk.app, walk.pilot
    names = ("slow", "fast")
    for name, lr in zip(names, (2e-5, 2e-4), strict=True):
        run = await asyncio.to_thread(zoo.finetune, BASE, DATA, name=name, lr=lr, epochs=4, max_tokens=64)
        await walk.until(lambda run=run: run.status == "finished")
    await pilot.press("2")
    await walk.until(lambda: isinstance(app.screen, RunsScreen) and app.screen.query_one(Table).rows)
    await pilot.press("space", "space", "v")
    await walk.until(lambda: isinstance(app.screen, CompareScreen))
    page = app.screen
    await walk.until(lambda: page.comparison and page.comparison.pairs)
    walk.take("compare")


async def see(walk: Walk) -> None:
    """Data of pictures."""
    await walk.go_to(LEARNS_BOXES)
    await walk.pilot.press("f")
    form = walk.app.screen
    for name, data in zip(("boxes", "masks"), draw_shapes(Path(os.environ["ZOO_HOME"]) / "shapes"), strict=True):
        form.field("data").editor.value = str(data)
        await walk.until(lambda name=name: form.query_one(Gallery).display and name[:4] in preview(form))
        walk.take(name)


async def chat(walk: Walk) -> None:
    """A conversation; its model is fetched."""
    walk.app.predict_with(CHATS)
    await walk.until(lambda: walk.app.screen.query(ChatView) and walk.app.screen.model.session)
    view = walk.app.screen.query_one(ChatView)
    view.query_one("#system", Input).value = "You are a helpful assistant."
    for message in MESSAGES:
        view.editor.text = message
        await walk.pilot.press("enter")
        await walk.until(lambda: not view.editor.text and not view.is_answering)
    walk.take("chat")


PARTS = {part.__name__: part for part in (train, join, compare, see, chat)}


async def main(names: list[str]) -> None:
    """Walk through the application."""
    app = ZooApp()
    async with app.run_test(size=SIZE) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: any(line.local for line in app.feed.models))
        for name in names or PARTS:
            await PARTS[name](walk)
            await pilot.press("escape", "escape", "1")


def preview(form: Screen[object]) -> str:
    """What the form says of the data."""
    return str(form.query_one("#preview", Static).render())


def draw_shapes(folder: Path) -> list[Path]:
    """A few pictures with shapes on them, and two tables that say what is where: by boxes, and by outlines."""
    draw = random.Random(7)  # noqa: S311
    folder.mkdir()
    rows: dict[str, list[dict[str, object]]] = {"boxes": [], "mask": []}
    for number in range(24):
        picture, corners = background(draw, *PICTURE, paleness=0.8), {}
        for place in free_places(draw, PICTURE, 2, (36, 60)):
            shape = draw.choice(["circle", "square", "triangle"])
            corners[draw_shape(picture, shape, place, COLOURS[shape])] = shape
        picture.save(folder / f"{number}.png")
        boxes = [{"label": shape, **dict(zip(EDGES, box_around(one), strict=True))} for one, shape in corners.items()]
        outlines = [{"label": shape, "segmentation": [[*chain(*one)]]} for one, shape in corners.items()]
        for column, cell in (("boxes", boxes), ("mask", outlines)):
            rows[column].append({"file_name": f"{number}.png", column: cell})
    for column, of_column in rows.items():
        text = "".join(json.dumps(row) + "\n" for row in of_column)
        (folder / f"shapes_{column}.jsonl").write_text(text, encoding="utf-8")
    return [folder / f"shapes_{column}.jsonl" for column in rows]


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as store:
        os.environ["ZOO_HOME"] = store
        os.chdir(ROOT)
        asyncio.run(main(sys.argv[1:]))
