"""Images: a cell names a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from zoo.kinds import files
from zoo.kinds.image_files import EXTENSIONS, walk
from zoo.kinds.kind import InputKind


class ImageKind(InputKind):
    """An image in a file."""

    name = "image"
    columns = ("file_name", "image", "path", "file", "filename", "image_path", "file_path", "filepath", "img")
    from_files = True
    singular = "an image"
    cell = "the path of an image"
    example = "some.jpg"
    example_data = "photos/"
    data_advice = "a table of images, or a folder with a folder for each class"

    def parse(self, text: str, column: str, base: Path) -> str:
        """The absolute path of the file."""
        return files.find(text, base)

    def digests(self, inputs: Iterable[str]) -> list[str]:
        """The sha256 of each file."""
        return files.digests(inputs)

    def expand(self, words: Iterable[str]) -> list[str]:
        """Folders and patterns give their images by name."""
        advice = "name image files, folders of them, or patterns such as 'photos/*.jpg'"
        return files.expand(words, walk, f"a folder without {self}s", advice)

    def is_named_by(self, path: Path) -> bool:
        """By its extension."""
        return path.suffix.lower() in EXTENSIONS


IMAGE = ImageKind()
