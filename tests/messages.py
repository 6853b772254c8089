"""Messages to a shop, whose topic is easily learnt: data for small models."""

from __future__ import annotations

import random
from pathlib import Path

TOPICS = {
    "delivery": "parcel courier monday late",
    "refund": "money back lamp broken",
    "app": "screen crash login button",
}
OTHER_WORDS = ("the", "my", "is", "and", "this", "please")


def write_messages(path: Path, rows: int, seed: int, *, numbered: bool = False) -> Path:
    """Write a table of texts and their labels.

    Args:
        path: of the table.
        rows: how many.
        seed: of the words.
        numbered: whether each has a number in the end, so that hardly any two are the same.
    """
    draw, lines = random.Random(seed), []
    for _ in range(rows):
        topic = draw.choice(list(TOPICS))
        words = [*draw.sample(TOPICS[topic].split(), 2), *draw.sample(OTHER_WORDS, 3)]
        words += [f"{draw.random():.3f}"] if numbered else []
        lines.append(f"{' '.join(words)},{topic}\n")
    path.write_text("text,label\n" + "".join(lines))
    return path
