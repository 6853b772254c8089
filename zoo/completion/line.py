"""What is being typed: the command, the words behind it, and which argument the cursor is in."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from zoo.completion.index import Command, Flag, Form, Index, Positional
from zoo.paths import runs_folder

NO_VALUE = "-"
_MODEL_VERBS = {
    "audit": "predict",
    "evaluate": "predict",
    "shrink": "predict",
    "federate": "finetune",
    "plan": "finetune",
}
"""Whose options of a model a command takes, where the verb is not called as it is."""


@dataclass
class Place:
    """Where the cursor is."""

    word: str
    """What is typed of the argument already."""
    flag: Flag | None = None
    """Whose value it is; None where it is not the value of a flag."""
    head: str = ""
    """What stands before the value in the same word, such as `--device=`."""
    positional: Positional | None = None
    """Which argument without a flag it may be; None where none is left."""
    flags: dict[str, Flag] = field(default_factory=dict)
    """Those that may stand here."""


def split(text: str) -> list[str]:
    """The words of a command line up to the cursor, the last of which is the one that is being typed, empty or not.

    A quote that is not closed yet holds to the end.
    """
    for close in ("", "'", '"'):
        try:
            words = shlex.split(text + close + "|")
        except ValueError:
            continue
        return [*words[:-1], words[-1].removesuffix("|")]
    return [text]


def place_in(words: Sequence[str], command: Command, verb: str, index: Index) -> Place:
    """Which argument of a command the last of the words is.

    Args:
        words: behind the name of the command.
        command: as the index has it.
        verb: name of the command.
        index: for the options of the model that is named.
    """
    *before, word = words
    form = _form_of(command, before)
    flags = dict(form["flags"])
    positionals, used, expecting, only_words = [], set(), None, False
    for one in before:
        if expecting:
            expecting = None
        elif one == "--":
            only_words = True
        elif one.startswith("-") and not only_words:
            name, equals, _ = one.partition("=")
            name = _spelt(name, form)
            used.add(name)
            known = flags.get(name)
            expecting = known if known and known["values"] != NO_VALUE and not equals else None
        else:
            positionals.append(one)
            if len(positionals) == 1:
                flags |= _options_of(one, verb, form, index)
    if expecting:
        return Place(word, flag=expecting)
    name, equals, value = word.partition("=")
    if equals and not only_words and (known := flags.get(_spelt(name, form))):
        return Place(value, flag=known, head=f"{name}=")
    allowed = {} if only_words else {one: it for one, it in flags.items() if it["several"] or one not in used}
    return Place(word, positional=_at(form, len(positionals)), flags=allowed)


def _form_of(command: Command, before: Sequence[str]) -> Form:
    """What the command takes, which its verb may decide."""
    verbs = command["verbs"]
    return next((verbs[one] for one in before if one in verbs), command["form"])


def _spelt(flag: str, form: Form) -> str:
    own = flag.replace("_", "-")
    return form["aliases"].get(own, own)


def _at(form: Form, number: int) -> Positional | None:
    """The argument without a flag of that number, from 0 on; the last one may stand there several times."""
    positionals = form["positionals"]
    if number < len(positionals):
        return positionals[number]
    return positionals[-1] if positionals and positionals[-1]["several"] else None


def _options_of(name: str, verb: str, form: Form, index: Index) -> dict[str, Flag]:
    """The options of the model that a command names first."""
    first = form["positionals"][0]["values"] if form["positionals"] else ""
    if first not in ("model", "run"):
        return {}
    model = index["models"].get(name.rpartition("/")[2]) or index["models"].get(_base_of(name))
    options = model["options"].get(_MODEL_VERBS.get(verb, verb), "") if model else ""
    return index["options"].get(options, {})


def _base_of(result: str) -> str:
    """The model whose options the result of a run has; empty for what is no result."""
    import json

    for name in (result, result.rpartition(".")[0]):
        try:
            return str(json.loads((runs_folder() / name / "model" / "zoo.json").read_bytes())["base"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # no run of that name has a result
    return ""
