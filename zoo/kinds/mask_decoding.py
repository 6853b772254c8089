"""Masks as arrays of the indexes of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.answers import Rejected
from zoo.kinds.image_decoding import decode, turned
from zoo.kinds.mask_classes import BACKGROUND, IGNORED
from zoo.kinds.mask_shapes import Drawing, Shape, corners_of
from zoo.kinds.mask_values import without_alpha

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from zoo.kinds.mask import LabelMask

    Indexes = np.ndarray[Any, np.dtype[np.uint8]]


def read_mask(target: LabelMask, labels: Sequence[str], size: tuple[int, int] | None = None) -> Indexes | Rejected:
    """The class of each pixel of a picture as it is shown, its EXIF orientation applied.

    Args:
        target: of an example.
        labels: classes in the order of their indexes, at most 255; pixels of another class are ignored.
        size: width and height to bring the mask to, by the nearest pixel; None for its own.

    Returns:
        Indexes of `labels`, uint8 of shape (height, width), 255 where a pixel is ignored; or why the file cannot be
        read (any more).
    """
    import numpy as np
    from PIL import Image

    index = {label: number for number, label in reversed(list(enumerate(labels)))}
    if target.path:
        image = decode(target.path)
        if isinstance(image, Rejected):
            return image
        indexes = _of_values(_values_of(image, coloured=target.coloured), target, index)
    else:
        indexes = _of_shapes(target, index)
    picture = turned(Image.fromarray(indexes), target.orientation)
    if size is not None and picture.size != size:
        picture = picture.resize(size, Image.Resampling.NEAREST)
    return np.asarray(picture)


def png_of_indexes(indexes: Indexes) -> bytes:
    """The content of a file of the mode L, as `zoo.Mask` takes it."""
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(indexes).save(file, "PNG", compress_level=1)
    return file.getvalue()


def drawing_of_png(png: bytes, labels: Sequence[str]) -> Drawing:
    """The parts of a mask, as if they had been drawn.

    Args:
        png: the content of a file whose values are indexes of labels.
        labels: in the order of the indexes.
    """
    import io

    import numpy as np
    from PIL import Image

    by_column = np.asarray(Image.open(io.BytesIO(png))).T
    shapes = []
    for index in np.unique(by_column).tolist():
        inside = np.concatenate([[False], (by_column == index).reshape(-1), [False]])
        edges = np.flatnonzero(inside[1:] != inside[:-1])
        runs = np.diff(edges, prepend=0, append=by_column.size).astype(np.uint32)
        shapes.append(Shape(labels[index], runs=runs.tobytes()))
    return Drawing(tuple(sorted(shapes, key=lambda shape: -shape.area)), *by_column.shape)


def _values_of(image: Image, *, coloured: bool) -> np.ndarray[Any, Any]:
    """The value of each pixel, shape (height, width)."""
    import numpy as np

    plain, _ = without_alpha(image)
    if coloured:
        channels = np.asarray(plain.convert("RGB")).astype(np.int32)
        return channels[..., 0] << 16 | channels[..., 1] << 8 | channels[..., 2]
    values = np.asarray(plain)
    return values[..., 0] if values.ndim == 3 else values


def _of_values(values: np.ndarray[Any, Any], target: LabelMask, index: dict[str, int]) -> Indexes:
    import numpy as np

    pairs = [(one.value, index.get(one.label, IGNORED)) for one in target.classes]
    if values.dtype == np.uint8:
        table = np.full(256, IGNORED, dtype=np.uint8)
        for value, number in pairs:
            table[value] = number
        indexes: Indexes = table[values]
        return indexes
    indexes = np.full(values.shape, IGNORED, dtype=np.uint8)
    for value, number in pairs:
        indexes[values == value] = number
    return indexes


def _of_shapes(target: LabelMask, index: dict[str, int]) -> Indexes:
    import numpy as np
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (target.width, target.height), index.get(BACKGROUND, IGNORED))
    draw = ImageDraw.Draw(canvas)
    for shape in target.shapes:
        number = IGNORED if shape.ignored else index.get(shape.label, IGNORED)
        for polygon in shape.polygons:
            draw.polygon(corners_of(polygon), fill=number)
        if shape.runs:
            canvas.paste(number, mask=_of_runs(shape, canvas.size))
    return np.array(canvas)


def _of_runs(shape: Shape, size: tuple[int, int]) -> Image:
    """Where a shape is, 255 there and 0 elsewhere."""
    import numpy as np
    from PIL import Image

    runs = np.frombuffer(shape.runs, dtype=np.uint32)
    inside = np.repeat((np.arange(len(runs)) % 2 * 255).astype(np.uint8), runs)
    return Image.fromarray(np.ascontiguousarray(inside.reshape(size[0], size[1]).T))
