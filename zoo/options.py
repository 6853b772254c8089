"""An option, declared once: CLI flag, form field, JSON schema and docs are rendered from the declaration.

A set of options is a frozen struct; each field carries its bounds, unit and help in its annotation:

    class Sampling(Options):
        temperature: Annotated[float, option("Softmax temperature.", gt=0, le=10)] = 1.0
        order: Annotated[Literal["score", "name"], option("How answers are sorted.")] = "score"
"""

from __future__ import annotations

import contextlib
import inspect
import math
import numbers
import operator
import os
import re
import types
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, SupportsIndex, TypeVar, Union, cast, get_args, get_origin

import msgspec

from zoo.errors import OptionInvalid, PluginBroken, ZooError
from zoo.suggestions import did_you_mean, nearest

OptionsT = TypeVar("OptionsT", bound="Options")
Scalar = bool | int | float | str | None
Kind = Literal["bool", "int", "float", "str"]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every option set; a subclass adds annotated fields with defaults, and rules between them."""

    with_task_options: ClassVar[bool] = False
    """Whether a model with these options reads those that its task brings to the verb, too: they are added then."""

    def check(self) -> None:
        """Raise OptionInvalid where options do not go together; each alone is within its bounds by then.

        Called before a run exists: by the command line, the form of the terminal UI and Python alike. A set that
        extends another one with rules of its own calls `super().check()`.
        """


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One option, described as data for the views."""

    name: str
    """Field name, with underscores."""
    kind: Kind
    """The type of a value."""
    default: Scalar
    """What holds when nothing is said; None means chosen automatically."""
    help: str
    """One sentence."""
    unit: str = ""
    """Unit of a number, such as "epochs" or "tokens"."""
    optional: bool = False
    """Whether None ("auto") is a value."""
    choices: tuple[str, ...] = ()
    """The only values allowed, if any are named."""
    aliases: tuple[str, ...] = ()
    """What other tools call the same thing; taken for the name."""
    advanced: bool = False
    """Whether few people need it; views show the others first."""
    file: bool = False
    """Whether the value is the path of a file; a relative one is of the folder in which it was given."""
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    @property
    def flag(self) -> str:
        """The option as it is typed on a command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def bounds(self) -> str:
        """The values allowed, in words: `0 < lr <= 1`, `one of linear, cosine`; empty where anything goes."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        low = (
            f"{_plain(self.gt)} < " if self.gt is not None else f"{_plain(self.ge)} <= " if self.ge is not None else ""
        )
        high = (
            f" < {_plain(self.lt)}" if self.lt is not None else f" <= {_plain(self.le)}" if self.le is not None else ""
        )
        return f"{low}{self.name}{high}" if low or high else ""

    @property
    def accepted(self) -> str:
        """The values allowed, as a sentence goes on after "takes": `a whole number from 0 to 5`."""
        if self.choices:
            values = self.bounds
        else:
            nouns = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "text"}
            values = nouns[self.kind] + self._limits
        unit = f" ({self.unit})" if self.unit else ""
        return f"{values}{unit}{', or auto' if self.optional else ''}"

    @property
    def _limits(self) -> str:
        if self.ge is not None and self.le is not None:
            return f" from {_plain(self.ge)} to {_plain(self.le)}"
        words = {"at least": self.ge, "more than": self.gt, "at most": self.le, "less than": self.lt}
        limits = [f"{word} {_plain(limit)}" for word, limit in words.items() if limit is not None]
        return f", {' and '.join(limits)}" if limits else ""


def option(
    help: str,
    *,
    unit: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    aliases: tuple[str, ...] = (),
    advanced: bool = False,
    file: bool = False,
) -> msgspec.Meta:
    """Describe a field of an Options struct; goes into its Annotated type.

    Args:
        help: what it is, as one sentence.
        unit: of a number.
        ge: least value.
        gt: the value is larger than this.
        le: largest value.
        lt: the value is smaller than this.
        aliases: what other tools call the very same thing; each is taken for the field's name.
        advanced: few people need it; forms fold it away.
        file: the value is the path of a file; it reaches the model as an absolute one, empty as it is.
    """
    # None means no bound, which Meta takes at run time though its overloads do not say so.
    extra = {"unit": unit, "aliases": aliases, "advanced": advanced, "file": file}
    return msgspec.Meta(description=help, ge=ge, gt=gt, le=le, lt=lt, extra=extra)  # type: ignore


