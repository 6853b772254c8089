"""Images decoded once and kept for all epochs: in memory up to a bound, then on disk up to another.

Whatever does not fit is decoded each time it is needed, to the same pixels: where an image is kept changes nothing but
time.
"""

from __future__ import annotations

import mmap
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, NamedTuple

from PIL import Image

from zoo.answers import Rejected
from zoo.errors import DatasetInvalid, RunCancelled
from zoo.kinds.image_decoding import read_image
from zoo.prefetch import prefetched
from zoo.runs.events import InputsPrepared

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun

THREADS = os.cpu_count() or 1
"""That decode images, or make batches of them."""
EVENT_S = 0.5
"""Least time between two events."""


class _DecodedImage(NamedTuple):
    image: Image.Image
    """Prepared."""
    size: tuple[int, int]
    """Width and height before that."""


@dataclass(frozen=True, slots=True)
class _StoredImage:
    """One image, and where its pixels are; neither in memory nor on disk means to decode it again."""

    path: str
    size: tuple[int, int]
    original_size: tuple[int, int]
    pixels: bytes | None = None
    offset: int | None = None
    """In the file on disk."""


class ImageStore:
    """The images of a run, by number.

    Args:
        run: gets the progress of decoding as events; its scratch folder holds what is kept on disk.
        prepare: makes an image as small as training needs it; always to the same pixels.
        memory_bytes: most pixels kept in memory, three bytes each.
        disk_bytes: most kept on disk beyond that; half of what is free at most.
    """

    def __init__(
        self, run: TrainingRun, *, prepare: Callable[[Image.Image], Image.Image], memory_bytes: int, disk_bytes: int
    ) -> None:
        self._run = run
        self._prepare = prepare
        self._memory_limit = memory_bytes
        self._disk_limit = min(disk_bytes, shutil.disk_usage(run.folder).free // 2)
        self._memory = self._disk = self._unkept = 0
        self._images: list[_StoredImage] = []
        self._file: IO[bytes] | None = None
        self._map: mmap.mmap | None = None
        self._reported_at = 0.0

    def add(self, paths: Sequence[str]) -> list[int | Rejected]:
        """Decode images in parallel; each gets its number, or the reason why it cannot be used.

        Raises:
            RunCancelled: someone asked the run to stop.
        """
        before: int = len(self._images)
        numbers: list[int | Rejected] = []
        decoded = prefetched(self._decode, paths, threads=THREADS, ahead=4 * THREADS)
        try:
            for path, image in zip(paths, decoded, strict=True):
                numbers.append(image if isinstance(image, Rejected) else self._keep(path, image))
                self._report_progress(before + len(numbers), before + len(paths))
                # Processes of one run vote on stopping later; here each is on its own.
                if self._run.world_size == 1 and self._run.should_stop():
                    raise RunCancelled("stopped while decoding")
        finally:
            self._close_file()
        return numbers

    def __getitem__(self, number: int) -> Image.Image:
        """The image, RGB, prepared; safe to call from several threads.

        Raises:
            DatasetInvalid: it had to be decoded again, and its file has changed.
        """
        stored = self._images[number]
        if stored.pixels is not None:
            return _image(stored.size, stored.pixels)
        if stored.offset is not None and self._map is not None:
            return _image(stored.size, self._map[stored.offset : stored.offset + _length(stored.size)])
        again = self._decode(stored.path)
        if isinstance(again, Rejected) or again.image.size != stored.size:
            reason = again.reason if isinstance(again, Rejected) else "it is another image"
            raise DatasetInvalid(
                f"{stored.path} has changed while the run used it: {reason}", "leave the data as it is"
            )
        return again.image

    def original_size(self, number: int) -> tuple[int, int]:
        """Width and height of an image as it is shown, before it was prepared."""
        return self._images[number].original_size

    def _decode(self, path: str) -> _DecodedImage | Rejected:
        image = read_image(path)
        return image if isinstance(image, Rejected) else _DecodedImage(self._prepare(image), image.size)

    def _keep(self, path: str, decoded: _DecodedImage) -> int:
        image, original_size = decoded
        length = _length(image.size)
        stored = _StoredImage(path, image.size, original_size)
        if self._memory + length <= self._memory_limit:
            self._memory += length
            stored = _StoredImage(path, image.size, original_size, pixels=image.tobytes())
        elif self._disk + length <= self._disk_limit and self._write(image.tobytes()):
            stored = _StoredImage(path, image.size, original_size, offset=self._disk)
            self._disk += length
        else:
            self._unkept += 1
        self._images.append(stored)
        return len(self._images) - 1

    def _write(self, pixels: bytes) -> bool:
        """Append to the file; a disk that is full is not used any more."""
        try:
            if self._file is None:
                self._run.scratch_folder.mkdir(parents=True, exist_ok=True)
                path = self._run.scratch_folder / f"images-{self._run.rank}.bin"
                self._file = path.open("r+b" if self._disk else "w+b")
            self._file.seek(self._disk)
            self._file.write(pixels)
        except OSError as error:
            self._disk_limit = self._disk
            self._run.warn(f"no more images are kept on disk: {error.strerror or error}")
            return False
        return True

    def _close_file(self) -> None:
        """What was written is read through memory from here on."""
        if self._file is None:
            return
        with self._file as file:
            self._file = None
            file.flush()
            if self._disk:
                self._map = mmap.mmap(file.fileno(), self._disk, access=mmap.ACCESS_READ)

    def _report_progress(self, decoded: int, total: int) -> None:
        if decoded < total and time.monotonic() - self._reported_at < EVENT_S:
            return
        self._reported_at = time.monotonic()
        self._run.emit(
            InputsPrepared(
                done=decoded,
                total=total,
                decoded_again=self._unkept,
                memory_bytes=self._memory,
                memory_limit_bytes=self._memory_limit,
                disk_bytes=self._disk,
                disk_limit_bytes=self._disk_limit,
            )
        )


def _length(size: tuple[int, int]) -> int:
    return 3 * size[0] * size[1]


def _image(size: tuple[int, int], pixels: bytes) -> Image.Image:
    return Image.frombuffer("RGB", size, pixels, "raw", "RGB", 0, 1)
