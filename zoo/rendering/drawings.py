"""Answers drawn on their pictures, as files in a folder of their own.

| an answer with | gives |
|---|---|
| boxes | `FOLDER/NAME`: the picture with them |
| a mask | `FOLDER/overlays/NAME`: the picture under its labels; `FOLDER/masks/STEM.png`: the labels as a palette PNG |

The names are those of the pictures below the folder that all of them come from; a picture from elsewhere has a digest
of its path behind its name. What is no JPEG is written as PNG. `masks/classes.json` has the label of each value.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.answers import Prediction, Rejected
from zoo.atomic import write_bytes
from zoo.blocks import Boxes, Mask
from zoo.disk import cause_of, check_takes_files, existing, file_in_the_way
from zoo.encoding import encode_json, is_encodable
from zoo.errors import OptionInvalid, StoreInvalid
from zoo.plurals import counted, with_article
from zoo.rendering.pictures import label_palette, mark, mask_indexes, read_picture
from zoo.sanitize import one_line
from zoo.tasks.task import Task

if TYPE_CHECKING:
    from PIL.Image import Image

OVERLAYS, MASKS, CLASSES = "overlays", "masks", "classes.json"
FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}
QUALITY = 90
"""Of what is written as JPEG, of 100."""
SOURCE = "Source"
"""The text in a mask's file that names its picture; PNG's own word for it."""


def new_drawing_folder(path: str | os.PathLike[str], task: Task) -> Path:
    """The absolute path of a folder that answers of a task can be drawn into, and in which nothing can be overwritten.

    Raises:
        OptionInvalid: there is something in it, or such answers are not drawn.
    """
    if not isinstance(path, str | os.PathLike):
        raise OptionInvalid(
            f"--draw is {with_article(type(path).__name__)}, but takes the path of a folder", "name one"
        )
    if not task.answer.on_picture:
        raise OptionInvalid(f"answers of {task.name} are not drawn on pictures", "leave --draw out")
    folder = Path(path).expanduser().absolute()
    if not is_encodable(str(folder)):
        raise OptionInvalid(f"--draw {folder} is not UTF-8, so a run cannot remember it", "choose another name")
    if obstacle := file_in_the_way(folder):
        raise OptionInvalid(f"{obstacle} is a file, not a folder", "choose another --draw")
    if folder.is_dir() and any(folder.iterdir()):
        raise OptionInvalid(f"{folder} is not empty", "choose a new folder for --draw, or empty it")
    check_takes_files(existing(folder), "choose another --draw")
    return folder


def common_folder(paths: Sequence[str]) -> Path:
    """The deepest folder that all of some files are below; the current one where there are none."""
    folders = [Path(path).expanduser().absolute().parent for path in paths]
    try:
        return Path(os.path.commonpath(map(os.path.normpath, folders))) if folders else Path()
    except ValueError:  # on several drives of Windows
        return Path()


class DrawingFolder:
    """Where drawings go.

    Args:
        folder: made once something is drawn.
        data: the folder that the pictures come from, or a file in it that names them.
    """

    def __init__(self, folder: Path, data: Path) -> None:
        base = data if data.is_dir() else data.parent
        self.folder, self._base = folder, Path(os.path.normpath(base.expanduser().absolute()))
        self.drawn = 0
        """Pictures."""
        self._failed, self._first_failure = 0, ""

    def draw(self, source: str, answer: Prediction) -> None:
        """Draw an answer on its picture, if it has something to draw.

        Args:
            source: path of the picture.
            answer: what the model said of it.

        Raises:
            StoreInvalid: the files cannot be written.
        """
        marks = [block for block in answer.blocks(source) if isinstance(block, Boxes | Mask)]
        if not marks:
            return
        picture: Image | Rejected = read_picture(marks[0])
        for block in marks:
            picture = picture if isinstance(picture, Rejected) else mark(picture, block)
        if isinstance(picture, Rejected):
            self._failed += 1
            self._first_failure = self._first_failure or one_line(f"{source}: {picture.reason}")
            return
        try:
            self._write(picture, [block for block in marks if isinstance(block, Mask)], source)
        except OSError as error:
            raise StoreInvalid(cause_of(error, self.folder).reason, "choose another --draw") from error
        self.drawn += 1

    @property
    def warning(self) -> str:
        """What could not be drawn; empty where all could."""
        if not self._failed:
            return ""
        return f"{counted(self._failed, 'picture')} could not be drawn, the first: {self._first_failure}"

    def _write(self, picture: Image, masks: list[Mask], source: str) -> None:
        name = self._name(Path(source))
        for block in masks[:1]:
            self._write_mask(block, name, source)
        path = (self.folder / OVERLAYS if masks else self.folder) / name
        if path.suffix.lower() not in FORMATS:
            path = path.with_name(f"{path.name}.png")
        write_bytes(path, _file_of(picture, FORMATS[path.suffix.lower()]))

    def _name(self, source: Path) -> Path:
        """A name that no other picture has."""
        path = Path(os.path.normpath(source.expanduser().absolute()))
        if path.is_relative_to(self._base):
            return path.relative_to(self._base)
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
        return Path(f"{path.stem}-{digest}{path.suffix}")

    def _write_mask(self, block: Mask, name: Path, source: str) -> None:
        from PIL import Image, PngImagePlugin

        indexes = mask_indexes(block)
        assert not isinstance(indexes, Rejected), "it was drawn"
        palette = Image.frombytes("P", indexes.size, indexes.tobytes())
        palette.putpalette(label_palette(block.labels))
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt(SOURCE, os.fsencode(source).decode(errors="replace"))
        texts.add_itxt("Labels", encode_json(block.labels).decode())
        file = io.BytesIO()
        palette.save(file, "PNG", pnginfo=texts)
        folder = self.folder / MASKS
        path = (folder / name).with_suffix(".png")
        if path.exists() and _source_of(path) != source:  # a.jpg and a.png
            path = folder / f"{name}.png"
        write_bytes(path, file.getvalue())
        if not (folder / CLASSES).exists():
            names = {str(index): label for index, label in enumerate(block.labels)}
            write_bytes(folder / CLASSES, encode_json(names) + b"\n")


def _source_of(mask: Path) -> str:
    """The picture that a mask was written for."""
    from PIL import Image

    with Image.open(mask) as image:
        return str(image.info.get(SOURCE, ""))


def _file_of(image: Image, format: str) -> bytes:
    file = io.BytesIO()
    image.save(file, format, quality=QUALITY)
    return file.getvalue()
