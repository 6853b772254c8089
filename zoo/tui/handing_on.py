"""Runs handed on: a report written where the person says, a run done again once what differs was shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.api import open_run
from zoo.errors import ZooError
from zoo.sanitize import one_line
from zoo.tui.form_errors import with_labels
from zoo.tui.screens.ask import AskScreen

if TYPE_CHECKING:
    from zoo.replaying import Difference
    from zoo.tui.app import ZooApp

PICTURE = ".png"
"""Of the names of files that get the curves alone."""
_LABELS = {"html": "the path", "png": "the path"}
"""Flags of the command as they are called here."""


def write_report(app: ZooApp, name: str) -> None:
    """Ask for a file, and write all that is known of a run there; the path is told."""

    def on_answer(path: str | None) -> None:
        if path is None:
            return
        written: list[Path] = []

        def write() -> None:
            kind = _kind(path)
            written.extend(open_run(name).save_report(**{kind: path}))

        app.carry_out(write, done=lambda: f"the report of {name} is in {written[0]}")

    app.push_screen(
        AskScreen(f"Report of {name} ({PICTURE}: the curves)", str(Path.cwd() / f"{name}.html"), _check_path), on_answer
    )


def _kind(path: str) -> str:
    return "png" if path.lower().endswith(PICTURE) else "html"


def _check_path(path: str) -> None:
    """Insist on a file that a report can be written to.

    Raises:
        ZooError: there is another file, or no such folder.
    """
    from zoo.reports import report_path

    try:
        report_path(path, f"--{_kind(path)}")
    except ZooError as error:
        raise ZooError(with_labels(error.message, _LABELS), with_labels(error.hint, _LABELS)) from error


def replay_run(app: ZooApp, name: str, opened: Callable[[str], None]) -> None:
    """Show what is not as it was when a run was made, and do it again once the person has said yes.

    Args:
        app: the application.
        name: of the run.
        opened: told the name of the replay, in the thread of the UI.
    """

    def look() -> None:
        """In a thread: data are read, and their digests held against the record."""
        from zoo.api.replaying import replay_differences
        from zoo.replaying import refusal

        differences = replay_differences(name)
        error = refusal(differences, name)
        if error is not None and any(one.is_gone for one in differences):
            raise error
        app.feed.later(lambda: _ask(app, name, differences, opened, anyway=error is not None))

    app.carry_out(look, done="")


def _ask(
    app: ZooApp, name: str, differences: Sequence[Difference], opened: Callable[[str], None], *, anyway: bool
) -> None:
    def start() -> None:
        from zoo.api.replaying import replay

        run = replay(name, anyway=anyway)
        app.feed.later(lambda: opened(run.name))

    app.ask(f"Replay {name}?", _in_words(differences, anyway=anyway), "Replay", lambda: app.carry_out(start))


def _in_words(differences: Sequence[Difference], *, anyway: bool) -> str:
    if not differences:
        return "Data, weights, versions, processor and threads are what they were."
    lines = [one_line(f"{one.what} was {one.then} and is {one.now}") for one in differences]
    return "\n".join([*lines, *(["", "It is done on the data as they are now."] if anyway else [])])
