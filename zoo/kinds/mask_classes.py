"""Which class each value of a mask is: by a file of classes, else by the values that the masks have.

A file that is named, else classes.json beside the masks or above them, says it in any of these forms, or as a palette
(`zoo/kinds/class_palettes.py`):

    ["background", "membrane"]                                            by position
    {"0": "background", "1": "membrane", "255": null}                     by value; null is ignored
    {"#000000": "background", "#ff0000": "membrane"}                      by colour
    {"0": {"name": "background"}, "1": {"name": "vehicle", "values": [3, 7]}}
    [{"id": 0, "name": "background"}, {"id": 1, "name": "membrane", "color": [255, 0, 0]}]

Without it a value is a class of the name of its number, or of its colour. 0 and another value alone are background and
foreground, 255 included; 255 is ignored where the other values count from 0 or 1 on.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from zoo.errors import DatasetInvalid
from zoo.file_cache import read_text
from zoo.kinds.class_palettes import palette_entries
from zoo.kinds.kind import SLIPS, Unusable
from zoo.plurals import name_list

FILE_NAMES = ("classes.json", "id2label.json", "labelmap.txt", "class_dict.csv")
BACKGROUND, FOREGROUND = "background", "foreground"
IGNORED = 255
"""The value that is ignored by convention."""
_BINARY = (0, 255)
MOST_CLASSES = 255
_BLURRED = 8
"""So many values beside 0 and 255 nobody draws."""
_SLIPPED_PIXELS = 0.01
"""Share of all pixels, at most."""
_SHARP = "write masks as PNG, never as JPEG, and resize them by the nearest pixel only"
_LEVELS = 3
"""Folders from that of a mask on that are looked through."""
_HEX = re.compile(r"#([0-9a-fA-F]{6})")
_TRIPLE = re.compile(r"\(?\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)?")


class ValueMap(NamedTuple):
    """What the values of the masks of a data set mean."""

    names: dict[int, str]
    """Classes by value; each other one is wrong where `closed`."""
    ignored: frozenset[int] = frozenset()
    """Values of pixels that teach nothing."""
    coloured: bool = False
    """Whether values are colours, 0xRRGGBB."""
    note: str = ""
    """How it was found out, in words."""
    file_name: str = FILE_NAMES[0]
    """That of the file that says it, or would."""

    def written(self, value: int) -> str:
        """A value as a person knows it."""
        return f"#{value:06x}" if self.coloured else str(value)

    def classes(self) -> str:
        """The map, in words."""
        pairs = [f"{self.written(value)} {name}" for value, name in self.names.items()]
        return name_list((*pairs, *(f"{self.written(value)} ignored" for value in sorted(self.ignored))))


def classes_file(mask: Path) -> Path | None:
    """The file of classes beside a mask, in the folder above it, or in the one above that."""
    return next(
        (path for folder in list(mask.parents)[:_LEVELS] for name in FILE_NAMES if (path := folder / name).is_file()),
        None,
    )


def declared_map(path: Path, values: Iterable[int], coloured: bool) -> ValueMap:
    """What a file of classes says.

    Args:
        path: of it.
        values: of all masks of a data set.
        coloured: whether they are colours; a map of colours makes them such, too.

    Raises:
        DatasetInvalid: it is none.
    """
    try:
        entries = dict(_entries(_content(path)))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetInvalid(
            f"{path} does not say which class each value of a mask is: {' '.join(str(error).split())[:200]}",
            'write {"0": "background", "1": "NAME OF THE CLASS"} into a JSON file; null in place of a name is ignored',
        ) from None
    by_colour = {value: name for (is_colour, value), name in entries.items() if is_colour}
    by_number = {value: name for (is_colour, value), name in entries.items() if not is_colour}
    coloured = coloured or not by_number  # black and white may be named as colours
    chosen = by_colour if coloured else by_number
    if not chosen:
        colours = name_list(tuple(f"#{value:06x}" for value in sorted(set(values))))
        raise DatasetInvalid(
            f"the masks have colours ({colours}), and {path} names classes by numbers",
            'write {"#ff0000": "NAME OF THE CLASS"}',
        )
    names = {value: name for value, name in chosen.items() if name is not None}
    ignored = frozenset(value for value, name in chosen.items() if name is None)
    declared = ValueMap(names, ignored, coloured, file_name=path.name)
    return declared._replace(note=f"classes by {path.name}: {declared.classes()}")


def proposed_map(masks: Sequence[Mapping[int, int]], coloured: bool, foreground: str = FOREGROUND) -> ValueMap:
    """What values mean of which nothing says it.

    Args:
        masks: pixels by value, of each mask of a data set.
        coloured: whether values are colours.
        foreground: name of what is not background where there are two classes.

    Raises:
        Unusable: they are too many for classes.
    """
    pixels: Counter[int] = Counter()
    for counts in masks:
        pixels.update(counts)
    present = sorted(pixels)
    others = [value for value in present if value not in (0, IGNORED)]
    ignored = frozenset({IGNORED} if not coloured and IGNORED in present and _counts_up(others) else ())
    kept = [value for value in present if value not in ignored]
    if not coloured and not ignored and set(_BINARY) < set(kept):
        if len(others) >= _BLURRED and sum(pixels[value] for value in _BINARY) > pixels.total() / 2:
            raise Unusable(
                f"the masks hold {len(present)} different values, and most pixels are 0 or 255: two classes with edges "
                f"that are blurred; {_SHARP}"
            )
        if _are_slips(others, masks, pixels):
            kept = list(_BINARY)
    if len(kept) > MOST_CLASSES:
        raise Unusable(f"the masks hold {len(kept):,} different values, more than {MOST_CLASSES} classes; {_SHARP}")
    if _is_binary(kept, coloured):
        names = {value: foreground if value else BACKGROUND for value in kept}
    else:
        names = {value: f"#{value:06x}" if coloured else str(value) for value in kept}
    proposed = ValueMap(names, ignored, coloured)
    return proposed._replace(note=_note(proposed, present))


def _are_slips(others: Sequence[int], masks: Sequence[Mapping[int, int]], pixels: Counter[int]) -> bool:
    """Whether so few masks, and pixels, have any of some values that these are taken for mistakes."""
    having = sum(not counts.keys().isdisjoint(others) for counts in masks)
    return having <= max(1, SLIPS * len(masks)) < len(masks) and sum(pixels[value] for value in others) <= (
        _SLIPPED_PIXELS * pixels.total()
    )


def _is_binary(kept: Sequence[int], coloured: bool) -> bool:
    """Whether values are 0 and one other that is no number of a class."""
    return (not coloured and set(kept) <= set(_BINARY)) or (len(kept) == 2 and kept[0] == 0 and kept[1] != 1)


def _counts_up(values: Sequence[int]) -> bool:
    """Whether values, 0 aside, are 1, 2, 3 and so on."""
    return bool(values) and list(values) == list(range(1, len(values) + 1))


def _note(proposed: ValueMap, present: Sequence[int]) -> str:
    written = tuple(map(proposed.written, present))
    named = all(proposed.written(value) == name for value, name in proposed.names.items())
    taken = "classes of these names" if named else proposed.classes()
    if named and proposed.ignored:
        taken += ", 255 ignored"
    meaning = f"the masks hold the values {name_list(written)}, taken as {taken}"
    slips = [proposed.written(value) for value in present if value not in (*proposed.names, *proposed.ignored)]
    if slips:
        meaning += f", and {name_list(tuple(slips))} for a slip"
    elif IGNORED in proposed.names and not proposed.coloured and len(present) > 1 and present != list(_BINARY):
        meaning += "; 255 is a class here, since the other values do not count up from 1"
    example = {proposed.written(value): name for value, name in list(proposed.names.items())[:2]}
    return f"{meaning}; a file {FILE_NAMES[0]} beside or above them names them: {json.dumps(example)}; null is ignored"


def _content(path: Path) -> Any:
    """JSON, or the entries of a palette."""
    text = read_text(path)
    is_json = path.suffix.lower() == ".json" or text.lstrip()[:1] in ("[", "{")
    return json.loads(text) if is_json else palette_entries(text)


def _entries(content: Any) -> Iterable[tuple[tuple[bool, int], str | None]]:
    """(whether it is a colour, value) and name of each."""
    if isinstance(content, Mapping):
        pairs: Iterable[tuple[Any, Any]] = content.items()
    elif isinstance(content, list):
        pairs = enumerate(content)
    else:
        raise ValueError("it holds neither a list nor an object")  # noqa: TRY004 (of a file, not of a caller)
    if not content:
        raise ValueError("it names no class")
    for key, entry in pairs:
        name = entry.get("name") if isinstance(entry, Mapping) else entry
        if not (name is None or (isinstance(name, str) and name.strip())):
            raise ValueError(f"the class {key} has no name")
        for value in _values(key, entry):
            yield value, name if name is None else " ".join(name.split())


def _values(key: Any, entry: Any) -> Iterable[tuple[bool, int]]:
    """The values of an entry."""
    if isinstance(entry, Mapping):
        if (colour := entry.get("color", entry.get("colour"))) is not None:
            yield _value(colour)
        if isinstance(several := entry.get("values", entry.get("labels")), list):
            yield from map(_value, several)
            return
        key = entry.get("id", key)
    yield _value(key)


def _value(key: Any) -> tuple[bool, int]:
    if isinstance(key, list | tuple):
        key = ",".join(map(str, key))
    text = str(key).strip()
    if match := _HEX.fullmatch(text):
        return True, int(match[1], 16)
    if match := _TRIPLE.fullmatch(text):
        red, green, blue = (int(one) for one in match.groups())
        if max(red, green, blue) <= 255:
            return True, red << 16 | green << 8 | blue
    if text.isdecimal():
        return False, int(text)
    raise ValueError(f"the value {text[:40]!r} is neither a number nor a colour such as #ff0000")
