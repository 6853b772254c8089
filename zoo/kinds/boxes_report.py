"""What an inspection measures of boxes, and says of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.kinds.facts import BoxFacts, Finding
from zoo.kinds.label_findings import of_both, of_rare, of_variants
from zoo.plurals import counted

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part
    from zoo.kinds.boxes import Box

SMALL = 8
"""Pixels of the shorter side below which hardly anything is found."""


class BoxesMeasure:
    """How many boxes the pictures have, and of which sizes; 16 bytes a box."""

    def __init__(self) -> None:
        self._pictures = self._without = self._most = 0
        self._widths, self._heights = array("d"), array("d")

    def add(self, row: int, target: tuple[Box, ...], value: Any) -> None:
        """Count the boxes of a picture."""
        self._pictures += 1
        self._without += not target
        self._most = max(self._most, len(target))
        self._widths.extend(box.right - box.left for box in target)
        self._heights.extend(box.bottom - box.top for box in target)

    def complete(self, part: Part) -> Part:
        """With the counts, where there is any picture."""
        if not self._pictures:
            return part
        areas = sorted(zip(self._widths, self._heights, strict=True), key=lambda sides: sides[0] * sides[1])
        sizes = (areas[0], areas[(len(areas) - 1) // 2], areas[-1]) if areas else ()
        small = sum(min(sides) < SMALL for sides in areas)
        facts = BoxFacts(
            boxes=len(areas),
            pictures=self._pictures,
            without=self._without,
            most=self._most,
            sizes=sizes,
            small=small,
        )
        return msgspec.structs.replace(part, boxes=facts)


def facts(part: Part) -> Iterator[tuple[str, str]]:
    """How many there are, of which sizes."""
    boxes = part.boxes
    if boxes is None:
        return
    without = f"; {counted(boxes.without, 'picture', 'have')} none" if boxes.without else ""
    each = f"{boxes.boxes / boxes.pictures:.2g} a picture on average, {boxes.most:,} at most"
    yield "boxes", f"{boxes.boxes:,}, {each}{without}"
    if boxes.sizes:
        smallest, median, largest = (f"{width:.0f} x {height:.0f}" for width, height in boxes.sizes)
        yield "sizes", f"{smallest} to {largest} pixels, half up to {median}"


def findings(inspection: Inspection) -> Iterator[Finding]:
    """Labels that only one part has, or that are rare; boxes that are left out; no boxes at all."""
    if inspection.eval:
        yield from of_both(inspection)
    for part in (inspection.train, inspection.eval):
        boxes = part.boxes if part else None
        if part is None or boxes is None:
            continue
        if not boxes.boxes:
            yield Finding("error", f"no {part.unit} of {part.path} has any box")
        if boxes.sizes and max(boxes.sizes[-1]) <= 1:
            yield Finding(
                "error",
                f"{part.path}: no box is larger than a pixel: are these shares of the picture? Multiply them by its "
                "width and height",
            )
        elif boxes.small:
            yield Finding(
                "info",
                f"{part.path}: {counted(boxes.small, 'box', 'are')} narrower than {SMALL} pixels; a larger "
                "--image-size finds small things better",
            )
    if inspection.train.boxes is None:
        return
    yield from of_variants(inspection)
    yield from of_rare(inspection, {count.label: count.rows for count in inspection.labels if count.rows}, "box")
