"""Image files, pictures and arrays to RGB: whatever is wrong with one becomes a reason, never a crash."""

from __future__ import annotations

import io
import os
import stat
import threading
import warnings
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from zoo.answers import Rejected
from zoo.errors import ZooError
from zoo.file_cache import media_fact, open_media
from zoo.kinds.image_depth import WIDE_MODES, deepen, is_cut, narrowed, note_stated_maximum
from zoo.signatures import GIT_LFS, HEAD_BYTES, signature_of

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile


class StoredSize(NamedTuple):
    """Of a picture, in pixels as stored."""

    width: int
    height: int
    orientation: int
    """EXIF 2.32, tag 274: how it is turned before it is shown; 1 for not at all."""

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height of the picture as it is shown."""
        return (self.height, self.width) if self.orientation in _SIDEWAYS else (self.width, self.height)


FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""What Pillow may read; its other formats are rare, and some of them start programs (EPS runs Ghostscript)."""
MAX_PIXELS = 2**27
"""Largest image decoded: 400 MB as RGB, more than any camera makes. A small file can claim far more (a bomb)."""
_ORIENTATION_TAG = 0x0112
_SIDEWAYS = range(5, 9)
"""EXIF orientations that exchange width and height."""
_ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")
_opening = threading.Lock()
Source = TypeVar("Source")


def read_image(source: Any) -> Image | Rejected:
    """Decode an image as a person sees it: turned upright, in RGB, over white where it is transparent.

    More than 8 bits are scaled to 8, by the depth that the file states (sBIT of a PNG) or else by the smallest of 8,
    10, 12, 14 and 16 bits that holds the largest sample: a file of 16 bits that states nothing and is dark becomes
    brighter. Of an animation the first frame is taken; CMYK and palettes are converted.

    Args:
        source: path of a file, a PIL image, or an array of uint8, shape (height, width), (height, width, 1),
            (height, width, 3) or (height, width, 4), red first.

    Returns:
        A PIL image of mode RGB, or the reason why there is none.

    Raises:
        DatasetInvalid: in a run whose data name the file, which has changed since the run was asked for.
    """
    decoded = decode(source)
    return decoded if isinstance(decoded, Rejected) else _guarded(as_rgb, decoded)


def decode(source: Any) -> Image | Rejected:
    """Read all pixels, in the mode of the source and not yet turned upright; `read_image` says what it may be."""
    from PIL.Image import Image

    if isinstance(source, str | os.PathLike):
        return _guarded(_from_file, Path(os.fspath(source)))
    if isinstance(source, Image):
        return _guarded(_loaded, source)
    if hasattr(source, "__array__") or hasattr(source, "__array_interface__"):
        return _from_array(source)
    return Rejected(f"the input is {type(source).__name__}, not a path, a PIL image or an array of uint8")


class PlainJpeg(NamedTuple):
    """A JPEG file that any decoder makes the same picture of, but for rounding."""

    source: Any
    """Its path."""
    content: bytearray
    width: int
    """In pixels as stored."""
    height: int
    orientation: int
    """EXIF 2.32, tag 274; 1 for not turned."""


def plain_jpeg(source: Any) -> PlainJpeg | None:
    """A file that holds three colours as most cameras store them, and is whole; None for everything else.

    Raises:
        DatasetInvalid: as `read_image`.
    """
    if not isinstance(source, str | os.PathLike):
        return None
    jpeg = _guarded(_plain_jpeg, Path(os.fspath(source)))
    return jpeg if isinstance(jpeg, PlainJpeg) else None  # whoever decodes it says what is wrong


def _plain_jpeg(path: Path) -> PlainJpeg | None:
    with open_media(str(path)) as file:
        content = bytearray(file.read())
    if not (content.startswith(b"\xff\xd8\xff") and content.rstrip(b"\0").endswith(b"\xff\xd9")):
        return None
    image = _opened(io.BytesIO(content))
    width, height = image.size
    is_plain = image.format == "JPEG" and image.mode == "RGB" and image.info.get("adobe_transform", 1) == 1
    if not is_plain or not width or not height or width * height > MAX_PIXELS:
        return None
    return PlainJpeg(path, content, width, height, _orientation(image))


def decode_bytes(content: bytes) -> Image | Rejected:
    """The same for a file's content."""
    return _guarded(lambda content: _loaded(_opened(io.BytesIO(content))), content)


def shown_size(path: Path) -> tuple[int, int] | Rejected:
    """Width and height of an image as a viewer shows it, from the header of its file alone."""
    size = stored_size(path)
    return size if isinstance(size, Rejected) else size.shown


def stored_size(path: Path) -> StoredSize | Rejected:
    """Size and orientation of an image, from the header of its file alone; or why there is none."""
    return cast("StoredSize | Rejected", media_fact(str(path), "size", StoredSize, _size_of))


