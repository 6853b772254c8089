"""Masks: a class for each pixel of a picture.

A cell is the path of a picture whose values are classes (modes P, L, 1, RGB, 16 bits of grey), or a list of polygons
and run lengths, see `zoo/kinds/mask_shapes.py`. Which value is which class says a file classes.json, else the values
do, see `zoo/kinds/mask_classes.py`. An empty cell is none: nobody has looked.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.blocks import Mask, PictureBlock
from zoo.encoding import encode_json
from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.file_cache import media_sha256
from zoo.kinds import files
from zoo.kinds.kind import Unusable, is_empty, noun_of
from zoo.kinds.mask_classes import (
    BACKGROUND,
    FILE_NAMES,
    FOREGROUND,
    IGNORED,
    ValueMap,
    classes_file,
    declared_map,
    proposed_map,
)
from zoo.kinds.mask_shapes import Drawing, Shape, read_shapes
from zoo.kinds.mask_values import MaskPixels, mask_pixels
from zoo.kinds.media_files import IMAGES
from zoo.kinds.strata import rarest_labels
from zoo.kinds.target_kind import TargetKind
from zoo.prefetch import prefetched

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.mask_decoding import Indexes
    from zoo.kinds.measure import TargetMeasure
    from zoo.kinds.samples import SampleSet

_SHOWN_SIDE = 1024
"""Pixels of the longer side of a mask that is shown."""
_AHEAD = 8
"""Masks per thread that are counted ahead of their use."""


class PixelClass(msgspec.Struct, frozen=True):
    """A class that a mask has pixels of."""

    label: str
    value: int
    """Of these pixels: grey, index of a palette, or 0xRRGGBB where the mask is `coloured`; -1 for what is drawn."""
    pixels: int
    """How many there are."""


class LabelMask(msgspec.Struct, frozen=True):
    """Where the classes of the pixels of one picture are kept, and how to read them; see `zoo.read_mask`."""

    classes: tuple[PixelClass, ...]
    """Those that occur; any other pixel is ignored."""
    width: int = 0
    """In pixels, as the mask is stored; 0 where that is not known."""
    height: int = 0
    path: str = ""
    """Absolute one of a file; empty for a mask that is drawn."""
    mode: str = ""
    """Pillow's name of that of the file."""
    coloured: bool = False
    """Whether the values are colours."""
    orientation: int = 1
    """By which the mask must be turned as its picture is (EXIF 2.32, tag 274); 1 where it need not be."""
    shapes: tuple[Shape, ...] = ()
    """Of a mask that is drawn, the largest first; the rest is background."""

    def indexes(self, labels: Sequence[str], size: tuple[int, int] | None = None) -> Indexes | None:
        """As `zoo.read_mask`; None where the file cannot be read any more."""
        from zoo.answers import Rejected
        from zoo.kinds.mask_decoding import read_mask

        indexes = read_mask(self, labels, size)
        return None if isinstance(indexes, Rejected) else indexes


