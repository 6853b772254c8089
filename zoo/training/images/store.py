"""The images of a run, decoded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PIL import Image

from zoo.answers import Rejected
from zoo.kinds.image_decoding import read_image
from zoo.training.media_store import EVENT_S, THREADS, Decoded, MediaRoom, MediaStore

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun

__all__ = ["EVENT_S", "THREADS", "ImageStore"]


class ImageStore(MediaStore[Image.Image]):
    """Pictures in RGB, three bytes a pixel.

    Args:
        run: as for any store.
        prepare: makes an image as small as training needs it; always to the same pixels.
        room: likewise.
    """

    def __init__(
        self, run: TrainingRun, *, prepare: Callable[[Image.Image], Image.Image], room: MediaRoom | None = None
    ) -> None:
        super().__init__(run, room=room)
        self._prepare = prepare

    def decode(self, path: str) -> Decoded | Rejected:
        """Prepared."""
        image = read_image(path)
        if isinstance(image, Rejected):
            return image
        prepared = self._prepare(image)
        return Decoded(prepared.tobytes(), prepared.size, image.size)

    def restored(self, content: bytes, shape: tuple[int, ...]) -> Image.Image:
        """The picture."""
        return Image.frombuffer("RGB", (shape[0], shape[1]), content, "raw", "RGB", 0, 1)

    def original_size(self, number: int) -> tuple[int, int]:
        """Width and height of an image as it is shown, before it was prepared."""
        width, height = self.original_shape(number)
        return width, height
