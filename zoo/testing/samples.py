"""Little data that a model can tell apart within seconds: texts and images, labelled and not.

Label names hold what file formats and models stumble over: a space, a letter outside ASCII, a leading zero.
"""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any, NamedTuple

from zoo.tasks.task import Task

LABELS = ("007", "late parcel", "réclamation")
ROWS_PER_LABEL = 12
SIDE = 32
"""Height and width of the images, in pixels."""

_WORDS = {
    "007": "agent secret mission spy gadget villain",
    "late parcel": "delivery parcel courier waiting monday address",
    "réclamation": "refund money broken lamp invoice complaint",
}
_COMMON = "the my is a where when please it and this"
_COLOURS = {"007": (200, 40, 40), "late parcel": (40, 200, 40), "réclamation": (40, 40, 200)}


class Samples(NamedTuple):
    """Where the data are written when they are first asked for."""

    folder: Path
    longest: int = 96
    """Most words of a text."""

    def labelled(self, task: Task) -> Path:
        """A CSV file of texts, or a folder of images in class folders."""
        return _texts(self.folder) if not task.input.from_files else _images(self.folder)

    def unlabelled(self, task: Task) -> Path:
        """A text file, or a folder of images."""
        if task.input.from_files:
            return _images(self.folder)
        path = self.folder / "texts.txt"
        path.write_text("".join(f"{text}\n" for text, _ in _rows()), encoding="utf-8")
        return path

    def inputs(self, task: Task) -> list[Any]:
        """Inputs of every label, of unequal lengths or sizes: texts from a single word to a hundred."""
        if task.input.from_files:
            return [str(path) for path in sorted(_images(self.folder).rglob("*.png"))[::4]]
        texts = [text for text, _ in _rows()][::4]
        lengths = [text.split()[:1] if index % 3 == 0 else text.split() * index for index, text in enumerate(texts, 1)]
        marked = "[MASK] " if task.name == "fill-mask" else ""
        return [marked + " ".join(words[: self.longest]) for words in [*lengths, texts[0].split() * 16]]

    def inputs_file(self, task: Task) -> Path:
        """The same inputs as a file of JSON lines; images are named from where it stands."""
        path = self.folder / "inputs.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for one in self.inputs(task):
                given = Path(one).relative_to(self.folder).as_posix() if task.input.from_files else one
                file.write(json.dumps({task.input_columns[0]: given}) + "\n")
        return path

    def unusable(self, task: Task) -> list[Any]:
        """Inputs that no model of this task can answer; two of them hold what acts on a terminal."""
        if not task.input.from_files:
            return [7, None, b"\x1b[2J"]
        broken = self.folder / "broken\x1b[2J.png"
        broken.write_bytes(b"\x1b]0;owned\x07 is no image")
        return [str(self.folder / "nowhere\x1b[2J.png"), str(broken), 7]


def _rows() -> list[tuple[str, str]]:
    """(text, label); the same each time."""
    draw = random.Random(3702)  # noqa: S311 - nobody must be unable to guess them
    return [
        (" ".join(draw.sample(_WORDS[label].split(), 3) + draw.sample(_COMMON.split(), 3)), label)
        for _ in range(ROWS_PER_LABEL)
        for label in LABELS
    ]


def _texts(folder: Path) -> Path:
    path = folder / "texts.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *_rows()])
    return path


def _images(folder: Path) -> Path:
    """Noise around the colour of each label."""
    root = folder / "images"
    if root.exists():
        return root
    from PIL import Image

    draw = random.Random(3702)  # noqa: S311
    for label in LABELS:
        (root / label).mkdir(parents=True)
        for number in range(ROWS_PER_LABEL):
            pixels = bytes(
                max(0, min(255, channel + draw.randrange(-40, 40)))
                for _ in range(SIDE * SIDE)
                for channel in _COLOURS[label]
            )
            Image.frombytes("RGB", (SIDE, SIDE), pixels).save(root / label / f"{number:02}.png")
    return root
