"""The answer to one press of Tab."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from zoo.completion.index import Flag, Index, Positional
from zoo.completion.line import Place, place_in, split
from zoo.completion.values import FILES, Candidate, values_of
from zoo.sanitize import one_line

FILES_LINE = ":files"
"""The line that lets the shell complete names of files, beside what else is answered."""
FIRST_FLAGS = {"--help": "list the commands", "--version": "show the version", "--quiet": "", "--verbose": ""}
_DESCRIPTION_CHARS = 80
_BASH_BREAKS = ("=", ":")


def lines(shell: str, words: Sequence[str], index: Index) -> list[str]:
    """What the script of a shell makes completions of, a line each.

    Args:
        shell: bash, zsh or fish.
        words: of bash the line up to the cursor and what bash itself takes for the word that is being typed; of the
            others the words up to the cursor, the name of the command first.
        index: what there is.
    """
    typed, bash_word = (split(words[0]), words[1]) if shell == "bash" else (list(words), "")
    place, candidates = _answer(typed[1:] or [""], index)
    slashes = place.word.count("/")  # names of models with their plugins are for those who have typed the plugin's
    fitting = dict(one for one in candidates if one[0].startswith(place.word) and one[0].count("/") <= slashes)
    fitting = {one: one_line(text) for one, text in fitting.items() if one.isprintable()}
    files = _kind(place) in FILES
    write = _WRITERS[shell]
    answered = [write(one, text, place, bash_word) for one, text in fitting.items()]
    return answered + [FILES_LINE] * files


def _answer(words: Sequence[str], index: Index) -> tuple[Place, list[Candidate]]:
    """Where the cursor is, and what may stand there."""
    *before, word = words
    while before and before[0].startswith("-"):
        before = before[1:]
    if not before:
        firsts = [(name, command["help"]) for name, command in index["commands"].items()]
        return Place(word), [*firsts, *(FIRST_FLAGS.items() if word.startswith("-") else ())]
    name, *rest = before
    command = index["commands"].get(name)
    if command is None:
        return Place(word), []
    place = place_in([*rest, word], command, name, index)
    return place, list(_candidates(place, index))


def _candidates(place: Place, index: Index) -> Iterator[Candidate]:
    argument, nothing = _argument(place), True
    if argument:
        for value in (
            *((choice, "") for choice in argument["choices"]),
            *values_of(argument["values"], index, place.word),
        ):
            nothing = False
            yield value
    if place.flag is None and nothing and _kind(place) not in FILES:
        yield from ((name, one["help"]) for name, one in place.flags.items() if _is_offered(name, one, place.word))


def _is_offered(name: str, flag: Flag, word: str) -> bool:
    """Whether a flag is to be shown: few need those that --help leaves out, and nobody two spellings of one."""
    begun = word.rstrip("-") != ""
    return name.startswith("--") and (begun or not (flag["advanced"] or name.startswith("--no-")))


def _argument(place: Place) -> Flag | Positional | None:
    """What a value is typed of; None where it is a flag."""
    return place.flag or (None if place.word.startswith("-") else place.positional)


def _kind(place: Place) -> str:
    argument = _argument(place)
    return argument["values"] if argument else ""


def _for_bash(value: str, _: str, place: Place, bash_word: str) -> str:
    """What takes the place of the word as bash divides the line, which may be a part of it: at `=` and `:`."""
    whole, typed = place.head + value, place.head + place.word
    if bash_word in ("", *_BASH_BREAKS):
        return whole[max(map(typed.rfind, _BASH_BREAKS)) + 1 :]
    return whole[len(typed) - len(bash_word) :] if typed.endswith(bash_word) else whole


def _for_zsh(value: str, text: str, place: Place, _: str) -> str:
    """What follows the last `=` that is typed: the script leaves what stands before it as it is."""
    value = value[place.word.rfind("=") + 1 :]
    escaped = value.replace("\\", "\\\\").replace(":", "\\:")
    return f"{escaped}:{_short(text)}" if text else escaped


def _for_fish(value: str, text: str, place: Place, _: str) -> str:
    return f"{place.head}{value}\t{_short(text)}" if text else f"{place.head}{value}"


def _short(text: str) -> str:
    """What is said of a candidate, in the room that a shell has for it."""
    text = text.partition(" (default: ")[0]
    return text if len(text) <= _DESCRIPTION_CHARS else text[: _DESCRIPTION_CHARS - 1].rstrip() + "…"


_WRITERS: dict[str, Callable[[str, str, Place, str], str]] = {"bash": _for_bash, "zsh": _for_zsh, "fish": _for_fish}
SHELLS = tuple(_WRITERS)
