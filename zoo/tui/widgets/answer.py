"""Answers, drawn by the type of the prediction: a new plugin's model needs no change here."""

from __future__ import annotations

from textual.content import Content

from zoo.data.spelling import told_apart
from zoo.prediction import Classification, Embedding, FilledMask, Prediction, Rejected, Score
from zoo.sanitize import one_line

SHOWN_NUMBERS = 256
LEVELS = "▁▂▃▄▅▆▇█"
EIGHTHS = " ▏▎▍▌▋▊▉█"


def draw(answer: Prediction, width: int) -> Content:
    """One answer.

    Args:
        answer: what the model said.
        width: columns of the terminal there are.
    """
    match answer:
        case Rejected():
            return Content.assemble(("rejected  ", "bold $text-error"), one_line(answer.reason))
        case Classification():
            drawn = scores(answer.scores, width)
        case FilledMask():
            drawn = Content.assemble((one_line(answer.text), "bold"), "\n\n", scores(answer.scores, width))
        case Embedding():
            drawn = _embedding(answer, width)
    if answer.truncated_at is None:
        return drawn
    read = f"only the first {answer.truncated_at:,} tokens were read"
    return Content.assemble((read, "$text-warning"), "\n\n", drawn)


def scores(found: tuple[Score, ...], width: int) -> Content:
    """Labels with bars, the most probable first."""
    shown = told_apart(score.label for score in found)
    names = [one_line(shown[score.label]) for score in found]
    name_width = min(max((len(name) for name in names), default=0), max(8, width // 3))
    room = max(4, width - name_width - 10)
    lines: list[Content | tuple[str, str] | str] = []
    for place, (name, score) in enumerate(zip(names, found, strict=True)):
        tone = "bold $text-success" if place == 0 else "$text-muted"
        lines += [
            (f"{name[:name_width]:<{name_width}} ", tone),
            (f"{bar(score.probability, room):<{room}}", "$success" if place == 0 else "$primary"),
            (f" {score.probability:6.1%}\n", tone),
        ]
    return Content.assemble(*lines)


def bar(share: float, width: int) -> str:
    """A bar, to an eighth of a character."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _embedding(answer: Embedding, width: int) -> Content:
    """A vector as a skyline: each column one number, from the smallest to the largest."""
    shown = answer.vector[: max(1, min(SHOWN_NUMBERS, width))]
    low, high = min(answer.vector, default=0.0), max(answer.vector, default=0.0)
    span = (high - low) or 1.0
    line = "".join(LEVELS[min(7, int((number - low) / span * 8))] for number in shown)
    return Content.assemble(
        (f"{len(answer.vector)} numbers from {low:.3f} to {high:.3f}\n\n", "$text-muted"), (line, "$text-accent")
    )
