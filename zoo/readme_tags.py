"""Tags of a README: the list in its front matter, which the Hub shows and whoever takes the model over reads."""

from __future__ import annotations

import re

PRIVATE_ROWS = "private-rows"
"""Of a model that learnt privately, or that comes from one that did: what is done with it shows no row."""
_FRONT = re.compile(r"\A---\r?\n(.*?)^---\r?\n", re.DOTALL | re.MULTILINE)
_COMMENT = r"(?:#[^\n]*)?"
_ITEMS = rf"(?:(?:\r?\n[ \t]*{_COMMENT})*\r?\n[ \t]*-[^\n]*)+"
"""A line each; comments and empty lines may stand between them."""
_LIST = re.compile(rf"^tags:[ \t]*{_COMMENT}(\[(?:[^\]:]|:(?!\s))*\]|{_ITEMS}|[^\r\n#]*)", re.MULTILINE)
_BETWEEN = re.compile(r"\n[ \t]*-(?=\s)")
_REMARK = re.compile(r"(?:^|(?<=\s))#[^\n]*")
_NOTHING = {"", "-", "null", "~"}


def tags_of(readme: str) -> tuple[str, ...]:
    """The tags that a README states."""
    front = _FRONT.match(readme)
    listed = _LIST.search(front[1]) if front else None
    if listed is None:
        return ()
    text = _REMARK.sub("", listed[1])
    words = text.strip("[]\r ").split(",") if text.startswith("[") else _BETWEEN.split(text)
    return tuple(tag for word in words if (tag := word.strip().strip("\"'")) not in _NOTHING)


def tagged(readme: str, tag: str) -> str:
    """A README that states a tag beside those that it has."""
    if tag in (tags := tags_of(readme)):
        return readme
    front = _FRONT.match(readme)
    rest = _LIST.sub("", front[1]).strip("\r\n") if front else ""
    listed = "".join(f"- {one}\n" for one in (*tags, tag))
    body = readme[front.end() :] if front else f"\n{readme}"
    return "---\ntags:\n" + listed + (f"{rest}\n" if rest else "") + f"---\n{body}"
