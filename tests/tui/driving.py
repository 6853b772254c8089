"""Driving the application from tests: scenarios as coroutines, and waiting for what must be shown."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import get_native_id
from typing import Any

from textual.pilot import Pilot

from zoo.tui.app import ZooApp

DEADLINE_S = 20.0
LOOK_S = 0.005
"""Time in which a process that does nothing is seen to do nothing."""
IDLE_SHARE = 0.1
THREADS = Path("/proc/self/task")
TURNS = 10
"""Of the event loop, for what has become ready in it while the process had no processor."""
Driver = Pilot[None]


async def wait_for_idle(min_sleep: float = LOOK_S, max_sleep: float = 1.0) -> None:
    """Wait until this process does nothing, as Textual's own does in looks four times as long."""
    began = time.monotonic()
    idle = False
    while not idle and time.monotonic() - began < max_sleep:
        used = time.process_time()
        await asyncio.sleep(LOOK_S)
        idle = time.process_time() - used < IDLE_SHARE * LOOK_S and time.monotonic() - began >= min_sleep
        idle = idle and not others_run()
    for _ in range(TURNS):
        await asyncio.sleep(0)


def others_run() -> bool:
    """Whether another thread of this process has a processor, or waits for one; not known outside of Linux."""
    threads = THREADS.iterdir() if THREADS.exists() else ()
    return any(_state(thread) == "R" for thread in threads if thread.name != str(get_native_id()))


def _state(thread: Path) -> str:
    with contextlib.suppress(OSError):  # it has ended
        return (thread / "stat").read_text().rpartition(")")[2].split()[0]
    return ""


def scenario(*, size: tuple[int, int] = (80, 24)) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """Run a coroutine with a pilot of the application as its first argument; fixtures follow by name."""

    def decorate(play: Callable[..., Awaitable[None]]) -> Callable[..., None]:
        async def drive(**fixtures: Any) -> None:
            app = ZooApp()
            async with app.run_test(size=size, notifications=True) as pilot:
                await play(pilot, **fixtures)

        @functools.wraps(play)
        def test(**fixtures: Any) -> None:
            asyncio.run(drive(**fixtures))

        del test.__wrapped__  # type: ignore[attr-defined]  # or pytest would ask for a fixture called pilot
        names = play.__code__.co_varnames[1 : play.__code__.co_argcount]
        test.__signature__ = _signature(names)  # type: ignore[attr-defined]
        return test

    return decorate


def _signature(names: tuple[str, ...]) -> Any:
    import inspect

    return inspect.Signature([inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names])


def screen_text(pilot: Driver) -> str:
    """What stands on the screen, line by line."""
    strips = pilot.app.screen._compositor.render_strips()
    lines = ["".join(segment.text for segment in strip) for strip in strips]
    return "\n".join(line.rstrip() for line in lines)


async def shows(pilot: Driver, *texts: str) -> str:
    """Wait until all of the texts stand on the screen; line ends and runs of spaces count as one space."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        await pilot.pause(0.02)
        shown_text = " ".join(screen_text(pilot).split())
        absent = [text for text in texts if text not in shown_text]
        if not absent:
            return shown_text
        assert time.monotonic() < deadline, f"{absent} did not appear:\n{screen_text(pilot)}"


async def until(pilot: Driver, condition: Callable[[], object]) -> None:
    """Wait for something that must happen."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen:\n{screen_text(pilot)}"
        await pilot.pause(0.02)


async def write(pilot: Driver, text: str) -> None:
    """Type a text, character by character."""
    names = {
        " ": "space",
        "/": "slash",
        ".": "full_stop",
        "-": "minus",
        "_": "underscore",
        ",": "comma",
        "?": "question_mark",
    }
    await pilot.press(*(names.get(character, character) for character in text))


def steady(svg: str) -> str:
    """A screenshot without the number that Textual makes up for each, and without fonts from elsewhere."""
    return re.sub(r"@font-face \{[^}]*\}\s*", "", re.sub(r"terminal-\d+", "terminal", svg))


def notices(pilot: Driver) -> list[str]:
    """Everything the application has said in passing."""
    return [notice.message for notice in pilot.app._notifications]