def _plain(limit: float) -> str:
    """A limit in full: 1048576, 0.5."""
    return f"{int(limit)}" if limit == int(limit) else f"{limit:g}"


@cache
def schema(options: type[Options]) -> tuple[Option, ...]:
    """Describe every option of a set, in order of declaration.

    Raises:
        TypeError: a field is not annotated with `option(...)`, has no default or has a type no view can render.
    """
    described: dict[str, Option] = {}
    for owner in reversed(options.__mro__):
        if isinstance(owner, msgspec.StructMeta):
            described |= _declared_by(owner)
    return tuple(described[name] for name in options.__struct_fields__)


@cache
def _declared_by(owner: type[msgspec.Struct]) -> dict[str, Option]:
    """Describe the options that a set declares itself: sets that extend it share them."""
    hints = inspect.get_annotations(owner, eval_str=True)
    defaults = dict(zip(reversed(owner.__struct_fields__), reversed(owner.__struct_defaults__), strict=False))
    names = [name for name in hints if name in owner.__struct_fields__]
    return {name: _describe(f"{owner.__name__}.{name}", name, hints[name], defaults.get(name, ...)) for name in names}


def parse(options: type[OptionsT], arguments: Mapping[str, Any], *, beside: Iterable[str] = ()) -> OptionsT:
    """Build an option set from what a person gave: strings from a command line or values from Python.

    Args:
        options: the set to build.
        arguments: option name to value; names may use dashes. Strings are read as the option's type, "auto" as None.
        beside: names of other arguments that could be given in the same place, for suggestions.

    Raises:
        OptionInvalid: naming the option, what was given and what is allowed; or options that do not go together.
    """
    described_options = {described.name: described for described in schema(options)}
    aliases = names_by_alias(options)
    values: dict[str, Scalar] = {}
    for raw_name, value in arguments.items():
        name = raw_name.replace("-", "_")
        name = aliases.get(name, name)
        if name not in described_options:
            raise OptionInvalid(
                f"there is no option {raw_name!r}", _advice(raw_name, described_options, aliases, beside)
            )
        if name in values:
            raise OptionInvalid(f"{name} was given twice, once as {raw_name}", "give it once")
        values[name] = read(described_options[name], value)
    parsed = options(**values)
    try:
        parsed.check()
    except ZooError:
        raise
    except Exception as error:
        raise PluginBroken(
            f"{options.__name__}.check() fails: {type(error).__name__}: {error}",
            "it raises zoo.OptionInvalid, or nothing",
        ) from error
    return parsed


def names_by_alias(options: type[Options]) -> dict[str, str]:
    """What other tools call an option of a set, to the option's own name."""
    described = schema(options)
    names = {one.name for one in described}
    return {alias: one.name for one in described for alias in one.aliases if alias not in names}


def to_dict(options: Options) -> dict[str, Scalar]:
    """The set as plain values, defaults included, as stored in a run's request."""
    return {name: getattr(options, name) for name in options.__struct_fields__}


def changed(options: Options) -> dict[str, Scalar]:
    """Those of the set that are not as they usually are."""
    usual = {field.name: field.default for field in msgspec.structs.fields(type(options))}
    return {name: value for name, value in to_dict(options).items() if value != usual[name]}


def _describe(where: str, name: str, hint: Any, default: Any) -> Option:
    """Describe one option.

    Args:
        where: set and name, for messages.
        name: of the option.
        hint: its annotation.
        default: as the struct has it; `...` where there is none.
    """
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{where} is not annotated with option(...)")
    bare, *notes = get_args(hint)
    meta = next((note for note in notes if isinstance(note, msgspec.Meta)), None)
    if meta is None or not meta.description:
        raise TypeError(f"{where} has no option(...) with a help text")
    if hasattr(Options, name):
        raise TypeError(f"{where} has the name of a method of zoo.Options; choose another")
    members = get_args(bare) if get_origin(bare) in (Union, types.UnionType) else (bare,)
    values = [member for member in members if member is not type(None)]
    choices = get_args(values[0]) if get_origin(values[0]) is Literal else ()
    kind = type(choices[0]) if choices else values[0]
    if len(values) != 1 or kind not in (bool, int, float, str) or any(type(choice) is not str for choice in choices):
        raise TypeError(f"{where} is {bare}; an option is a bool, int, float, str or Literal of str, or None")
    if not isinstance(default, Scalar):
        raise TypeError(f"{where} has no default")
    return Option(
        name=name,
        kind=cast("Kind", kind.__name__),
        default=default,
        help=meta.description,
        unit=(meta.extra or {}).get("unit", ""),
        aliases=tuple((meta.extra or {}).get("aliases", ())),
        advanced=bool((meta.extra or {}).get("advanced", False)),
        file=bool((meta.extra or {}).get("file", False)),
        optional=len(values) < len(members),
        choices=choices,
        ge=meta.ge,
        gt=meta.gt,
        le=meta.le,
        lt=meta.lt,
    )


