"""What an inspection measures of images."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from zoo.answers import Rejected
from zoo.file_cache import media_fact
from zoo.kinds.facts import ImageFacts, ModelLimits, Size
from zoo.kinds.files import sha256_of
from zoo.kinds.image_decoding import decode
from zoo.kinds.measure import Measurement
from zoo.kinds.media_files import IMAGES, other_files

if TYPE_CHECKING:
    from zoo.data.report import Part


class _Decoded(NamedTuple):
    size: Size
    mode: str
    format: str


def _decoded(path: str) -> _Decoded | Rejected:
    image = decode(path)
    if isinstance(image, Rejected):
        return image
    return _Decoded(Size(*image.size), image.mode, image.format or "unknown")


class ImageMeasure:
    """Sizes, modes and formats of images, each of them decoded to its last pixel."""

    threads = True

    def __init__(self, base: Path, limits: ModelLimits) -> None:
        self._base = base
        self._shorter_side = limits.shorter_side
        self._sizes: Counter[Size] = Counter()
        self._modes: Counter[str] = Counter()
        self._formats: Counter[str] = Counter()

    def cell(self, row: int, value: str) -> None:
        """The name of a file says nothing about it."""

    def look(self, value: str) -> Measurement | Rejected:
        """Images are the same where their files are, byte by byte."""
        name = str(Path(value).relative_to(self._base)) if Path(value).is_relative_to(self._base) else value
        decoded = media_fact(value, "image", _Decoded, _decoded)
        if isinstance(decoded, Rejected):
            return Rejected(f"{name}: {decoded.reason}")
        return Measurement(bytes.fromhex(sha256_of(value)), name, decoded)

    def add(self, decoded: _Decoded) -> None:
        """Count it."""
        self._sizes[decoded.size] += 1
        self._modes[decoded.mode] += 1
        self._formats[decoded.format] += 1

    def complete(self, part: Part) -> Part:
        """With what was counted."""
        if not self._sizes:
            return part
        ordered = sorted(self._sizes, key=lambda size: (size.width * size.height, size.width))
        facts = ImageFacts(
            smallest=ordered[0],
            median=self._median(ordered),
            largest=ordered[-1],
            sizes=len(ordered),
            modes=dict(self._modes.most_common()),
            formats=dict(self._formats.most_common()),
            shorter_side=self._shorter_side or None,
            enlarged=sum(n for size, n in self._sizes.items() if min(size.width, size.height) < self._shorter_side),
            other_files=other_files(Path(part.path), IMAGES) if Path(part.path).is_dir() else {},
        )
        return msgspec.structs.replace(part, images=facts)

    def _median(self, ordered: list[Size]) -> Size:
        """By area: the lower of the two in the middle."""
        middle, cumulative = (sum(self._sizes.values()) + 1) // 2, 0
        for size in ordered:
            cumulative += self._sizes[size]
            if cumulative >= middle:
                break
        return size
