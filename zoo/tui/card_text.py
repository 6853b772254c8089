"""The card of a model as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from zoo.card_facts import Fact, general_facts, metric_facts, weights_facts
from zoo.sanitize import one_line
from zoo.suggested import SuggestedModel
from zoo.tui.feed import ModelRow

_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b")
_CUT = r"\1..."


def card_markdown(line: ModelRow, free_bytes: int) -> str:
    """What is known of a model: what it is, what it needs, where it comes from."""
    if isinstance(line, SuggestedModel):
        return _suggestion_markdown(line)
    card = line.card
    parts = [f"**{_text(card.name)}**", "", _text(card.summary), "", *_list(general_facts(card, free_bytes))]
    if card.metrics:
        parts += ["", "**Published figures**", "", *_list(metric_facts(card))]
    weights = weights_facts(card, local=line.local, variant=line.variant, how_to_fetch="d downloads them")
    return "\n".join((*parts, "", *_list(weights)))


def _suggestion_markdown(model: SuggestedModel) -> str:
    """What is known of a model that is not here, and how it comes here."""
    summary = "Well known on the Hub and not here yet: d pulls it, and pins the commit that is newest then."
    facts = [
        ("task", model.task),
        ("parameters", f"{model.parameters:,}" if model.parameters is not None else ""),
        ("licence", model.license),
        ("published at", f"https://huggingface.co/{model.repository}"),
    ]
    return "\n".join(
        (f"**{_text(model.repository)}**", "", summary, "", *_list((name, value) for name, value in facts if value))
    )


def _list(facts: Iterable[Fact]) -> list[str]:
    """With digests cut short, which there is little room for."""
    return [f"- **{_text(name.strip())}** {_text(_DIGEST.sub(_CUT, value))}" for name, value in facts]


def _text(value: str) -> str:
    """Text from outside, so that nothing in it is taken for Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|~" else c for c in one_line(value))
