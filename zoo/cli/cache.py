"""Weights on this machine: `zoo cache ls|verify|rm|prune`; each tells more with --help."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterable
from typing import Any

import msgspec

from zoo.cache.contents import CachedFile, CachedWeights, being_fetched, contents
from zoo.cache.removal import plan, remove
from zoo.cache.verification import Verdict, verify
from zoo.card import FROM_INDEX
from zoo.cli import diagnostics, output
from zoo.cli.confirmation import delete_confirmed
from zoo.cli.exit_codes import ExitCode
from zoo.cli.parser import Parser
from zoo.errors import OptionInvalid, UnknownModel, Unsupported
from zoo.paths import runs_folder
from zoo.plurals import counted
from zoo.suggestions import did_you_mean
from zoo.units import duration, size

VERBS = ("ls", "verify", "rm", "prune")
SECONDS = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def complete_parser(parser: Parser, words: list[str]) -> None:
    """Declare the flags, those of the verb included."""
    parser.add_argument(
        "verb",
        choices=VERBS,
        help="ls: what is here; verify: hash every file; rm: delete by name; prune: delete what was not used lately",
    )
    verb = next((word for word in words if not word.startswith("-")), "")
    if verb in ("verify", "rm"):
        several = "+" if verb == "rm" else "*"
        parser.add_argument("names", metavar="NAME", nargs=several, help="models, as zoo cache ls names them")
    if verb == "ls":
        parser.add_argument(
            "--sort", choices=("size", "used"), default="size", help="largest, or longest unused, first"
        )
    if verb == "verify":
        parser.add_argument(
            "--fix", action="store_true", help="delete damaged files; they are fetched again when needed"
        )
    if verb in ("ls", "verify"):
        parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    if verb == "prune":
        parser.add_argument("--older-than", metavar="AGE", type=_age_s, help="not used for so long: 30d, 2w, 12h")
        parser.add_argument("--partial", action="store_true", help="only what has not arrived to its end")
    if verb in ("rm", "prune"):
        parser.add_argument("--dry-run", action="store_true", help="tell what would be deleted; delete nothing")
        parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> ExitCode:
    """Do what the verb says."""
    return {"ls": _ls, "verify": _verify, "rm": _rm, "prune": _prune}[args.verb](args)


def _age_s(text: str) -> float:
    match = re.fullmatch(r"(\d{1,6})([hdw])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age; give one such as 30d, 2w or 12h")
    return int(match[1]) * SECONDS[match[2]]


def _ls(args: argparse.Namespace) -> ExitCode:
    cached = contents()
    if args.sort == "used":
        cached = tuple(sorted(cached, key=lambda one: one.used_at))
    if args.json:
        output.emit_json([_described(one) for one in cached])
    elif cached:
        output.table([_row(one) for one in cached], ("NAME", "SIZE", "FILES", "LAST USE", "STATE", "FOLDER"))
        deletable = [one for one in cached if not one.part_of]
        elsewhere = sum(one.size_bytes for one in cached if one.part_of)
        more = f", and {size(elsewhere)} that zoo cache cannot delete" if elsewhere else ""
        diagnostics.note(f"{size(sum(one.size_bytes for one in deletable))} in the cache{more}")
    else:
        diagnostics.note("no weights are on this machine")
    return ExitCode.OK


def _described(one: CachedWeights) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(one)
    return {**fields, "size_bytes": one.size_bytes, "partial_bytes": one.partial_bytes}


def _row(one: CachedWeights) -> tuple[str, ...]:
    state = f"in use by {', '.join(one.used_by)}" if one.used_by else ""
    if not state and one.partial_bytes:
        state = f"unfinished, {size(one.partial_bytes)}"
    where = f"in {one.part_of}" if one.part_of else FROM_INDEX if one.origin.endswith(FROM_INDEX) else ""
    state = ", ".join(filter(None, (where, state)))
    ago = "" if one.part_of else f"{duration(max(0.0, time.time() - one.used_at))} ago"
    return (one.name, size(one.size_bytes), str(len(one.files)), ago, state, one.folder)


def _verify(args: argparse.Namespace) -> ExitCode:
    entries = _find_weights(args.names, contents()) if args.names else contents()
    verdicts = []
    for one in entries:
        for file in one.files:
            if not file.partial:
                diagnostics.status(f"hashing {one.name}: {file.name}, {size(file.size_bytes)}")
                verdicts.append((one, verify(file)))
    diagnostics.status("")
    damaged = [(one, verdict) for one, verdict in verdicts if verdict.problem]
    if args.json:
        output.emit_json([{"name": one.name, **msgspec.to_builtins(verdict)} for one, verdict in verdicts])
    for one, verdict in damaged:
        mending = f" (install {one.part_of} again)" if one.part_of else ""
        diagnostics.warn(f"{one.name}: {verdict.file.path} {verdict.problem}{mending}")
    if not args.json:
        _print_summary(len(verdicts), damaged, sum(1 for _, verdict in verdicts if not verdict.compared))
    if args.fix:
        for one, verdict in damaged:
            _fix(one, verdict.file)
    elif damaged:
        diagnostics.note("hint: --fix deletes damaged files; they are fetched again when needed")
    return ExitCode.STORE if damaged else ExitCode.OK


def _print_summary(count: int, damaged: list[tuple[CachedWeights, Verdict]], unpinned: int) -> None:
    more = f", {unpinned} with nothing to compare with" if unpinned else ""
    output.line(f"{counted(count, 'file')} hashed, {len(damaged)} damaged{more}")


def _fix(one: CachedWeights, file: CachedFile) -> None:
    if busy := _not_to_delete(one, [file]):
        diagnostics.warn(f"{file.path} stays: {busy}")
        return
    remove(plan([file]))
    diagnostics.note(f"deleted {file.path}")


def _rm(args: argparse.Namespace) -> ExitCode:
    matches = _find_weights(args.names, contents())
    deletable = [one for one in matches if not one.part_of]
    for one in matches:
        if one.part_of and not any(set(one.models) & set(other.models) for other in deletable):
            raise Unsupported(f"{one.name} is not zoo's to delete: it is in {one.part_of}", _ways_to_delete(one))
    for one in deletable:
        if busy := _not_to_delete(one, one.files):
            raise Unsupported(f"{one.name}: {busy}", "wait for its end, or stop it: zoo ps, zoo stop RUN")
    return _delete(args, [(one, one.files) for one in deletable])


def _prune(args: argparse.Namespace) -> ExitCode:
    if args.older_than is None and not args.partial:
        raise OptionInvalid("nothing says what to delete", "give --older-than 30d, --partial, or both")
    before = time.time() - (args.older_than or 0.0)
    selection = []
    for one in contents():
        if one.part_of:
            continue
        if args.partial:
            files = tuple(file for file in one.files if file.partial and file.modified_at <= before)
        else:
            files = one.files if one.used_at <= before else ()
        if files and (busy := _not_to_delete(one, files)):
            diagnostics.note(f"{one.name} stays: {busy}")
        elif files:
            selection.append((one, files))
    return _delete(args, selection)


def _delete(args: argparse.Namespace, selection: list[tuple[CachedWeights, tuple[CachedFile, ...]]]) -> ExitCode:
    """Show, ask, delete."""
    removals = plan([file for _, files in selection for file in files])
    freed = sum(one.size_bytes for one in removals)
    for one, files in selection:
        diagnostics.note(f"{one.name}  {size(sum(file.size_bytes for file in files))}  {one.folder}")
    if args.dry_run:
        output.line(f"would delete {counted(len(removals), 'file')} and free {size(freed)}")
    elif not removals:
        output.line("nothing to delete, freed 0 B")
    elif args.yes or delete_confirmed():
        output.line(f"deleted {counted(len(removals), 'file')}, freed {size(remove(removals))}")
    return ExitCode.OK


def _ways_to_delete(one: CachedWeights) -> str:
    package = one.part_of.removeprefix("the package ")
    return f"pip uninstall {package}" if package != one.part_of else f"it stands in {one.folder}"


def _not_to_delete(one: CachedWeights, files: Iterable[CachedFile]) -> str:
    """Why files must stay; empty where nothing uses them and they are zoo's own."""
    if one.part_of:
        return f"it is in {one.part_of}"
    if one.used_by:
        return f"in use by {', '.join(one.used_by)}"
    return "being fetched right now" if any(being_fetched(file) for file in files) else ""


def _find_weights(names: Iterable[str], cached: tuple[CachedWeights, ...]) -> tuple[CachedWeights, ...]:
    """The sets of those names, each once: of a model, by its bare or full name, or of no model, by their origin."""
    entries: dict[str, CachedWeights] = {}
    for name in names:
        models = {model for one in cached for model in one.models if name in (model, model.partition("/")[2])}
        if len(models) > 1:
            raise UnknownModel(f"{name!r} may be any of {', '.join(sorted(models))}", "say which")
        matches = [one for one in cached if models & set(one.models) or name in (one.name, one.origin)]
        if not matches:
            hint = did_you_mean(name, [one.name for one in cached], "zoo cache ls lists what is")
            if (runs_folder() / name / "run.json").is_file():
                hint = f"{name} is a run: zoo rm {name}"
            raise UnknownModel(f"no weights of {name!r} are on this machine", hint)
        entries |= {f"{one.folder} {one.name}": one for one in matches}
    return tuple(entries.values())
