"""Samples of more than 8 bits to 8, by the sample depth that a file states or that its largest sample needs.

Scanners, microscopes and cameras write 10, 12 or 14 bits into files of 16. Where a file does not state its depth (sBIT
of a PNG, BitsPerSample or MaxSampleValue of a TIFF), it is the smallest usual one that holds the largest sample. A
picture that is truly dark in 16 bits therefore becomes brighter, unless its file states all 16.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

WIDE_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_STATED = "zoo_stated_maximum"
_USUAL_MAXIMA = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
_SHALLOW = 64
"""A sample of at most 14 bits has less than this in the upper 8 of 16."""
_BITS_PER_SAMPLE, _MAX_SAMPLE_VALUE = 258, 281  # TIFF 6.0, section 8
_OTHER_BYTE = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}


def note_stated_maximum(image: ImageFile, file: IO[bytes]) -> None:
    """Keep with an opened image what its file says of the largest sample there can be."""
    stated = _of_png(file) if image.format == "PNG" else _of_tiff(getattr(image, "tag_v2", {}))
    if stated:
        image.info[_STATED] = stated


def narrowed(image: Image) -> Image:
    """An image of one wide channel as 8 bits of grey."""
    import numpy as np
    from PIL import Image

    samples = np.nan_to_num(np.asarray(image).astype(np.float64), posinf=0.0, neginf=0.0).clip(min=0)
    largest = float(samples.max())
    maximum = 1 if image.mode == "F" and largest <= 1 else _maximum(largest, image.info.get(_STATED, 0))
    return Image.fromarray((samples * (255.0 / maximum)).round().astype(np.uint8))


def deepen(image: Image, reopen: Callable[[], ImageFile]) -> None:
    """Bring colours of 16 bits, of which Pillow decodes the upper 8 only, to the depth that is in use.

    Args:
        image: loaded; changed in place.
        reopen: gives the same image once more, not loaded.
    """
    import numpy as np
    from PIL import Image

    stated = image.info.get(_STATED, 0)
    upper = np.asarray(image)
    if stated == _USUAL_MAXIMA[-1] or upper[..., :3].max() >= _SHALLOW:
        return
    lower = reopen()
    lower.tile = [tile._replace(args=_with_other_byte(tile.args)) for tile in lower.tile]
    try:
        lower.load()
    except ValueError:  # Pillow has no such raw mode: grey with transparency
        return
    samples = upper.astype(np.uint16) << 8 | np.asarray(lower)
    for channels in (samples[..., :3], samples[..., 3:]):
        maximum = _maximum(int(channels.max(initial=0)), stated)
        scaled = (np.arange(maximum + 1) * (255.0 / maximum)).round().astype(np.uint16)
        channels[...] = scaled[channels]
    image.paste(Image.fromarray(samples.astype(np.uint8)))


def is_cut(image: ImageFile) -> bool:
    """Whether an opened, not yet loaded image has colours of 16 bits, which Pillow cuts."""
    return image.mode in ("RGB", "RGBA") and any(_rawmode(tile.args)[-3:] in _OTHER_BYTE for tile in image.tile)


def _maximum(largest: float, stated: float) -> float:
    """What becomes white. A file that scaled its samples up to 16 bits states fewer than it needs."""
    if stated and largest <= stated:
        return stated
    return next((maximum for maximum in _USUAL_MAXIMA if largest <= maximum), largest)


def _of_png(file: IO[bytes]) -> int:
    """By the sBIT chunk, which precedes the pixels (PNG, section 11.3.2.4); 0 where there is none."""
    where = file.tell()
    try:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, name = struct.unpack(">I4s", head)
            if name == b"sBIT":
                bits = max(file.read(min(length, 3)), default=0)
                return int(2**bits - 1) if 8 < bits <= 16 else 0
            if name == b"IDAT":
                break
            file.seek(length + 4, 1)
        return 0
    finally:
        file.seek(where)


def _of_tiff(tags: Any) -> int:
    stated = tags.get(_MAX_SAMPLE_VALUE)
    bits = tags.get(_BITS_PER_SAMPLE) or (16,)
    if stated:
        return int(max(stated) if isinstance(stated, tuple) else stated)
    return int(2 ** bits[0] - 1) if 8 < bits[0] < 16 else 0


def _rawmode(args: Any) -> str:
    return str(args[0] if isinstance(args, tuple) else args)


def _with_other_byte(args: Any) -> Any:
    rawmode = _rawmode(args)
    other = rawmode[:-3] + _OTHER_BYTE.get(rawmode[-3:], rawmode[-3:])
    return (other, *args[1:]) if isinstance(args, tuple) else other
