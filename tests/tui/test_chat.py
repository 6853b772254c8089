"""Chatting: a model that chats keeps in mind what was said, its answers grow, and a person can stop them."""

from __future__ import annotations

import json
import os
import shlex
import signal

import pytest
from textual import events
from textual.widgets import Input

from tests.parrot import install_parrot
from tests.plugin_site import Site
from tests.tiny_causal_plugin import install_random_chat
from tests.tui.driving import Driver, notices, scenario, screen_text, shows, until, write
from tests.tui.test_predict import IMAGES, choose
from zoo.tui.screens.predict import PredictScreen
from zoo.tui.widgets.chat_view import ChatView

pytestmark = pytest.mark.slow


@pytest.fixture
def parrot(models: Site) -> Site:
    """A model that says again what it is told, and counts the messages that it has read."""
    install_parrot(models)
    return models


async def chat_with(pilot: Driver, name: str) -> PredictScreen:
    screen = await choose(pilot, name)
    await shows(pilot, "loaded, on cpu", "system", "Type a message")
    return screen


async def say(pilot: Driver, text: str) -> None:
    await write(pilot, text)
    await pilot.press("enter")


@scenario(size=(80, 24))
async def test_a_conversation_goes_on(pilot: Driver, parrot: Site) -> None:
    screen = await chat_with(pilot, "parrot")
    await say(pilot, "good day")
    await shows(pilot, "you good day", "parrot good day")
    await say(pilot, "how many")
    await shows(pilot, "you how many", "parrot user good day, assistant good day, user how many")
    screen.query_one("#system", Input).value = "be loud"
    await say(pilot, "how many")
    await shows(pilot, "parrot system be loud, user good day")
    await pilot.press("ctrl+n")
    await until(pilot, lambda: "good day" not in screen_text(pilot))
    await say(pilot, "how many")
    await shows(pilot, "parrot system be loud, user how many")
    await write(pilot, "two")
    await pilot.press("ctrl+j")
    await write(pilot, "lines")
    await pilot.press("ctrl+y")
    words = shlex.split(pilot.app.clipboard)
    texts = [message["content"] for message in json.loads(words[3])]

    assert (words[:3], words[4:]) == (["zoo", "predict", "parrot"], ["--system", "be loud"])
    assert texts == ["how many", "system be loud, user how many", "two\nlines"]


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
def test_an_answer_is_stopped_and_kept(parrot: Site, key: str) -> None:
    @scenario(size=(80, 24))
    async def drive(pilot: Driver) -> None:
        screen = await chat_with(pilot, "parrot")
        await say(pilot, "on forever")
        await shows(pilot, "and so on and so on")
        await say(pilot, "x")
        await until(pilot, lambda: notices(pilot)[-1] == "the model is still answering: Esc stops it")
        await pilot.press(key)
        await shows(pilot, "stopped")
        await pilot.press("backspace")
        await say(pilot, "how many")
        await shows(pilot, "and so on , user how many")
        assert screen is pilot.app.screen
        assert pilot.app.focused is screen.query_one(ChatView).editor

    drive()


@scenario(size=(100, 30))
async def test_what_goes_wrong_is_said_and_the_conversation_goes_on(pilot: Driver, parrot: Site) -> None:
    parrot.install("looks", IMAGES)
    screen = await chat_with(pilot, "parrot")
    await say(pilot, "broken")
    await shows(pilot, "plugin parrot fails to answer with parrot: ValueError: it has a cold")
    assert screen.query_one(ChatView).editor.text == "broken", "nothing was said, so it can be put otherwise"
    await pilot.press(*["backspace"] * len("broken"))
    await say(pilot, "how many")
    await shows(pilot, "parrot user how many")
    assert screen.model.session is not None
    os.kill(screen.model.session.pid, signal.SIGKILL)
    await say(pilot, "hello")
    await shows(pilot, "the process that held parrot/parrot is gone")
    await pilot.press("ctrl+l")
    await shows(pilot, "ANSWERS")
    await write(pilot, "looks-feature")
    await pilot.press("enter")
    await shows(pilot, "looks-feature-extraction", "Type or paste a text")
    assert "how many" not in screen_text(pilot)


@scenario(size=(100, 40))
async def test_a_conversation_that_is_too_long_goes_on_without_its_beginning(pilot: Driver, models: Site) -> None:
    install_random_chat(models)
    await chat_with(pilot, "random-chat")
    for _ in range(2):
        await say(pilot, "a" * 30)
        await until(
            pilot, lambda: "…" not in screen_text(pilot) and not pilot.app.screen.query_one(ChatView).is_answering
        )
    await shows(pilot, "the conversation is too long for the model, which did not read the oldest 2 messages")


@scenario(size=(80, 24))
async def test_options_change_within_a_conversation(pilot: Driver, parrot: Site) -> None:
    screen = await chat_with(pilot, "parrot")
    await say(pilot, "how long")
    await shows(pilot, "parrot up to 256")
    await pilot.press("ctrl+t")
    await shows(pilot, "how parrot answers", "max tokens", "temperature", "Most tokens of an answer.")
    await write(pilot, "0")
    await shows(pilot, "\"max tokens\" is '0', but takes a whole number")
    await pilot.press("ctrl+s", "backspace")
    assert pilot.app._driver is not None
    for key in ("9", "ctrl+s"):  # at once, as in a script
        pilot.app._driver.send_message(events.Key(key, key if len(key) == 1 else None))
    await shows(pilot, "parrot text-generation max tokens 9")
    await pilot.press("ctrl+t")
    await shows(pilot, "how parrot answers")
    await pilot.press("tab", "tab")
    await write(pilot, "0.5")
    await pilot.press("ctrl+s")
    await shows(pilot, '"top p" has no effect at "temperature" 0')
    await pilot.press("shift+tab")
    await write(pilot, "0.7")
    await pilot.press("ctrl+s")
    await shows(pilot, "parrot text-generation max tokens 9 temperature 0.7 top p 0.5", "parrot up to 256")
    await say(pilot, "how long")
    await shows(pilot, "parrot up to 9")
    await pilot.press("ctrl+y")
    assert pilot.app.clipboard.endswith(" --max-tokens 9 --temperature 0.7 --top-p 0.5")
    await pilot.press("ctrl+t")
    await shows(pilot, "how parrot answers", "0.7")
    await pilot.press("escape")
    await until(pilot, lambda: pilot.app.screen is screen)