def read(described: Option, value: Any) -> Scalar:
    """Turn a given value into the option's type and check its bounds.

    Raises:
        OptionInvalid: naming the option, what was given and what is allowed.
    """
    value = _unboxed(value)
    if described.optional and (value is None or (isinstance(value, str) and value == "auto")):
        return None
    parsed = _cast(described, value)
    if not _within(described, parsed):
        raise _invalid(described, value)
    if described.file and parsed:
        return os.path.abspath(Path(parsed).expanduser())  # noqa: PTH100  (a path through a link stays one)
    return parsed  # type: ignore[no-any-return]


def _cast(described: Option, value: Any) -> Any:
    if isinstance(value, str):
        value = value.strip()
        try:
            match described.kind:
                case "bool":
                    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[
                        value.lower()
                    ]
                case "int":
                    return int(value)
                case "float":
                    value = float(value)
        except (ValueError, KeyError):
            raise _invalid(described, value) from None
    plain = _plain_number(described.kind, value)
    if type(plain).__name__ != described.kind or (isinstance(plain, float) and not math.isfinite(plain)):
        raise _invalid(described, value)
    return plain


def _unboxed(value: Any) -> Any:
    """The one number, truth value or text that a scalar of numpy or torch holds; anything else as it is."""
    is_scalar = getattr(value, "shape", None) == () and hasattr(value, "item")
    return value.item() if is_scalar else value


def _plain_number(kind: Kind, value: Any) -> Any:
    """A number of any sort as Python's int or float, where nothing of it is lost; anything else as it is."""
    if kind in ("int", "float") and isinstance(value, numbers.Real) and not isinstance(value, bool):
        with contextlib.suppress(TypeError, OverflowError):  # a fraction for an int, a number larger than any float
            return operator.index(cast("SupportsIndex", value)) if kind == "int" else float(value)
    return value


def _invalid(described: Option, value: Any) -> OptionInvalid:
    hint = ""
    if isinstance(value, str):
        hint = did_you_mean(value, described.choices) or _number_hint(described, value)
    return OptionInvalid(f"{described.flag} is {value!r}, but takes {described.accepted}", hint or described.help)


def _number_hint(described: Option, value: str) -> str:
    """A hint for a percentage or a decimal comma; empty where the number is not that of one option."""
    if described.kind != "float" or not re.fullmatch(r"\d+([.,]\d+)?%|0?,\d+|\d+,\d{1,2}", value):
        return ""
    number = float(value.rstrip("%").replace(",", "."))
    fraction = number / 100 if value.endswith("%") else number
    return f"did you mean {fraction:g}?" if _within(described, fraction) else ""


def _within(described: Option, value: Any) -> bool:
    """Whether a value of the option's type is allowed."""
    return not (
        (described.ge is not None and value < described.ge)
        or (described.gt is not None and value <= described.gt)
        or (described.le is not None and value > described.le)
        or (described.lt is not None and value >= described.lt)
        or (described.choices and value not in described.choices)
    )


def _advice(name: str, declared: Mapping[str, Option], aliases: Mapping[str, str], beside: Iterable[str]) -> str:
    """What may be meant by an unknown name, else the names there are."""
    for near in nearest(name, (*declared, *aliases, *beside)):
        option_name = aliases.get(near, near)
        return f"did you mean {option_name}?" + (f" {declared[option_name].help}" if option_name in declared else "")
    return f"options here: {', '.join(declared) or 'none'}"
