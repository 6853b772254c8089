"""Images: a cell names a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.kinds import files
from zoo.kinds.image_files import EXTENSIONS, walk
from zoo.kinds.kind import InputKind

if TYPE_CHECKING:
    from zoo.data.report import Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.measure import Measure
    from zoo.kinds.samples import SampleSet

_EXTENSIONS = tuple(EXTENSIONS)


class ImageKind(InputKind):
    """An image in a file."""

    name = "image"
    columns = (
        "file_name",
        "image",
        "path",
        "file",
        "filename",
        "image_path",
        "image_name",
        "file_path",
        "filepath",
        "img",
    )
    from_files = True
    singular = "an image"
    cell = "the path of an image"
    example = "some.jpg"
    example_data = "photos/"
    data_advice = "a table of images, or a folder with a folder for each class"

    def parse(self, text: str, column: str, base: Path) -> str:
        """The absolute path of the file."""
        return files.find(text, base)

    def picture_of(self, value: Any) -> str:
        """Its file."""
        return str(Path(value).expanduser().absolute()) if isinstance(value, str | os.PathLike) else ""

    def digests(self, inputs: Iterable[str]) -> list[str]:
        """The sha256 of each file."""
        return files.digests(inputs)

    def expand(self, words: Iterable[str]) -> list[str]:
        """Folders and patterns give their images by name."""
        advice = "name image files, folders of them, or patterns such as 'photos/*.jpg'"
        return files.expand(words, walk, f"a folder without {self}s", advice)

    def likeness(self, cells: list[Any]) -> float:
        """Share of the names of image files."""
        names = [cell for cell in cells if isinstance(cell, str) and cell.lower().endswith(_EXTENSIONS)]
        return len(names) / max(1, len(cells))

    def measure(self, base: Path, limits: ModelLimits) -> Measure:
        """Sizes, modes and formats."""
        from zoo.kinds.image_measure import ImageMeasure

        return ImageMeasure(base, limits)

    def facts(self, part: Part) -> Iterator[tuple[str, str]]:
        """Their sizes, formats and modes."""
        from zoo.kinds import image_report

        return image_report.facts(part)

    def findings(self, part: Part) -> Iterator[Finding]:
        """Images that are small, and files that are left out."""
        from zoo.kinds import image_report

        return image_report.findings(part)

    def samples(self, folder: Path, longest: int) -> SampleSet:
        """Drawn shapes of three labels."""
        from zoo.kinds.image_samples import ImageSamples

        return ImageSamples(folder)

    def is_named_by(self, path: Path) -> bool:
        """By its extension."""
        return path.suffix.lower() in EXTENSIONS


IMAGE = ImageKind()
