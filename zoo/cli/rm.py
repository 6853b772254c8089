"""Delete runs and their results."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from zoo.api import Run, list_runs, open_run
from zoo.cli import diagnostics, output
from zoo.cli.confirmation import delete_confirmed
from zoo.cli.exit_codes import ExitCode
from zoo.errors import StoreInvalid, UnknownRun, Unsupported
from zoo.runs.control import remove
from zoo.runs.sequence import check_not_awaited
from zoo.runs.store import size_bytes
from zoo.units import size

WILDCARDS = "*?["


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", help="whole names of runs, or quoted patterns such as 'bert-predict-*'"
    )
    parser.add_argument("--answers", action="store_true", help="the files that predictions wrote, too")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> ExitCode:
    """Show, ask once, then delete."""
    runs = list(dict.fromkeys(_matching_runs(args.runs)))  # one run may be named twice
    answers = {one: path for one in runs if (path := _answers_of(one)) is not None}
    folders = [one.folder for one in runs]
    check_not_awaited(folders)
    sizes = {one: size_bytes(one.folder.path) for one in runs}
    for one in runs:
        diagnostics.note(f"{one.name}  {one.status}  {size(sizes[one])}  {one.folder.path}")
        if one in answers and args.answers:
            diagnostics.note(f"  with its answers, {size(answers[one].stat().st_size)}  {answers[one]}")
    if answers and not args.answers:
        diagnostics.note("files of answers stay; --answers deletes them, too")
    if not runs or not (args.yes or delete_confirmed()):
        return ExitCode.OK
    freed = sum(sizes.values())
    remove(*folders)
    for path in answers.values() if args.answers else ():
        freed += path.stat().st_size
        path.unlink()
    output.line(f"deleted {len(runs)}, freed {size(freed)}")
    return ExitCode.OK


def _matching_runs(words: Iterable[str]) -> Iterator[Run]:
    """The runs that are meant; a pattern passes over those that are going on.

    Raises:
        UnknownRun: nothing has that name, or matches that pattern.
        Unsupported: one that was named is going on.
    """
    for word in words:
        if not set(WILDCARDS) & set(word):
            match = _exactly(word)
            if match.snapshot.live:
                raise Unsupported(f"run {match.name} is still going", f"stop it first: zoo stop {match.name}")
            yield match
            continue
        matches = [one for one in list_runs() if fnmatchcase(one.name, word)]
        if not matches:
            raise UnknownRun(f"no run matches {word!r}", "zoo runs lists them")
        for one in matches:
            if one.snapshot.live:
                diagnostics.note(f"{one.name} stays: it is still going")
            else:
                yield one


def _exactly(name: str) -> Run:
    """The run of that whole name: what is deleted must have been meant."""
    match = open_run(name)
    if match.name != name:
        raise UnknownRun(f"there is no run {name!r}", f"if you mean {match.name}, give its whole name")
    return match


def _answers_of(one: Run) -> Path | None:
    """The file that a batch prediction wrote, if it is there still."""
    try:
        out = one.folder.request.out
    except StoreInvalid:  # what cannot be read must be removable
        return None
    path = Path(out)
    return path if out and path.is_file() else None
