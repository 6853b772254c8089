"""Sections of blocks as one page of HTML that needs nothing from elsewhere: no script, no font, no picture."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from zoo.blocks import Block
from zoo.rendering.html import html
from zoo.sanitize import one_line, plain

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.7em; margin-bottom: 0; }
h2 { font-size: 1.25em; margin-top: 2em; border-bottom: 1px solid rgba(128, 128, 128, 0.4); }
h4 { margin: 1.2em 0 0.3em; }
section { overflow-x: auto; }
table { border-collapse: collapse; margin: 0.3em 0; }
td, th { padding: 0.15em 0.9em 0.15em 0; vertical-align: top; border-bottom: 1px solid rgba(128, 128, 128, 0.2); }
td { overflow-wrap: anywhere; }
pre { background: rgba(128, 128, 128, 0.12); padding: 0.7em; overflow-x: auto; }
img { max-width: 100%; }
figure { vertical-align: top; }
nav a { margin-right: 1em; }
footer { margin-top: 3em; font-size: 0.85em; opacity: 0.7; }
@media print { nav { display: none; } section { break-inside: avoid-page; } }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What a browser may load for the page: nothing but what stands in it."""


class Section(NamedTuple):
    """A part of a page with a heading."""

    title: str
    blocks: Sequence[Block] = ()
    code: Sequence[tuple[str, str]] = ()
    """Texts that are shown letter by letter, such as commands, each behind what is said of it."""


def page(title: str, subtitle: str, sections: Sequence[Section], generator: str) -> str:
    """The page; whatever its parts hold is shown as text.

    Args:
        title: of the page.
        subtitle: a line below it.
        sections: those with nothing in them are left out.
        generator: who made it, which stands in its first lines.
    """
    filled = [section for section in sections if section.blocks or section.code]
    links = "".join(f'<a href="#{_anchor(section)}">{_safe(section.title)}</a>' for section in filled)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        f'<meta name="generator" content="{_safe(generator)}"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{_safe(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><h1>{_safe(title)}</h1><p>{_safe(subtitle)}</p><nav>{links}</nav>\n"
        + "\n".join(map(_section, filled))
        + f"\n<footer>{_safe(generator)}</footer></body></html>\n"
    )


def _section(section: Section) -> str:
    code = "".join(f"<p>{_safe(words)}</p><pre>{escape(plain(text))}</pre>" for words, text in section.code)
    blocks = html(section.blocks) if section.blocks else ""
    return f'<section id="{_anchor(section)}"><h2>{_safe(section.title)}</h2>{blocks}{code}</section>'


def _anchor(section: Section) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in section.title.lower())


def _safe(text: str) -> str:
    return escape(one_line(text))
