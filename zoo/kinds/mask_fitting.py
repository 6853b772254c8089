"""Whether a mask is as large as its picture, and how the two lie on each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from zoo.kinds.kind import Unusable
from zoo.kinds.mask import LabelMask, PixelClass
from zoo.kinds.mask_classes import BACKGROUND


def fitted(mask: LabelMask, picture: Any) -> LabelMask:
    """The mask with the size of its picture, and turned as the picture is if it was drawn on the picture as stored.

    Raises:
        Unusable: the two have other sizes.
    """
    from zoo.kinds.image_decoding import known_size

    size = known_size(picture)
    if size is None:
        return mask
    if not mask.width:
        return _sized(mask, *size.shown)
    if (mask.width, mask.height) == size.shown:
        return mask
    if (mask.width, mask.height) == (size.width, size.height):
        return msgspec.structs.replace(mask, orientation=size.orientation)
    name = Path(mask.path).name if mask.path else "the mask"
    raise Unusable(
        f"{name} has {mask.width} x {mask.height} pixels, and its picture {Path(picture).name} "
        f"{size.shown[0]} x {size.shown[1]}; resize the mask by the nearest pixel, else values appear that are no class"
    )


def _sized(mask: LabelMask, width: int, height: int) -> LabelMask:
    """A mask that is drawn, in a picture of this size: what no shape covers is background."""
    rest = width * height - sum(one.pixels for one in mask.classes)
    background = (PixelClass(BACKGROUND, -1, rest),) if rest > 0 else ()
    return msgspec.structs.replace(mask, classes=(*mask.classes, *background), width=width, height=height)
