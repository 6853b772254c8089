"""What an inspection looks at in the inputs, one class per kind of input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from zoo.data.characters import has_control, has_mojibake, has_replacement
from zoo.data.lengths import LengthMeter
from zoo.data.report import ImageFacts, Marks, Part, Size
from zoo.data.splitting import text_key
from zoo.kinds import TEXT, InputKind
from zoo.prediction import Rejected


class Look(NamedTuple):
    """What was seen of one input."""

    key: bytes
    """The same for the same input."""
    name: str
    """What a person knows it by, beside its row: a file's name."""
    seen: Any
    """For `Measure.add`."""


class Measure(Protocol):
    """Looks at the inputs of one part of a data set."""

    threads: bool
    """Whether `look` takes so long that it is called in several threads at once."""

    def cell(self, row: int, value: str) -> None:
        """Take note of a cell as it stands in the file, usable or not."""

    def look(self, value: str) -> Look | Rejected:
        """Look at one usable input; changes nothing."""
        ...

    def add(self, seen: Any) -> None:
        """Take what was seen into account, in order."""

    def complete(self, part: Part) -> Part:
        """The part with what was found."""
        ...


def measure_of(
    kind: InputKind, base: Path, *, tokenizer: Path | None = None, max_tokens: int | None = None, shorter_side: int = 0
) -> Measure:
    """A measure of nothing yet.

    Args:
        kind: of the inputs.
        base: the folder that files are named from.
        tokenizer: a `tokenizer.json`, of a text model.
        max_tokens: most tokens of an input that a text model reads.
        shorter_side: of what an image model sees, in pixels; 0 where none is meant.
    """
    if kind is TEXT:
        return TextMeasure(LengthMeter(tokenizer, max_tokens))
    return ImageMeasure(base, shorter_side)


class TextMeasure:
    """Lengths, and marks of something having gone wrong with the characters."""

    threads = False

    def __init__(self, lengths: LengthMeter) -> None:
        self._lengths = lengths
        self._marks: dict[Callable[[str], bool], Marks] = {}

    def cell(self, row: int, value: str) -> None:
        """Look for marks."""
        for has_mark in (has_replacement, has_mojibake, has_control):
            if has_mark(value):
                before = self._marks.get(has_mark, Marks())
                self._marks[has_mark] = Marks(before.rows + 1, before.first_row or row)

    def look(self, value: str) -> Look | Rejected:
        """Texts are the same where they are, white space aside."""
        return Look(text_key(value), "", value)

    def add(self, seen: str) -> None:
        """Measure its length."""
        self._lengths.add(seen)

    def complete(self, part: Part) -> Part:
        """With the marks and the lengths."""
        encoding = msgspec.structs.replace(
            part.encoding,
            replacement_characters=self._marks.get(has_replacement, Marks()),
            mojibake=self._marks.get(has_mojibake, Marks()),
            control_characters=self._marks.get(has_control, Marks()),
        )
        return msgspec.structs.replace(part, encoding=encoding, lengths=self._lengths.result())


class _Decoded(NamedTuple):
    size: Size
    mode: str
    format: str


class ImageMeasure:
    """Sizes, modes and formats of images, each of them decoded to its last pixel."""

    threads = True

    def __init__(self, base: Path, shorter_side: int) -> None:
        self._base = base
        self._shorter_side = shorter_side
        self._sizes: Counter[Size] = Counter()
        self._modes: Counter[str] = Counter()
        self._formats: Counter[str] = Counter()

    def cell(self, row: int, value: str) -> None:
        """The name of a file tells nothing."""

    def look(self, value: str) -> Look | Rejected:
        """Images are the same where their files are, byte by byte."""
        from zoo.kinds.files import sha256_of
        from zoo.kinds.image_decoding import decode

        name = str(Path(value).relative_to(self._base)) if Path(value).is_relative_to(self._base) else value
        image = decode(value)
        if isinstance(image, Rejected):
            return Rejected(f"{name}: {image.reason}")
        return Look(
            bytes.fromhex(sha256_of(value)), name, _Decoded(Size(*image.size), image.mode, image.format or "unknown")
        )

    def add(self, seen: _Decoded) -> None:
        """Count it."""
        self._sizes[seen.size] += 1
        self._modes[seen.mode] += 1
        self._formats[seen.format] += 1

    def complete(self, part: Part) -> Part:
        """With what was counted."""
        from zoo.kinds.image_files import other_files

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
            other_files=other_files(Path(part.path)),
        )
        return msgspec.structs.replace(part, images=facts)

    def _median(self, ordered: list[Size]) -> Size:
        """By area: the lower of the two in the middle."""
        middle, passed = (sum(self._sizes.values()) + 1) // 2, 0
        for size in ordered:
            passed += self._sizes[size]
            if passed >= middle:
                break
        return size