def _size_of(path: str) -> StoredSize | Rejected:
    return cast("StoredSize | Rejected", _guarded(_stored_size, Path(path)))


def known_size(picture: Any) -> StoredSize | None:
    """The size of a picture that a row names; None where whoever decodes it will say what is wrong."""
    if not isinstance(picture, str):
        return None
    size = stored_size(Path(picture))
    return None if isinstance(size, Rejected) else size


def _stored_size(path: Path) -> StoredSize:
    with open_media(str(path)) as file:
        image = _opened(file)
        return StoredSize(*image.size, _orientation(image))


def as_rgb(image: Image) -> Image:
    """The picture a viewer shows: upright, opaque, 8 bits of red, green and blue."""
    image = _upright(image)
    if image.mode in WIDE_MODES:
        image = narrowed(image)
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        return _over_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _guarded(decode: Any, source: Source) -> Image | Rejected:
    """Pillow's readers raise nearly anything on damaged files; all of it means that the image cannot be used."""
    from PIL import UnidentifiedImageError

    try:
        return cast("Image | Rejected", decode(source))
    except ZooError:
        raise
    except UnidentifiedImageError:
        return Rejected(_unidentified(source))
    except MemoryError:
        return Rejected("there is not enough memory to decode it")
    except OSError as error:
        return Rejected(error.strerror or f"it cannot be decoded: {_message_of(error)}")
    except Exception as error:
        return Rejected(f"it cannot be decoded: {_message_of(error)}")


def _from_file(path: Path) -> Image | Rejected:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return Rejected("it is a folder, not a file" if stat.S_ISDIR(status.st_mode) else "it is no ordinary file")
    if status.st_size == 0:
        return Rejected("it is empty (0 bytes)")
    from PIL import Image

    with open_media(str(path)) as file:
        try:
            image = _opened(file)
        except Image.DecompressionBombError as error:
            return Rejected(f"it is too large: {_message_of(error)}")
        note_stated_maximum(image, file)
        cut = is_cut(image)
        loaded = _loaded(image)
        if cut and not isinstance(loaded, Rejected):
            deepen(loaded, lambda: _opened(file))
        return loaded


def _opened(file: IO[bytes]) -> ImageFile:
    from PIL import Image

    file.seek(0)
    # Pillow warns of large images, through filters that threads share; the limit here is checked by ourselves.
    with _opening, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(file, formats=_formats())


@cache
def _formats() -> tuple[str, ...]:
    """Those of `FORMATS` that this build of Pillow has."""
    from PIL import Image

    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _loaded(image: Image) -> Image | Rejected:
    width, height = image.size
    if not width or not height:
        return Rejected(f"it has no pixels: {width} x {height}")
    if width * height > MAX_PIXELS:
        return Rejected(f"it is too large: {width:,} x {height:,} pixels, more than {MAX_PIXELS:,} in all")
    image.load()
    return image


def _from_array(source: Any) -> Image | Rejected:
    import numpy as np
    from PIL import Image

    array = np.asarray(source)
    shape = array.shape
    if array.dtype != np.uint8:
        return Rejected(f"the array is of {array.dtype}, shape {shape}; it must be uint8, 0 to 255")
    if not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))):
        return Rejected(f"the array has shape {shape}; it must be (height, width) or (height, width, 1, 3 or 4)")
    if not array.size:
        return Rejected(f"the array has no pixels: shape {shape}")
    if len(shape) == 3 and shape[2] == 1:
        array = array[:, :, 0]
    return Image.fromarray(np.ascontiguousarray(array))


def _upright(image: Image) -> Image:
    """Turn as the camera says."""
    return turned(image, _orientation(image))


def _orientation(image: Image) -> int:
    """As the camera says (EXIF 2.32, tag 274)."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # the notes of the camera are damaged, the picture is not: it is taken as it stands
        return 1


def turned(image: Image, orientation: int) -> Image:
    """An image turned and mirrored as an EXIF orientation says; one that is not defined leaves it as it is."""
    from PIL.Image import Transpose

    turn = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)
    return image if turn is None else image.transpose(turn)


def _over_white(image: Image) -> Image:
    from PIL import Image

    colours = image.convert("RGBA")
    paper = Image.new("RGBA", colours.size, "white")
    return Image.alpha_composite(paper, colours).convert("RGB")


def _unidentified(source: Any) -> str:
    """How a file begins that is no image, for a person to recognise what it is instead."""
    if isinstance(source, bytes):
        head = source[:HEAD_BYTES]
    else:
        with Path(source).open("rb") as file:
            head = file.read(HEAD_BYTES)
    if signature_of(head) is GIT_LFS:
        return f"it is {GIT_LFS.kind}; {GIT_LFS.advice}"
    return f"it is no image that can be read here, or is damaged (the file begins with {head[:8]!r})"


def _message_of(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
