"""What is known of a model, as pairs of a name and a value; the command line and the terminal UI draw them."""

from __future__ import annotations

from zoo.card import (
    Card,
    FolderSource,
    HubSource,
    PackageSource,
    Source,
    TorchHubSource,
    UrlSource,
    Weights,
    WheelSource,
)
from zoo.kinds.spelling import distinct_names
from zoo.ranking import FROM_SCRATCH, mark
from zoo.tasks import get_task
from zoo.units import size

Fact = tuple[str, str]
"""A name in lower case, and a value; both may hold text from outside."""
SHOWN_LABELS = 20


def general_facts(card: Card, free_bytes: int | None = None) -> list[Fact]:
    """What it is and what it needs, in the order people ask.

    Args:
        card: of the model.
        free_bytes: of memory, where that is to be compared.
    """
    facts = [
        ("plugin", card.plugin),
        ("tasks", ", ".join(f"{task} ({', '.join(_verbs(card, task))})" for task in card.tasks)),
        ("recommended", f"for {', '.join(card.recommended_for)}" if card.recommended_for else ""),
        ("mark", f"{mark(card)}: made to try zoo out, not to be used" if card.demonstration else ""),
        ("parameters", f"{card.parameters:,}" if card.parameters is not None else ""),
        ("takes", _takes(card)),
        ("memory", _memory(card, free_bytes)),
        ("architecture", ", ".join(f"{name} {value}" for name, value in card.architecture.items())),
        ("labels", _labels(card)),
        ("columns", ", ".join(f"{role} {name!r}" for role, name in card.columns.items())),
        ("languages", ", ".join(card.languages)),
        ("licence", card.license),
        ("paper", card.paper),
        ("published at", card.source_url),
    ]
    return [(name, value) for name, value in facts if value]


def metric_facts(card: Card) -> list[Fact]:
    """Its published figures."""
    return [(metric.name, f"{metric.value:g} on {metric.dataset} ({metric.source_url})") for metric in card.metrics]


def weights_facts(card: Card, *, local: bool | None, how_to_fetch: str, variant: str = "") -> list[Fact]:
    """Where its weights are, and where they come from.

    Args:
        card: of the model.
        local: whether they are on this machine; None where that is not known yet.
        how_to_fetch: what fetches them.
        variant: of those that are on this machine, where they are others than the publisher's.
    """
    if card.weights is None:
        return [("weights", f"none: it starts {FROM_SCRATCH}")]
    here = "on this machine" if local else "" if local is None else f"not on this machine yet: {how_to_fetch}"
    if variant:
        here = f"on this machine in {variant} alone: {how_to_fetch}"
    facts = [("weights", _sized(card.weights, here))]
    for weights in (card.weights, *card.weights.alternatives):
        facts += [("or", _sized(weights, f"in {weights.variant}"))] if weights.variant else []
        facts += [("source", _source(source)) for source in weights.sources]
        facts += [(f"  {file.name}", f"sha256 {file.shown_pin}") for file in weights.files if file.pin]
    return [(name, value) for name, value in facts if value]


def _verbs(card: Card, task: str) -> list[str]:
    """What the model can do for a task."""
    return [str(ability.verb) for ability in card.abilities if ability.task == task]


def _takes(card: Card) -> str:
    """What goes in, with how much of it is seen where the card states that."""
    kind = get_task(card.task).input
    return f"{kind}s, {card.input}" if card.input else f"{kind}s"


def _labels(card: Card) -> str:
    names = list(distinct_names(card.labels).values())
    more = f" and {len(names) - SHOWN_LABELS:,} more" if len(names) > SHOWN_LABELS else ""
    return ", ".join(names[:SHOWN_LABELS]) + more


def _memory(card: Card, free_bytes: int | None) -> str:
    """A lower bound: weights, and what the optimizer keeps; activations come on top."""
    predict, finetune = (card.memory_bytes(verb) for verb in ("predict", "finetune"))
    if predict is None or finetune is None:
        return ""
    text = f"{size(predict)} to predict, {size(finetune)} and more to fine-tune"
    if free_bytes is None:
        return text
    return f"{text}; {size(free_bytes)} free" + (
        ": not enough to fine-tune all of it" if finetune >= free_bytes else ""
    )


def _sized(weights: Weights, words: str) -> str:
    return ", ".join(filter(None, (size(weights.size_bytes) if weights.size_bytes is not None else "", words)))


def _source(source: Source) -> str:
    match source:
        case HubSource():
            return f"hub {source.repository} at {source.revision}"
        case UrlSource() | TorchHubSource():
            return source.base_url
        case PackageSource():
            return f"package {source.distribution}"
        case WheelSource():
            return str(source)
        case FolderSource():
            return source.path