class MaskKind(TargetKind):
    """A class for each pixel.

    Args:
        base: the folder that relative paths start from; None for the working directory.
        values: what the values of the masks mean; None where each mask is to say it itself.
        classes: the file that says it, whatever stands beside the masks; None where no file was named.
    """

    name = "mask"
    columns = ("mask", "masks", "mask_path", "mask_file", "mask_name", "segmentation", "label_mask", "annotation")
    fewest_labels = 1
    exact = False
    from_files = True
    needs_all_cells = True
    has_named_values = True

    def __init__(self, base: Path | None = None, values: ValueMap | None = None, classes: Path | None = None) -> None:
        self._base, self._values, self._classes = base, values, classes

    def named_by(self, classes: str) -> MaskKind:
        """The same, the values named by a file."""
        return MaskKind(self._base, self._values, Path(classes).expanduser().absolute()) if classes else self

    def read(self, value: Any, column: str) -> LabelMask | None:
        """The mask a cell names or draws."""
        if is_empty(value):
            return None
        if not _is_path(value):
            return _drawn(read_shapes(value, column))
        path = files.find(value, self._base or Path.cwd())
        try:
            pixels = mask_pixels(path)
            return _stored(path, pixels, self._values or _proposed([(path, pixels)]))
        except Unusable as unusable:
            raise Unusable(f"{value.strip()}: {unusable}") from None

    def adapted_to(self, cells: Sequence[Any], base: Path | None = None, inputs: Iterable[Any] = ()) -> MaskKind:
        """With a map of the values that the masks have, or that a file beside them says."""
        paths = [cell for cell in cells if isinstance(cell, str) and _is_path(cell)]
        if self._classes and cells and not paths:
            raise OptionInvalid(
                f"--classes {self._classes} names values of masks, and these are drawn, each shape with its label",
                "leave it out",
            )
        counted = list(_counted(paths, base or Path.cwd()))
        declared = self._classes or (classes_file(Path(counted[0][0])) if counted else None)
        if declared:
            coloured = _coloured([pixels for _, pixels in counted])
            values = {value for _, pixels in counted for value in _counts(pixels, coloured)}
            return MaskKind(base, declared_map(declared, values, coloured), self._classes)
        try:
            return MaskKind(base, self._values or (_proposed(counted) if counted else None))
        except Unusable as unusable:
            folder = Path(counted[0][0]).parent
            raise DatasetInvalid(
                f"{folder}: {unusable}", f"or say which value is which class, in {folder / FILE_NAMES[0]}"
            ) from None

    def beside(self, training: TargetKind) -> TargetKind:
        """With the map of the training data, unless a file says another: values may be rare."""
        return training

    def reading_note(self, column: str) -> str:
        """Which value is which class."""
        return self._values.note if self._values else ""

    def of_answer(self, target: tuple[Sequence[str], bytes]) -> LabelMask:
        """A mask that is drawn, from labels and the mask of their indexes."""
        from zoo.kinds.mask_decoding import drawing_of_png

        labels, png = target
        return _drawn(drawing_of_png(png, labels))

    def fitted_to(self, target: LabelMask, value: Any) -> LabelMask:
        """The mask as it lies on its picture: turned as the picture is, if need be."""
        from zoo.kinds.mask_fitting import fitted

        return fitted(target, value)

    def on_picture(self, picture: str, target: LabelMask | None) -> PictureBlock | None:
        """The mask, no larger than a screen; none where it cannot be read."""
        from zoo.answers import Rejected
        from zoo.kinds.image_decoding import shown_size
        from zoo.kinds.mask_decoding import png_of_indexes, read_mask

        size = shown_size(Path(picture))
        if target is None or isinstance(size, Rejected):
            return None
        scale = min(1.0, _SHOWN_SIDE / max(size))
        width, height = (max(1, round(length * scale)) for length in size)
        labels = self.labels_of(target)
        indexes = read_mask(target, labels, (width, height))
        if isinstance(indexes, Rejected):
            return None
        return Mask(image=picture, width=width, height=height, labels=labels, mask=png_of_indexes(indexes))

    def labels_of(self, target: LabelMask) -> tuple[str, ...]:
        """The classes that occur."""
        return tuple(dict.fromkeys(one.label for one in target.classes))

    def renamed(self, target: LabelMask, names: Mapping[str, str]) -> LabelMask:
        """With the other names."""
        classes = (msgspec.structs.replace(one, label=names.get(one.label, one.label)) for one in target.classes)
        shapes = (msgspec.structs.replace(one, label=names.get(one.label, one.label)) for one in target.shapes)
        return msgspec.structs.replace(target, classes=tuple(classes), shapes=tuple(shapes))

    def written(self, target: LabelMask) -> str:
        """The path of its file, or the classes that are drawn."""
        return target.path or encode_json({one.label: one.pixels for one in target.classes}).decode()

    def digest(self, target: LabelMask) -> bytes:
        """That of the bytes of its file, and of what its values mean."""
        sha256 = media_sha256(target.path) if target.path else ""
        return sha256.encode() + encode_json((target.classes, target.shapes))

    def nothing_to_learn(self, targets: Sequence[Any]) -> str:
        """The same class everywhere."""
        labels = {one.label for target in targets for one in target.classes}
        if len(labels) > 1:
            return ""
        return f"every pixel of every mask is {next(iter(labels))}" if labels else "no mask has any class"

    def sample_rows(self, inputs: SampleSet) -> list[tuple[Any, Any]]:
        """The pixels of shapes."""
        return [
            (value, [{"label": label, "segmentation": [[*chain(*corners)]]} for label, corners in parts])
            for value, parts in inputs.parts()
        ]

    def strata(self, targets: Sequence[Any]) -> list[Hashable]:
        """By the rarest class of each, so that pictures are held out of all classes."""
        return list(rarest_labels([self._labels(target) for target in targets]))

    def likeness(self, cells: list[Any]) -> float:
        """4 for names of picture files and for lists of shapes, more than the 3 of boxes; else 0."""
        return 4.0 if cells and all(map(_may_be_mask, cells)) else 0.0

    def measure(self, limits: ModelLimits) -> TargetMeasure:
        """Classes, their pixels, sizes and modes."""
        from zoo.kinds.mask_report import MaskMeasure

        return MaskMeasure()

    def facts(self, part: Part) -> Iterator[tuple[str, str]]:
        """Classes, their pixels, sizes and modes."""
        from zoo.kinds import mask_report

        return mask_report.facts(part)

    def findings(self, inspection: Inspection) -> Iterator[Finding]:
        """Classes that only one part has, or that are rare."""
        from zoo.kinds import mask_report

        return mask_report.findings(inspection)

    def _labels(self, target: LabelMask | None) -> tuple[str, ...]:
        return () if target is None else self.labels_of(target)


