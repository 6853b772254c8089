"""Answers as lines of text, by the type of the prediction."""

from __future__ import annotations

from zoo.data.spelling import told_apart
from zoo.prediction import Classification, Embedding, FilledMask, Prediction, Rejected, Score
from zoo.progress import bar
from zoo.sanitize import one_line

SHOWN = 5
"""Labels shown of a prediction that has more."""
SHOWN_NUMBERS = 8


def render(text: str, answer: Prediction) -> list[str]:
    """What a person wants to see of one answer."""
    match answer:
        case Classification():
            return [one_line(text), *_scores(answer.scores)]
        case FilledMask():
            return [one_line(answer.text), *_scores(answer.scores)]
        case Embedding():
            numbers = " ".join(f"{x:+.4f}" for x in answer.vector[:SHOWN_NUMBERS])
            more = " ..." if len(answer.vector) > SHOWN_NUMBERS else ""
            return [one_line(text), f"  {len(answer.vector)} numbers: {numbers}{more} (--json gives all)"]
        case Rejected():
            return [one_line(text), f"  rejected: {one_line(answer.reason)}"]


def _scores(scores: tuple[Score, ...]) -> list[str]:
    shown = told_apart(score.label for score in scores[:SHOWN])
    names = [one_line(shown[score.label]) for score in scores[:SHOWN]]
    width = max(map(len, names), default=0)
    return [
        f"  {name:<{width}}  {bar(score.probability)} {score.probability:6.1%}"
        for name, score in zip(names, scores[:SHOWN], strict=True)
    ]
