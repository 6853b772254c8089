"""The application as a whole: places, help, palette, themes, colours, and what happens when something breaks."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.command import CommandList, CommandPalette

from tests.plugin_site import Site, plugin
from tests.tui.driving import Driver, notices, scenario, screen_text, shows, until, write
from tests.tui.terminal import Terminal
from zoo.runs import launcher
from zoo.runs.events import RunFinished
from zoo.runs.store import RunFolder
from zoo.settings import file, value
from zoo.tui.app import ZooApp
from zoo.tui.screens.help import HelpScreen


@scenario()
async def test_every_place_has_a_key(pilot: Driver, models: Site) -> None:
    for key, text in (
        ("2", "no runs yet"),
        ("3", "no model is loaded"),
        ("4", "zoo-red 1.0 3"),
        ("5", "DEVICE WHAT MEMORY FREE"),
        ("1", "5 of 5"),
    ):
        await pilot.press(key)
        await shows(pilot, text)


@pytest.fixture
def unreadable_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PermissionError(13, "Permission denied", "turns")

    monkeypatch.setattr(launcher, "start_lost", refuse)


@scenario()
async def test_runs_are_shown_though_lost_ones_cannot_be_started(
    pilot: Driver, models: Site, unreadable_queue: None
) -> None:
    await until(pilot, lambda: pilot.app.feed.runs_loaded)
    await until(pilot, lambda: any("the store cannot be read" in notice for notice in notices(pilot)))


@scenario()
async def test_places_can_be_clicked(pilot: Driver, models: Site) -> None:
    await shows(pilot, "5 of 5")
    await pilot.click("TopBar", offset=(screen_text(pilot).splitlines()[0].index("4 Plugins") + 2, 0))
    await shows(pilot, "zoo-blue")


@scenario()
async def test_help_names_the_keys_of_the_screen(pilot: Driver, models: Site) -> None:
    await shows(pilot, "5 of 5")
    await pilot.press("question_mark")
    await shows(pilot, "All models, those of plugins and your own.", "/ Filter", "d Download", "f Fine-tune")
    await pilot.press("escape")
    assert not isinstance(pilot.app.screen, HelpScreen)


@scenario(size=(100, 30))
async def test_the_palette_finds_models_runs_and_places(
    pilot: Driver, models: Site, write_run: Callable[..., RunFolder]
) -> None:
    write_run("yesterday", RunFinished())
    await shows(pilot, "5 of 5")
    await until(pilot, lambda: pilot.app.feed.runs)
    for typed, command in (
        ("yester", "Run yesterday"),
        ("finetune gam", "Finetune gamma"),
        ("to dev", "Go to Devices"),
    ):
        await pilot.press("ctrl+p")
        await until(pilot, lambda: pilot.app.screen.id != "_default")
        await write(pilot, typed)
        await shows(pilot, command)
        await pilot.press("escape")


def palette_lines(pilot: Driver) -> list[str]:
    """What the palette offers, from the top."""
    return [str(option.prompt).splitlines()[0] for option in pilot.app.screen.query_one(CommandList).options]


@scenario(size=(100, 30))
async def test_the_palette_has_models_before_runs_whatever_letters_a_run_begins_with(
    pilot: Driver, models: Site, write_run: Callable[..., RunFolder]
) -> None:
    write_run("amma-one", RunFinished())
    write_run("amma", RunFinished())
    await shows(pilot, "5 of 5")
    await until(pilot, lambda: pilot.app.feed.runs)
    of_model = "Finetune gamma"
    for typed, lines in (
        ("amm", [of_model, "Run amma", "Run amma-one"]),
        ("amma", ["Run amma", of_model, "Run amma-one"]),  # the name of a run, letter for letter
    ):
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
        await write(pilot, typed)
        await until(pilot, lambda lines=lines: palette_lines(pilot) == lines)  # type: ignore[misc]
        await pilot.press("escape")


@scenario()
async def test_a_broken_plugin_is_shown_with_what_to_do(pilot: Driver, models: Site) -> None:
    models.install("broken", "import no_such_module")
    await pilot.press("4")
    await shows(pilot, "broken zoo-broken 1.0", "failed")
    await shows(pilot, "No module named 'no_such_module'", "update or uninstall zoo-broken")
    models.install("late", plugin())
    await pilot.press("r")
    await shows(pilot, "late zoo-late")


@pytest.fixture
def slow(models: Site) -> None:
    """One more plugin, which takes its time."""
    models.install("slow", plugin(more="import time\ntime.sleep(2.1)"))


@pytest.mark.slow
@scenario(size=(100, 30))
async def test_a_plugin_that_one_waits_for_is_named(pilot: Driver, slow: None) -> None:
    await until(pilot, lambda: any("plugin slow took 2." in notice for notice in notices(pilot)))


@scenario()
async def test_a_plugin_can_be_left_out_and_taken_back(pilot: Driver, models: Site) -> None:
    await pilot.press("4")
    await shows(pilot, "blue zoo-blue 1.0 2", "red zoo-red 1.0 3")
    await pilot.press("home", "e")
    await shows(pilot, "blue zoo-blue 1.0 disabled")
    await pilot.press("1")
    await shows(pilot, "3 of 3")
    await pilot.press("4", "end", "e")
    await shows(pilot, "blue zoo-blue 1.0 2")


@scenario()
async def test_the_theme_is_kept(pilot: Driver, models: Site, store: Path) -> None:
    pilot.app.theme = "high-contrast"
    await pilot.pause()
    assert 'theme = "high-contrast"\n' in (store / "config.toml").read_text()
    file.forget()
    assert ZooApp().theme == "high-contrast"
    (store / "config.toml").write_text('theme = "no such theme"\n')
    file.forget()
    assert ZooApp().theme == "textual-dark"


@scenario()
async def test_a_theme_is_written_without_the_rest_of_the_file_being_read_anew(
    pilot: Driver, models: Site, store: Path
) -> None:
    (store / "config.toml").write_text('device = "mps"\nprecision = "fp99"\n')
    pilot.app.theme = "nord"
    await pilot.pause()
    assert 'theme = "nord"\n' in (store / "config.toml").read_text()
    assert (value("device"), value("precision")) == ("auto", "auto")


@pytest.fixture
def unknown_theme(store: Path) -> None:
    (store / "config.toml").write_text('theme = "[/] no such theme"\n')


@scenario()
async def test_a_theme_that_there_is_not_is_told(pilot: Driver, models: Site, unknown_theme: None) -> None:
    await until(pilot, lambda: any("there is no theme '[/] no such theme'" in notice for notice in notices(pilot)))


@scenario()
async def test_a_theme_that_cannot_be_kept_holds_until_the_end(pilot: Driver, models: Site, store: Path) -> None:
    (store / "config.toml").mkdir()
    pilot.app.theme = "nord"
    await until(pilot, lambda: any("settings cannot be read" in notice for notice in notices(pilot)))
    assert pilot.app.theme == "nord"


@pytest.mark.slow
@scenario(size=(40, 12))
async def test_a_tiny_terminal_is_enough_to_move_about(pilot: Driver, models: Site) -> None:
    for key in ("1", "2", "3", "4", "5", "1"):
        await pilot.press(key)
        await pilot.pause(0.05)
    await shows(pilot, "alpha")
    await pilot.resize_terminal(200, 60)
    await shows(pilot, "alpha recommended *text-classification toy 12.3M", "PLUGIN")


@scenario()
async def test_an_error_in_the_background_is_told(pilot: Driver, models: Site) -> None:
    from zoo.errors import StoreInvalid

    def fail() -> None:
        raise StoreInvalid("the store is [gone]", "look for it")

    pilot.app.carry_out(fail)
    await until(pilot, lambda: "the store is [gone]\nlook for it" in notices(pilot))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals of this kind")
def test_zoo_without_a_word_opens_it_on_a_terminal(models: Site) -> None:
    terminal = Terminal()
    terminal.read_until(b"alpha")
    terminal.write(b"q")
    assert terminal.end() == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals of this kind")
def test_no_color_is_honoured_and_kept_for_children(models: Site) -> None:
    program = (
        "import os, zoo.tui.app as app\n"
        "leave = app.ZooApp.action_leave\n"
        "def probe(self):\n"
        "    open(os.environ['PROBE'], 'w').write(os.environ.get('NO_COLOR', 'lost'))\n"
        "    leave(self)\n"
        "app.ZooApp.action_leave = probe\n"
        "from zoo.tui.launch import open_app\nopen_app()"
    )
    probe = models.path / "probe"
    terminal = Terminal(program, NO_COLOR="1", PROBE=str(probe))
    terminal.read_until(b"alpha")
    terminal.write(b"q")
    terminal.end()
    assert probe.read_text() == "1"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals of this kind")
def test_a_fault_of_its_own_is_one_message_and_no_traceback(models: Site, store: Path) -> None:
    program = (
        "import zoo.tui.screens.models as models\n"
        "def broken(self): raise KeyError('oops')\n"
        "models.ModelsScreen.action_filter = broken\n"
        "from zoo.tui.launch import open_app\nraise SystemExit(open_app())"
    )
    terminal = Terminal(program)
    terminal.read_until(b"alpha")
    terminal.write(b"/")
    text = terminal.read_until(b"please report")
    assert terminal.end() == 1
    assert b"Traceback" not in text
    assert "KeyError" in (store / "tui-error.log").read_text()


@pytest.mark.slow
def test_without_a_terminal_zoo_shows_its_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zoo"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True
    )
    assert b"usage: zoo" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_ends_it_and_the_terminal_is_as_before(name: str, models: Site) -> None:
    number = signal.Signals[name]
    terminal = Terminal("import sys; from zoo.cli import main; sys.exit(main([]))")
    terminal.read_until(b"alpha")
    terminal.process.send_signal(number)
    assert 128 + number == terminal.end()
    assert b"Traceback" not in terminal.output
    for mode in (b"?1049", b"?1000", b"?1003", b"?1006", b"?2004"):  # other screen, mouse, pasting
        assert terminal.output.rfind(b"\x1b[%bh" % mode) < terminal.output.rfind(b"\x1b[%bl" % mode), mode
    assert terminal.output.rfind(b"\x1b[?25l") < terminal.output.rfind(b"\x1b[?25h"), "the cursor is seen again"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals of this kind")
@pytest.mark.parametrize(
    ("program", "output"),
    [
        ("import sys; from zoo.cli import main; sys.exit(main([]))", b"usage: zoo"),
        ("from zoo.cli import diagnostics; diagnostics.status('half'); diagnostics.note('whole')", b"whole"),
    ],
)
def test_a_terminal_without_control_sequences_gets_none(program: str, output: bytes, models: Site) -> None:
    terminal = Terminal(program, TERM="dumb")
    assert 0 == terminal.end()
    assert output in terminal.output
    assert b"\x1b" not in terminal.output


@scenario()
async def test_a_store_that_is_no_folder_is_told_once(pilot: Driver, models: Site, store: Path) -> None:
    await shows(pilot, "5 of 5")
    (store / "runs").write_text("not a folder")
    await until(pilot, lambda: any("the store cannot be read" in notice for notice in notices(pilot)))
    assert sum("the store cannot be read" in notice for notice in notices(pilot)) == 1
    await pilot.press("2", "1")
    await shows(pilot, "alpha")
