"""The values that the pixels of a mask have, and how often: read once, by Pillow alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.file_cache import media_fact
from zoo.kinds.kind import Unusable

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_VALUES = 4096
"""Different values of one mask; what has more is a photograph."""
_WIDE = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_ALPHA = {"LA": "L", "RGBA": "RGB", "PA": "P"}
"""Modes with transparency, and what they are without."""


class MaskPixels(NamedTuple):
    """What one mask holds."""

    width: int
    """As stored, in pixels."""
    height: int
    mode: str
    """Pillow's name of it."""
    format: str
    counts: dict[int, int]
    """Pixels of each value: grey from 0 on, index of a palette, or 0xRRGGBB where `coloured`."""
    coloured: bool
    """Whether values are colours."""
    palette: dict[int, int]
    """Colours of the indexes that occur, 0xRRGGBB, where there is a palette."""
    from_alpha: bool = False
    """Whether the values are those of the transparency, since the mask has one colour only."""

    def as_colours(self) -> dict[int, int]:
        """Pixels of each colour."""
        if self.coloured:
            return self.counts
        counts: dict[int, int] = {}
        for value, pixels in self.counts.items():
            colour = self.palette.get(value, value * 0x010101)
            counts[colour] = counts.get(colour, 0) + pixels
        return counts


def mask_pixels(path: str) -> MaskPixels:
    """What the mask of a file holds, counted anew only where the file has changed.

    Raises:
        Unusable: it is no mask, with the reason.
    """
    result: MaskPixels | Unusable = media_fact(path, "mask", MaskPixels, _counted)
    if isinstance(result, Unusable):
        raise result
    return result


def _counted(path: str) -> MaskPixels | Unusable:
    from zoo.answers import Rejected
    from zoo.kinds.image_decoding import decode

    image = decode(path)
    if isinstance(image, Rejected):
        return Unusable(image.reason)
    try:
        return _pixels_of(image)
    except Unusable as unusable:
        return unusable


def _pixels_of(image: Image) -> MaskPixels:
    mode, size, form = image.mode, image.size, image.format or ""
    palette = palette_of(image)
    plain, from_alpha = without_alpha(image)
    pairs = _counts_of(plain)
    coloured = plain.mode == "RGB" and any(red != green or green != blue for _, (red, green, blue) in pairs)
    if coloured:
        pairs = [(pixels, red << 16 | green << 8 | blue) for pixels, (red, green, blue) in pairs]
    elif plain.mode == "RGB":
        pairs = [(pixels, red) for pixels, (red, _, _) in pairs]
    counts = {value: pixels for pixels, value in pairs}
    colours = {index: palette[index] for index in counts if index in palette}
    return MaskPixels(*size, mode, form, dict(sorted(counts.items())), coloured, colours, from_alpha)


def without_alpha(image: Image) -> tuple[Image, bool]:
    """A mask without its transparency, and whether the transparency is the mask: what has one colour only.

    Args:
        image: loaded.
    """
    if image.mode == "1":
        return image.convert("L"), False
    plain = _ALPHA.get(image.mode)
    if plain is None:
        return image, False
    alpha = image.getchannel("A")
    colours = image.convert("RGB" if plain == "P" else plain)
    low, high = alpha.getextrema()
    if low != high and len(colours.getcolors(2) or (1, 2, 3)) == 1:
        return alpha, True
    return colours, False


def palette_of(image: Image) -> dict[int, int]:
    """The colours of the indexes of a palette, 0xRRGGBB; empty where there is none."""
    if image.mode != "P":
        return {}
    channels = image.getpalette("RGB") or []
    triples = zip(channels[::3], channels[1::3], channels[2::3], strict=False)
    return {index: red << 16 | green << 8 | blue for index, (red, green, blue) in enumerate(triples)}


def _counts_of(image: Image) -> list[tuple[int, Any]]:
    """How many pixels there are of each value, or of each colour as a triple, and the value."""
    if image.mode in _WIDE:
        import numpy as np

        values, counts = np.unique(np.asarray(image), return_counts=True)
        pairs: list[tuple[int, Any]] = list(zip(counts.tolist(), values.tolist(), strict=True))
    elif image.mode in ("L", "P", "RGB"):
        pairs = image.getcolors(MOST_VALUES) or []
    else:
        raise Unusable(f"a mask of the mode {image.mode} says no classes; write it in the mode L, P or RGB")
    if not 0 < len(pairs) <= MOST_VALUES:
        raise Unusable(
            f"it has more than {MOST_VALUES:,} different values, as a photograph has; a mask has one for each class"
        )
    return pairs
