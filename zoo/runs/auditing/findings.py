"""What an audit found, in figures and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from zoo.blocks import Cell, Paragraph, Report, Table
from zoo.metrics.membership import CHANCE, FEWEST_SURE, Attack, Figures, most_by_privacy
from zoo.runs.log import read_events
from zoo.runs.snapshot import fold
from zoo.runs.store import RunFolder

LOSS, LIRA = "loss", "LiRA"
"""The attacks: by the loss of a row alone, and by what shadows say of it."""
_WORDS = {
    LOSS: "by its loss",
    LIRA: "by the likelihood ratio of shadows",
}
_FIGURES = ("advantage", "auc")
_TITLES = {"advantage": "advantage", "auc": "AUC", "found": "found at 1% false alarms"}


class Spent(NamedTuple):
    """What a private training has spent."""

    epsilon: float
    delta: float
    unit: str = ""
    """What is protected with all its rows; empty where each row is protected by itself."""


def spent_by(folder: RunFolder) -> Spent | None:
    """Of a run; None where it is not private."""
    s = fold(read_events(folder)[0])
    if s.plan is None or s.plan.privacy is None:
        return None
    privacy = s.plan.privacy
    return Spent(s.epsilon or privacy.epsilon, privacy.delta, "client" if privacy.rounds else privacy.unit)


def _figures(others: int) -> tuple[str, ...]:
    """Those that so many others say something of."""
    return _FIGURES if others < FEWEST_SURE else (*_FIGURES, "found")


def metrics_of(attacks: Mapping[str, Attack], others: int) -> dict[str, float]:
    """The figures of the strongest attack first; none that would say too little is among them.

    Args:
        attacks: by their names.
        others: rows that the model did not learn from.
    """
    strongest = list(attacks)[-1]
    return {
        (figure if name == strongest else f"{name.lower()}_{figure}"): getattr(attacks[name].figures, figure)
        for name in reversed(list(attacks))
        for figure in _figures(others)
    }


def report_of(
    attacks: Mapping[str, Attack], model: str, others: int, spent: Spent | None, *, are_apart: bool = True
) -> Report:
    """A table of all figures, and what they mean.

    What no attack exceeds is told of what is protected alone: a row that is one of several of a client, or of somebody,
    may be found more easily than all of them together.

    Args:
        attacks: by their names.
        model: that was audited.
        others: rows that it did not learn from.
        spent: of its privacy, where it is private.
        are_apart: whether nobody who is protected with several rows has some on either side.
    """
    most = most_by_privacy(spent.epsilon, spent.delta) if spent and (are_apart or not spent.unit) else None
    bound = (f"at most by eps {spent.epsilon:.3g}",) if spent and most else ()
    table = Table(
        title="Membership inference",
        headers=("attack", "figure", "value", "low", "high", "by chance", *bound),
        rows=tuple(_row(name, attack, figure, most) for name, attack in attacks.items() for figure in _figures(others)),
    )
    texts = [_verdict(name, attack, model) for name, attack in attacks.items()]
    if others < FEWEST_SURE:
        texts.append(
            f"{others} others are too few to say how many are found at 1% false alarms, which takes a hundred."
        )
    if LIRA not in attacks:
        texts.append("--shadows 8 tries a stronger attack, which trains as many models on half of the rows.")
    if spent and most:
        known = "the rows of all others" if spent.unit else "the other rows"
        texts.append(
            f"{model} learnt with differential privacy: whatever is known of {known}, the advantage is at most "
            f"{most.advantage:.4f} by eps {spent.epsilon:.3g} and delta {spent.delta:.2g}, which holds for rows that "
            "what it began from had not learnt from."
        )
    elif spent:
        texts.append(
            f"{model} learnt with differential privacy that protects each {spent.unit} with all rows together: eps "
            f"{spent.epsilon:.3g} bounds nothing here, as rows of the same {spent.unit} may be on both sides."
        )
    return (table, *(Paragraph(text=text) for text in texts))


def _row(name: str, attack: Attack, figure: str, most: Figures | None) -> tuple[Cell, ...]:
    values = [round(getattr(one, figure), 4) for one in (attack.figures, attack.low, attack.high, CHANCE)]
    return (name, _TITLES[figure], *values, *([round(getattr(most, figure), 4)] if most else []))


def _verdict(name: str, attack: Attack, model: str) -> str:
    """In words, and no more than the interval says."""
    auc = f"{attack.figures.auc:.3f} ({attack.low.auc:.3f} to {attack.high.auc:.3f})"
    how = _WORDS[name]
    if attack.finds_members:
        return (
            f"The attack {how} finds rows that {model} learnt from: of one that it learnt from and one that it did "
            f"not, it tells which is which with probability {auc}; chance is 0.5."
        )
    if attack.is_reversed:
        return (
            f"The attack {how} finds nothing, since the others look more learnt than the rows that {model} learnt from "
            f"({auc}): both are not from the same source, and the audit says nothing."
        )
    return (
        f"The attack {how} does not find rows that {model} learnt from: the interval has chance in it ({auc}; 0.5). "
        "It shows no leak, and does not show that there is none."
    )
