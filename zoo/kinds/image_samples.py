"""Images for the tests that plugins pass: noise around the colour of each label."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.kinds.samples import LABELS, ROWS_PER_LABEL, SampleSet, draws

SIDE = 32
"""Height and width, in pixels."""
_COLOURS = {"007": (200, 40, 40), "late parcel": (40, 200, 40), "réclamation": (40, 40, 200)}


class ImageSamples(SampleSet):
    """Square images in class folders.

    Args:
        folder: where they are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rows(self) -> list[tuple[Any, str]]:
        """Paths from the folder of the samples on."""
        return [(self.cell(path), path.parent.name) for path in sorted(self.labelled().rglob("*.png"))]

    def labelled(self) -> Path:
        """A folder with a folder for each label."""
        root = self._folder / "images"
        if root.exists():
            return root
        from PIL import Image

        draw = draws()
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

    def unlabelled(self) -> Path:
        """The same; its labels are not asked for."""
        return self.labelled()

    def inputs(self, mark: str) -> list[Any]:
        """Paths."""
        return [str(path) for path in sorted(self.labelled().rglob("*.png"))[::4]]

    def unusable(self) -> list[Any]:
        """A file that is not there, one that is no image, and what is no path."""
        broken = self._folder / "broken\x1b[2J.png"
        broken.write_bytes(b"\x1b]0;owned\x07 is no image")
        return [str(self._folder / "nowhere\x1b[2J.png"), str(broken), 7]

    def cell(self, value: Any) -> Any:
        """The path from the folder of the samples on."""
        return Path(value).relative_to(self._folder).as_posix()
