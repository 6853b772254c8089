"""The application: five places, each a screen; what is known comes from the feed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from zoo import atomic
from zoo.card import Card, Verb
from zoo.errors import ZooError
from zoo.paths import home
from zoo.sanitize import plain, unbroken
from zoo.tui import settings
from zoo.tui.feed import Applied, Feed
from zoo.tui.graphics import Graphics
from zoo.tui.page import Page
from zoo.tui.signals import exit_on_signals
from zoo.tui.themes import HIGH_CONTRAST

if TYPE_CHECKING:
    from textual.command import Provider

PLACES = {
    "models": ("Models", "zoo.tui.screens.models", "ModelsScreen"),
    "runs": ("Runs", "zoo.tui.screens.runs", "RunsScreen"),
    "predict": ("Predict", "zoo.tui.screens.predict", "PredictScreen"),
    "plugins": ("Plugins", "zoo.tui.screens.plugins", "PluginsScreen"),
    "devices": ("Devices", "zoo.tui.screens.devices", "DevicesScreen"),
}
"""Place to title, module and class; the key of each is its number."""


def _opener(place: str) -> Callable[[], Screen[Any]]:
    """What makes the screen of a place, imported when someone goes there."""

    def open_place() -> Screen[Any]:
        _, module, name = PLACES[place]
        screen: Screen[Any] = getattr(importlib.import_module(module), name)()
        return screen

    return open_place


def _commands() -> type[Provider]:
    from zoo.tui.palette import ZooCommands

    return ZooCommands


class ZooApp(App[None]):
    """zoo in the terminal."""

    TITLE = "zoo"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[Any]] = App.COMMANDS | {_commands}
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (116, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]
    MODES = {place: _opener(place) for place in PLACES}
    DEFAULT_MODE = "models"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"go('{place}')", title, show=False)
            for number, (place, (title, _, _)) in enumerate(PLACES.items(), start=1)
        ),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "leave", "Quit"),
        Binding("ctrl+q", "leave", "Quit", show=False, priority=True),
        Binding("ctrl+c", "leave", "Quit", show=False),
    ]

    def __init__(self, graphics: Graphics = "blocks") -> None:
        super().__init__()
        self.graphics = graphics
        """How images are drawn."""
        self.feed = Feed(self)
        self.chosen_model = ""
        """Full name of the model that Predict is to open next."""
        self.register_theme(HIGH_CONTRAST)
        wanted = settings.load().theme
        self.theme = wanted if wanted in self.available_themes else settings.DEFAULT_THEME

    def _fatal_error(self) -> None:
        """Say in one paragraph that zoo is at fault; the traceback goes into a file."""
        import sys
        import traceback

        path = home() / "tui-error.log"
        error = sys.exception()
        atomic.write_text(path, "".join(traceback.format_exception(error)))
        words = f"{type(error).__name__}: {error}"
        self._exit_renderables.append(
            Text(
                f"error: the terminal UI met something it did not expect ({plain(words)}).\n"
                f"hint: runs go on; please report what is in {path}"
            )
        )
        self._close_messages_no_wait()

    def on_mount(self) -> None:
        if not self.is_headless:
            exit_on_signals(self)
        self.theme_changed_signal.subscribe(self, lambda theme: settings.save(settings.Settings(theme=theme.name)))
        self.call_after_refresh(self.feed.start)

    def on_unmount(self) -> None:
        self.feed.stop()

    def on_applied(self, message: Applied) -> None:
        """A thread has found something out; nobody looks any more while the application ends."""
        if self.is_running:
            message.change()

    def tell(self, fact: Callable[[], Message]) -> None:
        """Tell the screens that are on the screen."""
        for screen in self.screen_stack:
            screen.post_message(fact())

    def show_error(self, error: ZooError) -> None:
        """One message: what is wrong, and what to do next."""
        text = unbroken(error.message) + (f"\n{unbroken(error.hint)}" if error.hint else "")
        self.notify(text, severity="error", timeout=12, markup=False)

    def copy(self, text: str) -> None:
        """Put a text on the clipboard of the person's terminal, and show it: not every terminal takes it."""
        self.copy_to_clipboard(text)
        self.notify(text, title="copied", markup=False)

    def open_run(self, name: str) -> None:
        """Watch a run, or look at what came of it."""
        from zoo.tui.screens.run import RunScreen

        self.switch_mode("runs")
        self.push_screen(RunScreen(name))

    def train(self, card: Card, verb: Verb) -> None:
        """Fill in the form of a training."""
        from zoo.tui.screens.train import TrainScreen

        self.push_screen(TrainScreen(card, verb))

    def predict_with(self, model: str) -> None:
        """Go where models answer, with this one."""
        self.chosen_model = model
        self.switch_mode("predict")

    def ask(self, question: str, text: str, yes: str, work: Callable[[], object]) -> None:
        """Do something once the person has said yes."""
        from zoo.tui.screens.confirm import ConfirmScreen

        def answered(answer: bool | None) -> None:
            if answer:
                work()

        self.push_screen(ConfirmScreen(question, text, yes), answered)

    def carry_out(self, work: Callable[[], object], *, done: str = "") -> None:
        """Do something that may take a moment, in a thread; what goes wrong is told."""

        def in_thread() -> None:
            try:
                work()
            except ZooError as error:
                told = error
                self.feed.later(lambda: self.show_error(told))
            else:
                if done:
                    self.feed.later(lambda: self.notify(done, markup=False))

        self.run_worker(in_thread, thread=True, group="work", exit_on_error=False)

    def action_go(self, place: str) -> None:
        """Go to a place."""
        self.switch_mode(place)

    def action_help(self) -> None:
        """Show what the keys do here."""
        from zoo.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    def action_leave(self) -> None:
        """Leave; runs go on, downloads stop and go on the next time."""
        active = len(self.feed.downloads.active)
        losses = [f"This loses {unsaved}." for unsaved in self._unsaved()]
        if active:
            downloads = f"{active} download{'s' if active > 1 else ''}"
            losses.append(f"{downloads} would stop, and go on where it was the next time.")
        if not losses:
            self.exit()
            return
        from zoo.tui.screens.confirm import ConfirmScreen

        text = "\n".join(losses)
        self.push_screen(ConfirmScreen("Leave zoo?", text, "Leave"), lambda yes: self.exit() if yes else None)

    def _unsaved(self) -> list[str]:
        """What was entered on any screen and would be lost."""
        pages = [screen for stack in self._screen_stacks.values() for screen in stack if isinstance(screen, Page)]
        return [page.unsaved for page in pages if page.unsaved]

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers beside models and runs."""
        for number, (place, (title, _, _)) in enumerate(PLACES.items(), start=1):
            yield SystemCommand(f"Go to {title}", f"key {number}", lambda place=place: self.action_go(place))
        yield SystemCommand("Keys", "what the keys do here", self.action_help)
        yield SystemCommand("Theme", "light, dark, high contrast and others", self.action_change_theme)
        yield SystemCommand("Reload models", "ask the plugins anew", partial(self.feed.reload_models, anew=True))
        yield SystemCommand("Quit", "runs go on", self.action_leave)
