"""Make the screenshots of the README and the guide: the real application, on the data that zoo ships.

    uv run python docs/make_screens.py

Fine-tunes a model on the way, in a store of its own that is removed afterwards; takes a minute or two.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from textual.widgets import TextArea

from zoo.tui.app import ZooApp
from zoo.tui.screens.run import RunScreen
from zoo.tui.widgets.table import Table

FOLDER = Path(__file__).parent / "screens"
ROOT = FOLDER.parents[1]
DATA = "zoo/quickstart/customer_messages_train.csv"
SIZE = (110, 32)
DEADLINE_S = 180.0
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
        table.cursor = next(i for i, line in enumerate(table.rows) if line.card.name == "all-minilm-l6-v2")
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


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as store:
        os.environ["ZOO_HOME"] = store
        os.chdir(ROOT)
        asyncio.run(main())
