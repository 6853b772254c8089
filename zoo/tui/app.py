"""The application: five places, each a screen; what is known comes from the feed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.events import Event, InputEvent
from textual.message import Message
from textual.screen import Screen
from textual.widget import AwaitMount

from zoo import atomic, settings
from zoo.card import Card, Verb
from zoo.errors import StoreInvalid, ZooError
from zoo.paths import home
from zoo.sanitize import plain, unbroken
from zoo.settings import file
from zoo.settings.table import DEFAULT_THEME
from zoo.tui import option_lists
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
        option_lists.repair()
        super().__init__()
        self.graphics = graphics
        """How images are drawn."""
        self.feed = Feed(self)
        self.chosen_model = ""
        """Full name of the model that Predict is to open next."""
        self.register_theme(HIGH_CONTRAST)
        self._kept_theme = settings.value("theme")
        self.theme = self._kept_theme if self._kept_theme in self.available_themes else DEFAULT_THEME

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

    async def on_event(self, event: Event) -> None:
        """Keys and clicks wait for the screen they are meant for to be put together."""
        if not isinstance(event, InputEvent) or await self._screen_is_mounted():
            await super().on_event(event)

    async def _screen_is_mounted(self) -> bool:
        """Wait until the screen on top is put together; false where no key does anything any more, for zoo ends."""
        while self.is_running and self.screen_stack:
            if self.screen.is_mounted:
                return True
            await AwaitMount(self.screen, [self.screen])  # which may be another by then
        return False

    async def _shutdown(self) -> None:
        """End; screens that are half put together are finished first, for they would look in vain for their parts."""
        self.feed.stop()
        while unmounted := [one for stack in self._screen_stacks.values() for one in stack if not one.is_mounted]:
            await AwaitMount(unmounted[0], unmounted)
        await super()._shutdown()

    def on_mount(self) -> None:
        if not self.is_headless:
            exit_on_signals(self)
        if (theme := self._kept_theme) not in self.available_themes:
            words = f"there is no theme {theme!r}: {settings.resolve('theme').origin}"
            self.notify(words, severity="warning", markup=False)
        self.theme_changed_signal.subscribe(self, lambda theme: self._keep_theme(theme.name))
        self.call_after_refresh(self.feed.start)

    def _keep_theme(self, name: str) -> None:
        """Let it be the theme of later sessions, too; where nothing can be written it holds until this one ends."""
        if name == self._kept_theme:
            return
        try:
            file.change({"theme": name})
            self._kept_theme = name
        except StoreInvalid as error:
            self.notify(error.message, severity="warning", markup=False)

    def on_applied(self, message: Applied) -> None:
        """A thread has found something out; nobody looks any more while the application ends."""
        if self.is_running:
            message.change()

    def broadcast(self, fact: Callable[[], Message]) -> None:
        """Post a message to the screens on the stack."""
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

    def push_screen(self, screen: Any, *args: Any, **kwargs: Any) -> Any:
        """Put a screen on top; nothing is put over a dialog, which is answered first.

        Dialogs let the screen below shine through. Several over one another would be drawn through each other, and
        Textual, which remembers what each was last drawn over, then may draw them in a circle without end.
        """
        if self._dialog_is_open():
            return AwaitMount(self.screen, [])
        return super().push_screen(screen, *args, **kwargs)

    def switch_mode(self, mode: str) -> AwaitMount:
        """Go to another place; not from under a dialog, which belongs to the place where it was opened."""
        return AwaitMount(self.screen, []) if self._dialog_is_open() else super().switch_mode(mode)

    def _dialog_is_open(self) -> bool:
        """Say so if something is to be answered first."""
        is_open = bool(self.screen_stack) and self.screen.is_modal
        if is_open:
            self.notify("answer or close this first: Esc")
        return is_open

    def show_page(self, page: Page) -> None:
        """Put a page over the place, instead of those that stand there: a page for a part of another lies over it."""
        if self._dialog_is_open():
            return
        pages = [screen for screen in self.screen_stack[1:] if isinstance(screen, Page)]

        def replace() -> None:
            for _ in pages:
                self.screen.dismiss()
            self.push_screen(page)

        unsaved = next((one for one in reversed(pages) if one.unsaved), None)
        if unsaved is None:
            replace()
        else:
            self.leave_page(unsaved, replace)

    def leave_page(self, page: Page, leave: Callable[[], object]) -> None:
        """Leave a page; what was entered is asked about."""
        if page.unsaved:
            self.ask("Leave the form?", f"This loses {page.unsaved}.", "Leave", leave)
        else:
            leave()

    def open_run(self, name: str) -> None:
        """Watch a run, or look at what came of it."""
        from zoo.tui.screens.run import RunScreen

        self.switch_mode("runs")
        self.show_page(RunScreen(name))

    def train(self, card: Card, verb: Verb) -> None:
        """Fill in the form of a training."""
        from zoo.tui.screens.train import TrainScreen

        self.show_page(TrainScreen(card, verb))

    def open_form(self, name: str, card: Card) -> None:
        """Fill in a form of `zoo.tui.forms` for a model; says so where the model lacks something for it."""
        from zoo.tui.forms import FORMS, form_screen

        if lacking := FORMS[name].lacking(card):
            self.notify(lacking, severity="warning", markup=False)
        else:
            self.show_page(form_screen(name, card))

    def pick_model(self) -> None:
        """Fill in the form of picking one of the models."""
        from zoo.pick_jobs import any_model
        from zoo.tui.screens.pick_model import PickModelScreen

        card = any_model(line.card for line in self.feed.models)
        if card.abilities:
            self.show_page(PickModelScreen(card))
        else:
            self.notify("no model here learns from labels; see 4 Plugins", severity="warning")

    def sweep(self, recipe: str = "") -> None:
        """Fill in the form of trying a training with many settings.

        Args:
            recipe: path of that of the training; empty to have it said in the form.
        """
        from zoo.tui.screens.sweep import SweepScreen

        self.show_page(SweepScreen(recipe))

    def predict_with(self, model: str) -> None:
        """Go where models answer, with this one."""
        self.chosen_model = model
        self.switch_mode("predict")

    def ask(self, question: str, text: str, yes: str, work: Callable[[], object]) -> None:
        """Do something once the person has said yes."""
        from zoo.tui.screens.confirm import ConfirmScreen

        def on_answer(answer: bool | None) -> None:
            if answer:
                work()

        self.push_screen(ConfirmScreen(question, text, yes), on_answer)

    def carry_out(self, work: Callable[[], object], *, done: str | Callable[[], str] = "") -> None:
        """Do something that may take a moment, in a thread; an error is shown.

        Args:
            work: what is done.
            done: what is said then; a function where that depends on what came of it.
        """

        def in_thread() -> None:
            try:
                work()
                message = done if isinstance(done, str) else done()
            except ZooError as error:
                failure = error
                self.feed.later(lambda: self.show_error(failure))
            else:
                if message:
                    self.feed.later(lambda: self.notify(message, markup=False))

        self.run_worker(in_thread, thread=True, group="work", exit_on_error=False)

    def action_go(self, place: str) -> None:
        """Go to a place."""
        self.switch_mode(place)

    def action_command_palette(self) -> None:
        """Find models, runs and places by name."""
        from zoo.tui.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def search_themes(self) -> None:
        """Choose among the themes."""
        from textual.theme import ThemeProvider

        from zoo.tui.palette import Palette

        self.push_screen(Palette(providers=[ThemeProvider], placeholder="Search for themes…"))

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
        self.ask("Leave zoo?", "\n".join(losses), "Leave", self.exit)

    def _unsaved(self) -> list[str]:
        """What was entered on any screen and would be lost."""
        pages = [screen for stack in self._screen_stacks.values() for screen in stack if isinstance(screen, Page)]
        return [page.unsaved for page in pages if page.unsaved]

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers beside models and runs."""
        from zoo.tui.run_page import RunPage

        for number, (place, (title, _, _)) in enumerate(PLACES.items(), start=1):
            yield SystemCommand(f"Go to {title}", f"key {number}", lambda place=place: self.action_go(place))
        if isinstance(screen, RunPage) and (name := screen.run_name):
            yield SystemCommand(f"Report of {name}", "all that is known of it, as a page", screen.action_report_run)
            yield SystemCommand(f"Sweep {name}", "try its training with many settings", screen.action_sweep_run)
            yield SystemCommand(f"Replay {name}", "do it again, and compare the bits", screen.action_replay_run)
        yield SystemCommand("Sweep", "try the training of a recipe with many settings", self.sweep)
        yield SystemCommand("Pick a model", "that does best on your data", self.pick_model)
        yield SystemCommand("Keys", "what the keys do here", self.action_help)
        yield SystemCommand("Theme", "light, dark, high contrast and others", self.action_change_theme)
        yield SystemCommand("Reload models", "ask the plugins anew", partial(self.feed.reload_models, anew=True))
        yield SystemCommand("Quit", "runs go on", self.action_leave)
