"""What was measured of images, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zoo.kinds.facts import Finding, ImageFacts, Size
from zoo.kinds.media_report import counts, left_out
from zoo.plurals import counted

if TYPE_CHECKING:
    from zoo.data.report import Part


def facts(part: Part) -> Iterator[tuple[str, str]]:
    """Their sizes, formats and modes."""
    if part.images:
        yield "sizes", _sizes(part.images)
        yield "formats", f"{counts(part.images.formats)}; modes {counts(part.images.modes)}"


def findings(part: Part) -> Iterator[Finding]:
    """Images that are small, and files that are left out."""
    images = part.images
    if images is None:
        return
    if images.enlarged:
        yield Finding(
            "info",
            f"{part.path}: {counted(images.enlarged, 'image')} of less than the {images.shorter_side} pixels the "
            "model sees; enlarging adds no detail",
        )
    if images.other_files:
        yield left_out(part.path, "images", images.other_files)


def _sizes(images: ImageFacts) -> str:
    if images.sizes == 1:
        return f"all {_size(images.median)}"
    return (
        f"smallest {_size(images.smallest)}, half up to {_size(images.median)}, largest {_size(images.largest)}; "
        f"{images.sizes:,} different ones"
    )


def _size(size: Size) -> str:
    return f"{size.width:,} x {size.height:,}"
