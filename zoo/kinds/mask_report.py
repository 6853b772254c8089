"""What an inspection measures of masks, and says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.kinds.facts import Finding, MaskFacts, PixelCount
from zoo.kinds.label_findings import of_both, of_rare, of_variants
from zoo.kinds.spelling import quoted
from zoo.plurals import counted, name_list

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part
    from zoo.kinds.mask import LabelMask

_CLASSES_SHOWN = 12
RARE_SHARE = 0.005
"""Of all pixels: a network that never says the class is hardly worse by its accuracy."""


class MaskMeasure:
    """How many pixels each class has, and in how many pictures."""

    def __init__(self) -> None:
        self._pictures = self._pixels = self._turned = 0
        self._by_class: Counter[str] = Counter()
        self._with_class: Counter[str] = Counter()
        self._modes: Counter[str] = Counter()

    def add(self, row: int, target: LabelMask, value: Any) -> None:
        """Count the classes of a picture."""
        self._pictures += 1
        self._pixels += target.width * target.height
        self._turned += target.orientation != 1
        self._modes[target.mode or "drawn"] += 1
        pixels: Counter[str] = Counter()
        for one in target.classes:
            pixels[one.label] += one.pixels
        self._by_class.update(pixels)
        self._with_class.update(pixels.keys())

    def complete(self, part: Part) -> Part:
        """With the counts, where there is any picture."""
        if not self._pictures:
            return part
        facts = MaskFacts(
            pictures=self._pictures,
            pixels=self._pixels,
            ignored=max(0, self._pixels - self._by_class.total()),
            classes=tuple(PixelCount(label, n, self._with_class[label]) for label, n in self._by_class.most_common()),
            modes=dict(self._modes.most_common()),
            turned=self._turned,
        )
        return msgspec.structs.replace(part, masks=facts)


def facts(part: Part) -> Iterator[tuple[str, str]]:
    """The classes with their shares of the pixels and the pictures that have them; modes."""
    masks = part.masks
    if masks is None:
        return
    classes = [
        f"{one.label} {_share(one.pixels, masks)} ({counted(one.pictures, 'picture')})"
        for one in masks.classes[:_CLASSES_SHOWN]
    ]
    more = len(masks.classes) - _CLASSES_SHOWN
    classes += [f"{more:,} more"] if more > 0 else []
    classes += [f"ignored {_share(masks.ignored, masks)}"] if masks.ignored else []
    yield "pixels", ", ".join(classes)
    yield "masks", "modes " + ", ".join(f"{count:,} {mode}" for mode, count in masks.modes.items())


def findings(inspection: Inspection) -> Iterator[Finding]:
    """Classes that only one part has, that are rare, or that look the same."""
    if inspection.eval:
        yield from of_both(inspection)
    for part in (inspection.train, inspection.eval):
        if part and part.masks and part.masks.turned:
            yield Finding(
                "info",
                f"{part.path}: {counted(part.masks.turned, 'mask', 'lie')} on pictures as they are stored, and are "
                "turned with them (EXIF orientation)",
            )
    masks = inspection.train.masks
    if masks is None:
        return
    if len(masks.classes) == 1:
        yield Finding("error", f"every pixel of every mask of {inspection.train.path} is {masks.classes[0].label}")
    yield from of_variants(inspection)
    yield from of_rare(inspection, {count.label: count.rows for count in inspection.labels if count.rows})
    rare = tuple(quoted(one.label) for one in masks.classes if one.pixels < RARE_SHARE * masks.pixels)
    if rare:
        yield Finding(
            "info",
            f"classes with less than {RARE_SHARE:.1%} of the pixels, of which the accuracy of pixels says nothing, but "
            f"the IoU does: {name_list(rare)}",
        )


def _share(pixels: int, masks: MaskFacts) -> str:
    share = pixels / max(1, masks.pixels)
    return f"{share:.1%}" if share >= 0.001 or not pixels else "less than 0.1%"
