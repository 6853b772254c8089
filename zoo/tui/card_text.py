"""The card of a model as Markdown: what it is, what it needs, where it comes from."""

from __future__ import annotations

from zoo.card import (
    Card,
    FolderSource,
    HubSource,
    PackageSource,
    Source,
    TorchHubSource,
    UrlSource,
    WheelSource,
)
from zoo.kinds.spelling import distinct_names
from zoo.ranking import FROM_SCRATCH, mark
from zoo.sanitize import one_line
from zoo.tui.feed import ModelLine
from zoo.units import size

SHOWN_LABELS = 12
BYTES_PER_PARAMETER = {"predict": 4, "finetune": 16}
"""fp32 weights; and with them a gradient and the two moments of AdamW (Kingma and Ba 2014)."""


def card_markdown(line: ModelLine, free_bytes: int) -> str:
    """The card as Markdown: what it is, what it needs, where it comes from."""
    card = line.card
    parts = [f"**{_text(card.name)}**", "", _text(card.summary), "", *_facts(line, free_bytes)]
    if card.labels:
        more = f" and {len(card.labels) - SHOWN_LABELS:,} more" if len(card.labels) > SHOWN_LABELS else ""
        parts += [
            "",
            "**Labels** "
            + ", ".join(_text(name) for name in list(distinct_names(card.labels).values())[:SHOWN_LABELS])
            + more,
        ]
    if card.metrics:
        parts += ["", "**Published figures**", ""]
        parts += [f"- {_text(m.name)} {m.value:g} on {_text(m.dataset)} ({_text(m.source_url)})" for m in card.metrics]
    if card.weights is not None:
        parts += ["", "**Weights**", ""]
        parts += [f"- {_text(_source(source))}" for source in card.weights.sources]
        parts += [
            f"- {_text(file.name)}, sha256 {file.pin[:16]}..." if file.pin else f"- {_text(file.name)}"
            for file in card.weights.files
        ]
    return "\n".join(parts)


def _facts(line: ModelLine, free_bytes: int) -> list[str]:
    card = line.card
    can = ", ".join(f"{ability.verb} ({ability.task})" for ability in card.abilities)
    shape = ", ".join(f"{name} {value}" for name, value in card.architecture.items())
    rows = [
        ("Can", can),
        ("Recommended for", ", ".join(card.recommended_for)),
        ("Mark", f"{mark(card)}: made to try zoo out, not to be used" if card.demonstration else ""),
        ("Parameters", f"{card.parameters:,}" if card.parameters is not None else ""),
        ("Takes", str(card.input or "")),
        ("Memory", _memory(card, free_bytes)),
        ("Here", _place(line)),
        ("Architecture", shape),
        ("Languages", ", ".join(card.languages)),
        ("Licence", card.license),
        ("Paper", card.paper),
        ("Page", card.source_url),
        ("Plugin", card.plugin),
    ]
    return [f"- **{name}** {_text(value)}" for name, value in rows if value]


def _memory(card: Card, free_bytes: int) -> str:
    """A lower bound: weights, and what the optimizer keeps; activations come on top."""
    if card.parameters is None:
        return ""
    predict, finetune = (card.parameters * BYTES_PER_PARAMETER[verb] for verb in ("predict", "finetune"))
    enough = "" if finetune < free_bytes else ": not enough to fine-tune all of it"
    return f"{size(predict)} to predict, {size(finetune)} and more to fine-tune; {size(free_bytes)} free{enough}"


def _place(line: ModelLine) -> str:
    if line.card.weights is None:
        return f"nothing: it starts {FROM_SCRATCH}"
    return "on this machine" if line.local else "not yet; d downloads it" if line.local is False else ""


def _source(source: Source) -> str:
    match source:
        case HubSource():
            return f"Hub, {source.repository} at {source.revision[:12]}"
        case UrlSource() | TorchHubSource():
            return source.base_url
        case PackageSource():
            return f"package {source.distribution}"
        case WheelSource():
            return str(source)
        case FolderSource():
            return source.path


def _text(value: str) -> str:
    """Text from outside, so that nothing in it is taken for Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|~" else c for c in one_line(value))
