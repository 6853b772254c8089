"""The form of trying the training of a recipe with many settings."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any, NamedTuple

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widgets import Static

from zoo import settings
from zoo.errors import OptionInvalid, ZooError
from zoo.file_cache import read_once
from zoo.options import Options, schema
from zoo.recipes import read_recipe
from zoo.runs.candidate import settings_in_words
from zoo.runs.request import RunRequest
from zoo.sanitize import plain
from zoo.sweep_options import SweepOptions
from zoo.sweeps import sweep_request
from zoo.sweeps.request import SWEEP, VARY, option_values, training_of, variable_options
from zoo.sweeps.values import EXAMPLES, named_values, said_twice
from zoo.tui.commands import command_line
from zoo.tui.form_errors import FieldError, in_words, in_words_of_form
from zoo.tui.path_text import short_path
from zoo.tui.screens.data_form import FILE_PAUSE_S
from zoo.tui.screens.run_form import RunForm
from zoo.tui.widgets.fields import Field, text_field
from zoo.tui.widgets.growing_fields import GrowingFields
from zoo.tui.widgets.option_fields import OptionFields

AS_SAID = "as the recipe says"
"""The place where nobody chooses another one."""
SHOWN = 5
"""Trials that the plan lists."""


class _Training(NamedTuple):
    """What a recipe asks for."""

    request: RunRequest
    known: type[Options]
    """What of it can be set."""
    varied: tuple[str, ...]
    """What of it varies as the recipe says."""


class SweepScreen(RunForm):
    """Try a training with many settings.

    Args:
        recipe: path of the recipe that stands in the form at first.
    """

    def __init__(self, recipe: str = "") -> None:
        super().__init__()
        self._path = recipe
        self._training: _Training | None = None
        """Of the recipe in the form, once it was looked at."""
        self._timer: Timer | None = None

    @property
    def heading(self) -> str:
        return "try a training with many settings"

    def form(self) -> ComposeResult:
        """The recipe, what varies, how trials are chosen, and where they compute."""
        yield text_field(
            "recipe",
            "recipe",
            self._path,
            path=True,
            help="A TOML file that says which training; the folder of each run has one.",
        )
        yield GrowingFields(
            VARY,
            "vary",
            placeholder="lr=1e-5,3e-5,1e-4",
            help=f"An option, and what it may be: {EXAMPLES}. A line for each, beside what the recipe says.",
        )
        yield OptionFields(schema(SweepOptions), title="how trials are chosen", id="sweeping")
        yield Static("where", classes="section", markup=False)
        yield from self.place_fields(AS_SAID)
        yield self.name_field()

    def side(self) -> ComposeResult:
        with VerticalScroll(id="texts", can_focus=False):
            yield Static("", id="help", markup=False)
            yield Static("", id="preview", markup=False)

    def on_mount(self) -> None:
        self.field(VARY if self._path else "recipe").editor.focus()
        self.show_command()
        self._look()

    def command(self) -> str:
        """What one would type instead."""
        flags = {VARY: list(self._lines.values()), **self._sweeping, "on": self._on, "name": self.value("name")}
        return command_line("sweep", self.value("recipe") or "RECIPE", flags=flags)

    def request(self) -> RunRequest:
        with read_once(self.files):
            recipe = read_recipe(self.value("recipe"))
            usual = {name: str(settings.value(name)) for name in ("device", "precision") if name not in recipe.place}
            vary: dict[str, str] = {}
            for field, text in self._lines.items():
                try:
                    name, values = named_values(text)
                    if name in vary:
                        raise said_twice(name, name)
                except ZooError as error:
                    raise FieldError(field, error) from error
                vary[name] = values
            place = {**usual, "on": self._on}
            return sweep_request(recipe, vary, self._sweeping, name=self.value("name"), place=place)

    def plan(self, request: RunRequest) -> list[tuple[str, str]]:
        """What would be done."""
        trials = request.students
        more = len(trials) - SHOWN
        return [
            *super().plan(request),
            ("trials", f"{len(trials)}, {request.sweeping['strategy']}"),
            *((one.name, settings_in_words(one.settings)) for one in trials[:SHOWN]),
            ("", f"and {more} more") if more > 0 else ("", ""),
        ]

    # What is entered

    @property
    def _lines(self) -> dict[str, str]:
        """What varies, by the name of the field."""
        return self.query_one(GrowingFields).entered

    @property
    def _sweeping(self) -> dict[str, Any]:
        return self.query_one("#sweeping", OptionFields).changed_options

    @property
    def _on(self) -> str:
        """The place that trials are handed over to; empty for that of the recipe."""
        chosen = self.value("on")
        return "" if chosen == AS_SAID else chosen

    def find_fault(self, field: Field) -> ZooError | None:
        if field.field_name.startswith(VARY) and str(field.value).strip():
            return self._fault_of(field.field_name)
        return self.query_one("#sweeping", OptionFields).find_fault(field) or super().find_fault(field)

    def _fault_of(self, field: str) -> OptionInvalid | None:
        """What is wrong with an option and its values, as far as it is known what can be set."""
        try:
            name, own = self._named(self._lines[field])
        except OptionInvalid as error:
            return error
        for above in itertools.takewhile(lambda one: one != field, self._lines):
            with contextlib.suppress(OptionInvalid):
                before, own_before = self._named(self._lines[above])
                if own == own_before:
                    return said_twice(name, before)
        return None

    def _named(self, text: str) -> tuple[str, str]:
        """The option of a line: as it is called there, and by its own name as far as that is known.

        Raises:
            OptionInvalid: the line gives none, or values that are none of it.
        """
        name, values = named_values(text)
        return name, option_values(self._training.known, name, values)[0] if self._training else name

    def find_missing(self) -> None:
        if not self.value("recipe"):
            self.field("recipe").set_fault("say which recipe")
        elif self._training is not None and not (self._lines or self._training.varied):
            self.field(VARY).set_fault("say what varies: the recipe does not")

    def changed(self, field: Field) -> None:
        """Check the field; the command is another one, and another recipe is looked at."""
        super().changed(field)
        self.show_command()
        if field.field_name.startswith(VARY):
            self._check_lines()
        if field.field_name == "recipe":
            self._training = None
            if self._timer is not None:
                self._timer.stop()
            self._timer = self.set_timer(FILE_PAUSE_S, self._look)

    def _check_lines(self) -> None:
        """Check all lines of what varies: one may say what another has said."""
        for field in self.query_one(GrowingFields).walk_children(Field):
            self.check(field)

    def action_pick(self) -> None:
        """Choose the recipe."""
        self.pick_path(self.field("recipe"))

    # What the recipe says

    def _look(self) -> None:
        """Read the recipe and its data in a thread."""
        if path := self.value("recipe"):
            self._tell("looking at the recipe")
            self.run_worker(lambda: self._read(path), thread=True, group="recipe", exclusive=True, exit_on_error=False)
        else:
            self._tell("Give the recipe of a fine-tuning; the folder of each run has one. Ctrl-O lets you choose it.")

    def _read(self, path: str) -> None:
        try:
            with read_once(self.files):
                recipe = read_recipe(path)
                _, request, known = training_of(recipe)
        except Exception as error:  # of data, of a plugin: the form says it, and does not look for ever
            failure = in_words(error)
            self.later(lambda: self._show_failure(path, failure))
            return
        varied = recipe.sweep.get(VARY, {})
        training = _Training(request, known, tuple(varied) if isinstance(varied, dict) else ())
        self.later(lambda: self._show_training(path, training))

    def _show_failure(self, path: str, error: ZooError) -> None:
        if path == self.value("recipe"):
            self._tell("")
            self.field("recipe").set_fault(in_words_of_form(error, self.labels))

    def _show_training(self, path: str, training: _Training) -> None:
        if path != self.value("recipe"):
            return
        self._training = training
        self._check_lines()
        request, names = training.request, variable_options(training.known)
        varies = f"varies by the table [{SWEEP}] of the recipe: {', '.join(training.varied)}" if training.varied else ""
        lines = (
            f"fine-tunes {request.model} for {request.task} on {short_path(request.data.path)}",
            varies,
            f"can vary: {', '.join(names)}",
        )
        self._tell("\n\n".join(filter(None, lines)))

    def _tell(self, text: str) -> None:
        self.query_one("#preview", Static).update(plain(text))
