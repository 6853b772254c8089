"""Make the screenshots of the README and the guide: the real application, on the data that zoo ships.

    uv run python docs/make_screens.py

Fine-tunes a model on the way, in a store of its own that is removed afterwards; takes a minute or two.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw
from textual.widgets import TextArea

from zoo.tui.app import ZooApp
from zoo.tui.screens.run import RunScreen
from zoo.tui.widgets.gallery import Gallery
from zoo.tui.widgets.table import Table

FOLDER = Path(__file__).parent / "screens"
ROOT = FOLDER.parents[1]
DATA = "zoo/quickstart/customer_messages_train.csv"
SIZE = (110, 32)
DEADLINE_S = 180.0
LEARNS_BOXES = "resnet18"
QUESTION = "nine days now and the tracking page still says label created"


async def main() -> None:
    """Walk through the application and take a picture of each place."""
    app = ZooApp()
    async with app.run_test(size=SIZE) as pilot:

        async def until(condition: Callable[[], object]) -> None:
            deadline = time.monotonic() + DEADLINE_S
            while not condition():
                assert time.monotonic() < deadline, "the application did not get there"
                await pilot.pause(0.1)
            await pilot.pause(0.5)

        def take(name: str) -> None:
            svg = re.sub(r"terminal-\d+", "terminal", app.export_screenshot(title="zoo"))
            path = FOLDER / f"{name}.svg"
            path.write_text(re.sub(r"@font-face \{[^}]*\}\s*", "", svg), encoding="utf-8")

        await until(lambda: any(line.local for line in app.feed.models))
        table = app.screen.query_one(Table)
        table.cursor = next(
            i
            for i, line in enumerate(table.rows)
            if getattr(line, "card", None) and line.card.name == "all-minilm-l6-v2"
        )
        await pilot.pause(1)
        take("models")
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
        await until(lambda: app.screen._ready)
        app.screen.query_one(TextArea).text = QUESTION
        await until(lambda: app.screen._answer is not None)
        take("predict")
        await pilot.press("escape", "1")
        table = app.screen.query_one(Table)
        table.cursor = next(
            i for i, line in enumerate(table.rows) if getattr(line, "card", None) and line.card.name == LEARNS_BOXES
        )
        await pilot.pause(1)
        await pilot.press("f")
        form = app.screen
        form.field("data").editor.value = str(draw_shapes(Path(os.environ["ZOO_HOME"]) / "shapes"))
        await until(lambda: form.query_one(Gallery).display and "shapes" in str(form.query_one("#preview").render()))
        take("boxes")


def draw_shapes(folder: Path) -> Path:
    """A few pictures with shapes on them, and a table that says what is where."""
    draw_random = random.Random(7)  # noqa: S311
    folder.mkdir()
    rows = []
    for number in range(24):
        image = Image.new("RGB", (160, 120), tuple(draw_random.randrange(30, 90) for _ in range(3)))
        boxes = []
        for column, shape in enumerate(draw_random.sample(sorted(SHAPES), 2)):
            side = draw_random.randrange(36, 60)
            left, top = column * 80 + draw_random.randrange(80 - side), draw_random.randrange(120 - side)
            SHAPES[shape](ImageDraw.Draw(image), (left, top, left + side, top + side))
            boxes.append({"label": shape, "left": left, "top": top, "right": left + side, "bottom": top + side})
        image.save(folder / f"{number}.png")
        rows.append({"file_name": f"{number}.png", "boxes": boxes})
    (folder / "shapes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder / "shapes.jsonl"


SHAPES = {
    "circle": lambda draw, box: draw.ellipse(box, fill=(240, 200, 90)),
    "square": lambda draw, box: draw.rectangle(box, fill=(120, 190, 240)),
    "triangle": lambda draw, box: draw.polygon(
        [(box[0], box[3]), (box[2], box[3]), ((box[0] + box[2]) / 2, box[1])], fill=(230, 120, 140)
    ),
}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as store:
        os.environ["ZOO_HOME"] = store
        os.chdir(ROOT)
        asyncio.run(main())
