"""Images: a cell names a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.blocks import Picture
from zoo.kinds.file_kind import FileKind
from zoo.kinds.media_files import IMAGES

if TYPE_CHECKING:
    from zoo.data.report import Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.measure import Measure
    from zoo.kinds.samples import SampleSet


class ImageKind(FileKind):
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
    extensions = IMAGES
    singular = "an image"
    cell = "the path of an image"
    example = "some.jpg"
    example_data = "photos/"
    data_advice = "a table of images, or a folder with a folder for each class"

    def picture_of(self, value: Any) -> str:
        """Its file."""
        return str(Path(value).expanduser().absolute()) if isinstance(value, str | os.PathLike) else ""

    def drawing_of(self, value: Any, title: str = "") -> Picture | None:
        """The image itself."""
        return Picture(image=str(value), title=title) if isinstance(value, str | os.PathLike) else None

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

    plainly = "mean colours and edges"

    def plain_vectors(self, learnt_from: Iterable[Any]) -> tuple[Any, Callable[[Iterable[Any]], Any]] | None:
        """Mean colours and edges of a grid."""
        from zoo.kinds.plain_image import picture_vectors

        return picture_vectors(learnt_from)

    def samples(self, folder: Path, longest: int) -> SampleSet:
        """Drawn shapes of three labels."""
        from zoo.kinds.image_samples import ImageSamples

        return ImageSamples(folder)


IMAGE = ImageKind()
