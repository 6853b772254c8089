"""What every set of options must keep, whether a model's family declares it, or a task: its names and its defaults."""

from __future__ import annotations

from collections.abc import Set
from functools import cache

from zoo.hyperparameters import DataOptions
from zoo.options import Options, parse, schema, to_dict

RESERVED = frozenset(
    [
        "address",
        "by",
        "calibrate",
        "certificate",
        "classes",
        "clients",
        "column",
        "columns",
        "data",
        "detach",
        "device",
        "draw",
        "dry_run",
        "errors",
        "eval",
        "eval_data",
        "file",
        "fingerprint",
        "format",
        "formats",
        "held_out",
        "help",
        "help_all",
        "image",
        "input",
        "into",
        "json",
        "keep",
        "keep_warm",
        "key",
        "label",
        "max_drop",
        "merge_labels",
        "merge_labels_of",
        "metric",
        "microphone",
        "model",
        "name",
        "no_requeue",
        "no_shard",
        "nodes",
        "now",
        "on",
        "on_progress",
        "out",
        "precision",
        "processes",
        "prune",
        "quiet",
        "recipe",
        "requeue",
        "run",
        "seconds",
        "separator",
        "shadows",
        "shard",
        "shard_of",
        "shards",
        "source",
        "sources",
        "stored_answers",
        "target",
        "task",
        "teacher",
        "text",
        "then",
        "token",
        "token_file",
        "tokens",
        "train",
        "train_epochs",
        "verbose",
        "weight",
    ]
)
"""What the commands and functions of zoo themselves take: an option of that name could not be given."""


def check_ability_options(verb: str, options: object) -> None:
    """Hold the options that a card has for a verb to the rules; those of a training have what reading data takes.

    Raises:
        TypeError: they break a rule; it says which.
        OptionInvalid: a default is out of its bounds.
    """
    names = check_options(verb, options)
    if verb != "predict" and (lacking := sorted({*DataOptions.__struct_fields__} - names)):
        raise TypeError(f"the options to {verb} lack {', '.join(lacking)}; extend zoo.DataOptions")


def check_options(verb: str, options: object) -> Set[str]:
    """Hold any set to the rules, once for all that have it.

    Returns:
        Names and aliases of the options, and of what turns one off.

    Raises:
        TypeError: they break a rule; it says which.
        OptionInvalid: a default is out of its bounds.
    """
    if not (isinstance(options, type) and issubclass(options, Options)):
        raise TypeError(f"the options to {verb} are no subclass of zoo.Options")
    return _check_set(verb, options)


@cache
def _check_set(verb: str, options: type[Options]) -> Set[str]:
    names = _check_flags(verb, options)
    parse(options, to_dict(options()))  # defaults, too, keep within the bounds
    return names


@cache
def clash_between(verb: str, one: type[Options], other: type[Options]) -> str:
    """What two sets that shall be one both declare, in words; empty where each option is declared once."""
    if twice := sorted({*one.__struct_fields__}.intersection(other.__struct_fields__)):
        owners = " and by ".join(_declaring(options, twice[0]) for options in (one, other))
        return f"the option {twice[0]} to {verb} is declared twice, by {owners}"
    try:
        _check_flags(verb, one, other)
    except TypeError as error:
        return str(error)
    return ""


def _declaring(options: type[Options], name: str) -> str:
    """The class that an option stands in: the set itself, or one that it extends."""
    sets = [base for base in reversed(options.__mro__) if issubclass(base, Options)]
    declaring = next(base for base in sets if name in base.__struct_fields__)
    return f"{declaring.__module__}.{declaring.__qualname__}"


def _check_flags(verb: str, *sets: type[Options]) -> Set[str]:
    """Every flag is that of one option, and none is of zoo; a bool has a second one that begins with --no-."""
    owners: dict[str, str] = {}
    for option in (option for options in sets for option in schema(options)):
        negation = (f"no_{option.name}",) if option.kind == "bool" else ()
        for name in (option.name, *negation, *option.aliases):
            plain = name.replace("-", "_")
            flag = "--" + plain.replace("_", "-")
            if plain in RESERVED:
                raise TypeError(f"the option {option.name} to {verb} has the name of {flag}, which zoo itself takes")
            owner = owners.setdefault(plain, option.name)
            if owner != option.name:
                raise TypeError(f"the options {owner} and {option.name} to {verb} both have the name of {flag}")
    return owners.keys()