MASK = MaskKind()


def _is_path(value: Any) -> bool:
    """Whether a cell names a file; else it may be shapes.

    Raises:
        Unusable: it is neither.
    """
    if isinstance(value, str):
        return value.lstrip()[:1] not in ("[", "{")
    if not isinstance(value, list | tuple | dict):
        raise Unusable(f"it is {noun_of(value)}, not the path of a mask or a list of shapes")
    return False


def _may_be_mask(cell: Any) -> bool:
    """Whether a cell looks like one."""
    if isinstance(cell, str) and cell.lstrip()[:1] not in ("[", "{"):
        return os.path.splitext(cell.strip())[1].lower() in IMAGES  # noqa: PTH122 (of many cells)
    try:
        return bool(read_shapes(cell, "").shapes)
    except Unusable:
        return False


def _counted(cells: Sequence[str], base: Path) -> Iterator[tuple[str, MaskPixels]]:
    """What the masks hold that can be read; the others are told of row by row."""
    threads = os.cpu_count() or 1

    def count(cell: str) -> tuple[str, MaskPixels | None]:
        try:
            path = files.find(cell, base)
            return path, mask_pixels(path)
        except Unusable:
            return "", None

    for path, pixels in prefetched(count, cells, threads=threads, ahead=_AHEAD * threads):
        if pixels:
            yield path, pixels


def _coloured(masks: Sequence[MaskPixels]) -> bool:
    """Whether values are to be taken as colours: any mask has some, or the palettes differ in what is used."""
    if any(pixels.coloured for pixels in masks):
        return True
    colours: dict[int, int] = {}
    return any(
        colours.setdefault(value, pixels.palette[value]) != pixels.palette[value]
        for pixels in masks
        for value in pixels.counts
        if value in pixels.palette
    )


def _proposed(masks: Sequence[tuple[str, MaskPixels]]) -> ValueMap:
    coloured = _coloured([pixels for _, pixels in masks])
    counts = [_counts(pixels, coloured) for _, pixels in masks]
    return proposed_map(counts, coloured, _foreground([path for path, _ in masks]))


def _counts(pixels: MaskPixels, coloured: bool) -> dict[int, int]:
    return pixels.as_colours() if coloured else pixels.counts


def _foreground(paths: Sequence[str]) -> str:
    """What is not background, by the folder that all masks stand in: masks/membrane, membrane_masks."""
    parents = {os.path.dirname(path) for path in paths}  # noqa: PTH120 (of many paths)
    if len(parents) != 1:
        return FOREGROUND
    folder = Path(parents.pop())
    name = folder.name.lower()
    stem = name.removesuffix("_masks").removesuffix("_mask").removeprefix("masks_").removeprefix("mask_")
    if stem in _NO_CLASSES or (stem == name and folder.parent.name.lower() not in ("mask", "masks")):
        return FOREGROUND
    return stem


_NO_CLASSES = ("", "train", "training", "val", "valid", "validation", "test", "eval", "all", "data", "images", "png")


def _stored(path: str, pixels: MaskPixels, values: ValueMap) -> LabelMask:
    """The mask of a file.

    Raises:
        Unusable: it has a value that is no class.
    """
    counts = _counts(pixels, values.coloured)
    unknown = {value: count for value, count in counts.items() if value not in values.names}
    for value in values.ignored:
        unknown.pop(value, None)
    if unknown:
        wrong = ", ".join(f"{values.written(value)} ({count:,})" for value, count in list(unknown.items())[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        fault = f"values that are no class, and their pixels: {wrong}{more}; classes are {values.classes()}"
        if list(unknown) == [IGNORED] and 1 in values.names and 1 not in counts:
            fault += f"; if 255 is {values.names[1]}, write 255 in place of 1 in {values.file_name}"
        raise Unusable(fault)
    classes = tuple(PixelClass(values.names[value], value, n) for value, n in counts.items() if value in values.names)
    return LabelMask(classes, pixels.width, pixels.height, path, pixels.mode, values.coloured)


def _drawn(drawing: Drawing) -> LabelMask:
    """The mask of shapes; pixels are counted as if no shape lay on another."""
    areas: Counter[str] = Counter()
    for shape in drawing.shapes:
        if not shape.ignored:
            areas[shape.label] += round(shape.area)
    if (rest := drawing.width * drawing.height - sum(areas.values())) > 0:
        areas[BACKGROUND] += rest
    classes = tuple(PixelClass(label, -1, pixels) for label, pixels in areas.items())
    return LabelMask(classes, drawing.width, drawing.height, shapes=drawing.shapes)
