"""Tags of a README: the list in its front matter, which the Hub shows and whoever takes the model over reads."""

from __future__ import annotations

import re
from typing import NamedTuple

PRIVATE_ROWS = "private-rows"
"""Of a model that learnt privately, or that comes from one that did: what is done with it shows no row."""
_OPENING = r"\A\ufeff?\s*---[ \t]*\r?\n"
_BEGUN = re.compile(_OPENING)
_FRONT = re.compile(rf"{_OPENING}(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_NULL = "tag:yaml.org,2002:null"


class _Stated(NamedTuple):
    """What a front matter says of tags."""

    tags: tuple[str, ...]
    rest: str
    """All other lines of it."""


def tags_of(readme: str) -> tuple[str, ...]:
    """The tags that a README states; `PRIVATE_ROWS` also where they cannot be read and it has that word anywhere."""
    if not _BEGUN.match(readme):
        return ()
    front = _FRONT.match(readme)
    if front and (stated := _stated(front[1])):
        return stated.tags
    return (PRIVATE_ROWS,) if PRIVATE_ROWS in readme.casefold() else ()


def tagged(readme: str, tag: str) -> str:
    """A README that states a tag beside those that it has; one that cannot be read follows a new front matter."""
    import yaml

    front = _FRONT.match(readme)
    stated = _stated(front[1]) if front else None
    if front and stated:
        if tag in stated.tags:
            return readme
        listed = yaml.safe_dump({"tags": [*stated.tags, tag]}, allow_unicode=True, width=float("inf"))
        now = listed + (f"{rest}\n" if (rest := stated.rest.strip("\r\n")) else "")
        if (after := _stated(now)) and after.tags == (*stated.tags, tag):
            return f"---\n{now}---\n{readme[front.end() :]}"
    return f"---\ntags:\n- {tag}\n---\n\n{readme}"


def _stated(front: str) -> _Stated | None:
    """What a front matter states; None where it cannot be read, or states tags twice or otherwise than as a list."""
    import yaml

    try:
        root = yaml.compose(front, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    if root is None:
        return _Stated((), front)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return None
    keys = [key.value for key, _ in root.value]
    if "<<" in keys or keys.count("tags") > 1:
        return None
    if "tags" not in keys:
        return _Stated((), front)
    key, value = root.value[keys.index("tags")]
    listed = isinstance(value, yaml.SequenceNode)
    items = value.value if listed else [value]
    if not all(isinstance(item, yaml.ScalarNode) for item in items):
        return None
    words = (word.strip() for item in items if item.tag != _NULL for word in item.value.split(","))
    # A list of lines ends where the next key begins; comments between the two are none of it.
    ends = (items[-1] if listed and not value.flow_style else value).end_mark
    lines = front.splitlines(keepends=True)
    after = ends.line + (ends.column > 0)
    return _Stated(tuple(filter(None, words)), "".join(lines[: key.start_mark.line] + lines[after:]))
