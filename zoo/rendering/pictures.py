"""Blocks of pictures as pixels: boxes and masks in the colours of their labels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.answers import Rejected
from zoo.blocks import Boxes, BoxMark, Mask, Picture, PictureBlock
from zoo.rendering.colours import BACKGROUND, ink_on, label_colour
from zoo.sanitize import one_line
from zoo.text_table import shortened

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

NO_PILLOW = "Pillow is not installed, which draws pictures: pip install pillow"
NOT_AT_HAND = "the picture is not at hand"
OPACITY = 0.5
"""Of a mask over its picture."""
LONGEST_TAG = 40
"""Characters of the text beside a box."""
LINES_PER_PICTURE = 32
"""So many lines of text would fill the longer side of a picture."""
SMALLEST_TEXT = 10
"""Pixels."""


def draw_picture(block: PictureBlock, size: tuple[int, int] | None = None, *, texts: bool = True) -> Image | Rejected:
    """The picture with what is known of it, RGB.

    Args:
        block: a picture with or without boxes or a mask.
        size: width and height in pixels; None leaves the picture as large as it is.
        texts: whether boxes have their labels beside them.

    Returns:
        The picture, or why there is none: its file is missing or damaged, its mask cannot be read.
    """
    image = read_picture(block)
    return image if isinstance(image, Rejected) else mark(image, block, size, texts=texts)


def read_picture(block: PictureBlock) -> Image | Rejected:
    """The picture without marks, RGB; or why there is none."""
    if not block.image:
        return Rejected(NOT_AT_HAND)
    try:
        from zoo.kinds.image_decoding import read_image

        return read_image(Path(block.image).expanduser())
    except ImportError:
        return Rejected(NO_PILLOW)


def mark(
    image: Image, block: PictureBlock, size: tuple[int, int] | None = None, *, texts: bool = True
) -> Image | Rejected:
    """The same on a picture that is read already; the picture itself stays as it is."""
    drawn = image.copy() if size in (None, image.size) else image.resize(size)
    match block:
        case Picture():
            return drawn
        case Boxes():
            _draw_boxes(drawn, block, texts)
            return drawn
        case Mask():
            indexes = mask_indexes(block)
            return indexes if isinstance(indexes, Rejected) else _overlaid(drawn, indexes, block.labels)


def mask_indexes(block: Mask) -> Image | Rejected:
    """The indexes of the labels, as a picture of the mode L; or why there are none."""
    try:
        from zoo.kinds.image_decoding import decode_bytes

        image = decode_bytes(block.mask)
    except ImportError:
        return Rejected(NO_PILLOW)
    if isinstance(image, Rejected):
        return Rejected(f"the mask cannot be read: {image.reason}")
    if image.mode not in ("L", "P"):
        return Rejected(f"the mask is of the mode {image.mode}, not P or L")
    if image.size != (block.width, block.height):
        return Rejected(f"the mask has {image.width} x {image.height} pixels, not {block.width} x {block.height}")
    if image.mode == "P":
        from PIL import Image

        return Image.frombytes("L", image.size, image.tobytes())
    return image


def label_shares(block: Mask) -> list[tuple[str, float]] | Rejected:
    """The labels of a mask that it has pixels of, with their shares of all pixels, 0 to 1, the largest first."""
    indexes = mask_indexes(block)
    if isinstance(indexes, Rejected):
        return indexes
    counts = indexes.histogram()
    shares = [(label, count / (block.width * block.height)) for label, count in zip(block.labels, counts, strict=False)]
    return sorted((entry for entry in shares if entry[1]), key=lambda entry: -entry[1])


def label_palette(labels: tuple[str, ...]) -> list[int]:
    """The colours of the values of a mask, red, green and blue of each of 256; those of no label are black."""
    colours = [channel for label in labels[:256] for channel in label_colour(label)]
    return colours + [0] * (768 - len(colours))


def png_of(image: Image) -> bytes:
    """The content of a file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def tag_texts(box: BoxMark) -> tuple[str, ...]:
    """What may stand beside a box, the longest first."""
    label = shortened(one_line(box.label), LONGEST_TAG)
    return (label,) if box.score is None else (f"{label} {box.score:.0%}", label)


def scaled(box: BoxMark, block: Boxes, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The pixels at the edges of a box in a picture of a size, none of them outside: left, top, right, bottom."""
    across, down = size[0] / block.width, size[1] / block.height
    left, right = sorted(_within(edge * across, size[0]) for edge in (box.left, box.right))
    top, bottom = sorted(_within(edge * down, size[1]) for edge in (box.top, box.bottom))
    return left, top, right, bottom


def _within(edge: float, length: int) -> int:
    """Edges that are no numbers are at 0."""
    return int(min(max(edge, 0.0), length - 1)) if edge == edge else 0  # noqa: PLR0124


def _draw_boxes(image: Image, block: Boxes, texts: bool) -> None:
    from PIL import ImageDraw

    draw = ImageDraw.Draw(image)
    thickness = max(1, round(max(image.size) / 320))
    for box in reversed(block.boxes):  # the most certain one lies on top
        draw.rectangle(scaled(box, block, image.size), outline=label_colour(box.label), width=thickness)
    covered: list[tuple[int, int, int, int]] = []
    for box in block.boxes if texts else ():
        _draw_tag(draw, scaled(box, block, image.size), box, image.size, covered)


def _draw_tag(
    draw: ImageDraw,
    edges: tuple[int, int, int, int],
    box: BoxMark,
    size: tuple[int, int],
    covered: list[tuple[int, int, int, int]],
) -> None:
    """A box's text above it, or within it where there is no room above; none where it would cover another text."""
    from PIL import ImageFont

    height = max(SMALLEST_TEXT, max(size) // LINES_PER_PICTURE)
    font, text = ImageFont.load_default(height), tag_texts(box)[0]
    width = round(draw.textlength(text, font)) + 4
    left = max(0, min(edges[0], size[0] - width))
    top = edges[1] - height - 3 if edges[1] >= height + 3 else edges[1]
    tag = (left, top, left + width, top + height + 3)
    if any(tag[0] < r and l < tag[2] and tag[1] < b and t < tag[3] for l, t, r, b in covered):  # noqa: E741
        return
    covered.append(tag)
    colour = label_colour(box.label)
    draw.rectangle(tag, fill=colour)
    draw.text((left + 2, top + 1), text, fill=ink_on(colour), font=font)


def _overlaid(image: Image, indexes: Image, labels: tuple[str, ...]) -> Image:
    """The colours of the labels over a picture; what is background or has no label stays as it is."""
    from PIL import Image as PillowImage

    indexes = indexes.resize(image.size, PillowImage.Resampling.NEAREST)
    opacities = [0 if label in BACKGROUND else round(255 * OPACITY) for label in labels[:256]]
    cover = indexes.point(opacities + [0] * (256 - len(opacities)))
    tint = PillowImage.frombytes("P", indexes.size, indexes.tobytes())
    tint.putpalette(label_palette(labels))
    image.paste(tint.convert("RGB"), mask=cover)
    return image
