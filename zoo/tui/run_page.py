"""What can be done with a run, on every screen that shows one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from zoo.api import open_run
from zoo.paths import runs_folder
from zoo.ranking import is_result
from zoo.recipes import RECIPE
from zoo.requests import check_name
from zoo.run_messages import place_in_queue
from zoo.runs.request import MAKING_MODELS
from zoo.tui.commands import command_line
from zoo.tui.deleting import delete_run
from zoo.tui.handing_on import replay_run, write_report
from zoo.tui.page import Page
from zoo.tui.screens.ask import AskScreen

if TYPE_CHECKING:
    from zoo.card import Card
    from zoo.runs.index import RunSummary


class RunPage(Page):
    """A screen that says which run is meant: stop, resume, rename, delete, try."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "stop_run", "Stop"),
        Binding("r", "resume_run", "Resume"),
        Binding("t,p", "try_run", "Try it"),
        Binding("h", "form('shrink')", "Make smaller", show=False),
        Binding("a", "form('audit')", "Look whether it gives its rows away", show=False),
        Binding("l", "form('labels')", "Find labels that are probably wrong, by its model", show=False),
        Binding("b", "sweep_run", "Best of many settings", show=False),
        Binding("o", "report_run", "Report as a page", show=False),
        Binding("y", "replay_run", "Replay: the same bits?", show=False),
        Binding("m", "rename_run", "Rename", show=False),
        Binding("x,delete", "delete_run", "Delete", show=False),
        Binding("c", "copy_attach", "Copy the command", show=False),
    ]

    @property
    def run_name(self) -> str:
        """The run that is meant; empty where there is none."""
        raise NotImplementedError

    @property
    def run_summary(self) -> RunSummary | None:
        """What is known of it; None where it is not known yet."""
        return next((run for run in self.zoo.feed.runs if run.name == self.run_name), None)

    def action_stop_run(self) -> None:
        """Ask whether to stop; the run then writes a checkpoint."""
        app, run = self.zoo, self.run_summary
        if run is None:
            return
        if not (run.live or run.waiting):
            app.notify(f"{run.name} is {run.status} already", markup=False)
            return

        def outcome() -> str:
            status = open_run(run.name).status  # it may have ended by itself while the question stood
            return f"{run.name} has stopped; r goes on with it" if status == "cancelled" else f"{run.name} is {status}"

        def work() -> None:
            app.carry_out(lambda: open_run(run.name).stop(), done=outcome)

        text = f"{run.name} writes a checkpoint and ends. It can go on from there."
        if run.waiting:
            text = f"{run.name} does not begin when {run.after} has finished. It can be started later."
        app.ask("Stop the run?", text, "Stop", work)

    def action_resume_run(self) -> None:
        """Go on from the last checkpoint; of a run that is queued, ask whether it shall wait no longer."""
        app, run = self.zoo, self.run_summary
        if run is None:
            return
        if run.place is not None:
            self._ask_to_start_beside(run)
            return
        followed = any(one.waiting and one.after == run.name for one in app.feed.runs)
        if run.live or (run.status == "finished" and not followed):
            app.notify(f"{run.name} is {run.status}", markup=False)
            return
        app.carry_out(lambda: open_run(run.name).resume(), done=f"{run.name} goes on")

    def _ask_to_start_beside(self, run: RunSummary) -> None:
        def work() -> None:
            self.zoo.carry_out(lambda: open_run(run.name).resume(now=True), done=f"{run.name} starts")

        where = place_in_queue(run.place or 0, run.device, run.behind)
        text = f"{run.name} is queued: {where}. Beside others it is slower, and so are they; they share the memory."
        self.zoo.ask("Start it now?", text, "Start", work)

    def action_try_run(self) -> None:
        """Let the model answer that came of the run."""
        app, run = self.zoo, self.run_summary
        if run is None:
            return
        if run.status != "finished" or run.verb not in MAKING_MODELS:
            app.notify(f"{run.name} has no model yet", severity="warning", markup=False)
            return
        heads = [f"{run.name}.{source}" for source in run.sources]
        if heads[1:]:
            app.notify(f"{heads[0]} answers; Ctrl-L chooses {' or '.join(heads[1:])}", markup=False)
        name = heads[0] if heads else run.name
        made = (line.card.plugin for line in app.feed.models if line.card.name == name and is_result(line.card))
        app.predict_with(f"{next(made, run.model.partition('/')[0])}/{name}")

    def action_form(self, name: str) -> None:
        """Fill in a form of what is done with the model that came of the run."""
        if (card := self._card_of_run()) is not None:
            self.zoo.open_form(name, card)

    def action_sweep_run(self) -> None:
        """Fill in the form of trying the training of the run with other settings."""
        if (run := self.run_summary) is None:
            return
        recipe = runs_folder() / run.name / RECIPE
        if run.verb in ("finetune", "sweep") and recipe.exists():
            self.zoo.sweep(str(recipe))
        else:
            text = f"{run.name} has no {RECIPE} of a fine-tuning, which could be tried with other settings"
            self.zoo.notify(text, severity="warning", markup=False)

    def action_report_run(self) -> None:
        """Write all that is known of the run as a page, which can be handed on."""
        if self.run_name:
            write_report(self.zoo, self.run_name)

    def action_replay_run(self) -> None:
        """Do the run again from its record."""
        if self.run_name:
            replay_run(self.zoo, self.run_name, self._open_replay)

    def _open_replay(self, name: str) -> None:
        """Watch it; where the person went elsewhere meanwhile, say that it has started."""
        if self.is_active:
            self.zoo.open_run(name)
        else:
            self.zoo.notify(f"{name} has started", markup=False)

    def _card_of_run(self) -> Card | None:
        """The model that came of the run, the first of several heads; says so where there is none."""
        run = self.run_summary
        if run is None:
            return None
        names = [".".join(filter(None, (run.name, source))) for source in run.sources or ("",)]
        line = next((one for one in self.zoo.feed.models if one.card.name in names), None)
        if line is None:
            self.zoo.notify(f"{run.name} has no model yet", severity="warning", markup=False)
            return None
        if names[1:]:
            self.zoo.notify(f"this is {names[0]}; 1 Models has the other heads", markup=False)
        return line.card

    def action_rename_run(self) -> None:
        """Give the run and its model another name."""
        app, run = self.zoo, self.run_summary
        if run is None:
            return

        def on_answer(name: str | None) -> None:
            if name and name != run.name:
                app.carry_out(lambda: open_run(run.name).rename(name), done=f"{run.name} is called {name} now")
                self.renamed(name)

        def check(name: str) -> None:
            if name != run.name:
                check_name(name, (line.card for line in app.feed.models))

        app.push_screen(AskScreen(f"New name of {run.name}", run.name, check), on_answer)

    def renamed(self, name: str) -> None:
        """The run is about to have another name."""

    def action_delete_run(self) -> None:
        """Delete the run and its model."""
        app, run = self.zoo, self.run_summary
        if run is None:
            return
        if run.live:
            app.notify(f"{run.name} is still going: stop it first", severity="warning", markup=False)
            return
        delete_run(app, run.name)

    def action_copy_attach(self) -> None:
        """Copy what one would type to watch the run."""
        if self.run_name:
            self.zoo.copy(command_line("attach", self.run_name))
