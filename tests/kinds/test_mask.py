"""Masks are read from every usual way to write them; what their values mean is said, and what is none is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.answers import Rejected
from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.kinds import MASK, LabelMask, Unusable
from zoo.kinds.mask import MaskKind
from zoo.kinds.mask_decoding import read_mask
from zoo.rendering.pictures import label_shares

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")

HALVES = np.array([[0, 0, 1, 1]] * 3, dtype=np.uint8)
"""Class 0 on the left, 1 on the right, of a mask of 4 x 3 pixels."""


def write(path: Path, values: Any, mode: str = "L", palette: tuple[int, ...] = ()) -> str:
    """A mask of these values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.frombytes("P", values.shape[::-1], values.tobytes()) if mode == "P" else Image.fromarray(values)
    if mode == "P":
        image.putpalette(palette)
    (image if image.mode == mode else image.convert(mode)).save(path)
    return path.name


def adapted(folder: Path, *cells: str) -> MaskKind:
    return MASK.adapted_to(cells, folder)


def read(folder: Path, *cells: str) -> list[LabelMask]:
    kind = adapted(folder, *cells)
    masks = [kind.read(cell, "mask") for cell in cells]
    assert all(mask is not None for mask in masks)
    return [mask for mask in masks if mask is not None]


def colours(values: Any, *of_values: tuple[int, int, int]) -> Any:
    return np.array(of_values, dtype=np.uint8)[values]


@pytest.mark.parametrize(
    ("values", "mode", "labels"),
    [
        (HALVES, "L", ("0", "1")),
        (HALVES * 255, "L", ("background", "foreground")),
        (HALVES * 255, "1", ("background", "foreground")),
        (HALVES * 128, "L", ("background", "foreground")),
        (HALVES, "P", ("0", "1")),
        (HALVES.astype(np.uint16) * 300, "I;16", ("background", "foreground")),
        (np.stack([HALVES * 255] * 3, -1), "RGB", ("background", "foreground")),
        (colours(HALVES, (0, 0, 0), (255, 0, 0)), "RGB", ("background", "foreground")),
        (colours(HALVES, (0, 0, 255), (255, 0, 0)), "RGB", ("#0000ff", "#ff0000")),
        (np.dstack([np.zeros((3, 4, 3), np.uint8), HALVES * 255]), "RGBA", ("background", "foreground")),
    ],
)
def test_masks_of_every_mode_are_read(tmp_path: Path, values: Any, mode: str, labels: tuple[str, ...]) -> None:
    (mask,) = read(tmp_path, write(tmp_path / "a.png", values, mode, (0, 0, 0, 9, 9, 9)))
    assert (mask.width, mask.height, MASK.labels_of(mask)) == (4, 3, labels)
    assert [one.pixels for one in mask.classes] == [6, 6]
    indexes = read_mask(mask, labels)
    assert not isinstance(indexes, Rejected)
    assert (indexes.dtype, indexes.tolist()) == (np.uint8, HALVES.tolist())
    assert read_mask(mask, labels[::-1], (8, 6)).tolist() == np.kron(1 - HALVES, np.ones((2, 2))).tolist()  # type: ignore[union-attr]
    assert set(np.unique(read_mask(mask, labels[1:]))) == {0, 255}


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([0, 255], "the masks hold the values 0, 255, taken as 0 background, 255 foreground"),
        ([0, 1, 255], "the masks hold the values 0, 1, 255, taken as classes of these names, 255 ignored"),
        ([1, 2, 255], "the masks hold the values 1, 2, 255, taken as classes of these names, 255 ignored"),
        (
            [0, 128, 255],
            "the masks hold the values 0, 128, 255, taken as classes of these names; 255 is a class here, since the "
            "other values do not count up from 1",
        ),
        ([0, 1, 2], "the masks hold the values 0, 1, 2, taken as classes of these names"),
    ],
)
def test_what_the_values_are_taken_for_is_said(tmp_path: Path, values: list[int], note: str) -> None:
    kind = adapted(tmp_path, write(tmp_path / "a.png", np.array([values], np.uint8)))
    assert kind.reading_note("mask").partition("; a file classes.json")[0] == note


def test_all_masks_decide_together(tmp_path: Path) -> None:
    first = write(tmp_path / "a.png", np.array([[0, 255]], np.uint8))
    second = write(tmp_path / "b.png", np.array([[0, 1]], np.uint8))
    assert [MASK.labels_of(mask) for mask in read(tmp_path, first, second)] == [("0",), ("0", "1")]


def test_palettes_that_differ_make_colours_of_indexes(tmp_path: Path) -> None:
    first = write(tmp_path / "a.png", HALVES, "P", (0, 0, 0, 255, 0, 0))
    second = write(tmp_path / "b.png", 1 - HALVES, "P", (255, 0, 0, 0, 0, 0))
    masks = read(tmp_path, first, second)
    assert {frozenset(MASK.labels_of(mask)) for mask in masks} == {frozenset(("background", "foreground"))}
    assert [read_mask(mask, ("background", "foreground")).tolist() for mask in masks] == [HALVES.tolist()] * 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("parent", "label"),
    [("membrane_masks", "membrane"), ("masks/membrane", "membrane"), ("masks", "foreground"), ("x", "foreground")],
)
def test_the_foreground_is_named_after_its_folder(tmp_path: Path, parent: str, label: str) -> None:
    name = write(tmp_path / parent / "a.png", HALVES * 255)
    assert MASK.labels_of(read(tmp_path / parent, name)[0]) == ("background", label)


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (["bg", "cell"], ("bg", "cell")),
        ({"0": "bg", "1": "cell"}, ("bg", "cell")),
        ({"0": None, "1": "cell"}, ("cell",)),
        ([{"id": 1, "name": "cell"}, {"id": 0, "name": "bg"}], ("bg", "cell")),
        ({"0": {"name": "bg"}, "7": {"name": "cell", "values": [1, 3]}}, ("bg", "cell")),
        ({"#000000": "bg", "#010101": "cell"}, ("bg", "cell")),
        ([{"id": 5, "name": "bg", "color": [0, 0, 0]}, {"name": "cell", "values": [1, 0]}], ("cell",)),
    ],
)
def test_a_file_says_which_value_is_which_class(tmp_path: Path, classes: Any, labels: tuple[str, ...]) -> None:
    (tmp_path / "classes.json").write_text(json.dumps(classes), encoding="utf-8")
    (mask,) = read(tmp_path / "masks", write(tmp_path / "masks" / "a.png", HALVES))
    assert MASK.labels_of(mask) == labels


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labelmap.txt", "# label:color_rgb:parts:actions\nbg:0,0,0::\nthe cell:1,1,1::\n"),
        ("class_dict.csv", "name, r, g, b\r\nbg, 0, 0, 0\r\nthe cell, 1, 1, 1\r\n"),
        ("cells.gpl", "GIMP Palette\nName: Cells\nColumns: 2\n#\n  0   0   0\tbg\n  1   1   1\tthe cell\n"),
        ("cells", '["bg", "the cell"]'),
    ],
)
def test_a_palette_that_is_named_goes_before_a_file_beside_the_masks(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / "classes.json").write_text('["x", "y"]', encoding="utf-8")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / name).write_text(content, encoding="utf-8")
    cell = write(tmp_path / "a.png", HALVES)
    kind = MASK.named_by(str(tmp_path / "own" / name)).adapted_to([cell], tmp_path)
    assert isinstance(kind, MaskKind)
    assert kind.reading_note("mask").startswith(f"classes by {name}: ")
    assert MASK.labels_of(kind.read(cell, "mask")) == ("bg", "the cell")  # type: ignore[arg-type]
    beside = MASK.named_by("elsewhere").beside(kind).adapted_to([cell], tmp_path)
    assert MASK.labels_of(beside.read(cell, "mask")) == ("bg", "the cell")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("bg:0,0,0::\ncell\n", r"line 2, 'cell', does not name a colour, as in background:0,0,0"),
        ("GIMP Palette\n0 0 0 Untitled\n", r"line 2, '0 0 0 Untitled', does not name a colour"),
        ("bg:0,0,300::", r"the value '0,0,300' is neither a number nor a colour"),
        ("# nothing\n", "it names no class"),
    ],
)
def test_a_palette_that_is_none_is_named_with_its_line(tmp_path: Path, content: str, fault: str) -> None:
    (tmp_path / "palette.txt").write_text(content, encoding="utf-8")
    kind = MASK.named_by(str(tmp_path / "palette.txt"))
    with pytest.raises(DatasetInvalid, match=rf"palette\.txt does not say which class .*: {fault}"):
        kind.adapted_to([write(tmp_path / "a.png", HALVES)], tmp_path)


def test_values_of_masks_that_are_drawn_are_not_named(tmp_path: Path) -> None:
    shapes = [{"label": "cell", "segmentation": [[0, 0, 2, 0, 2, 3]]}]
    with pytest.raises(OptionInvalid, match="names values of masks, and these are drawn"):
        MASK.named_by("classes.json").adapted_to([shapes], tmp_path)


@pytest.mark.parametrize("content", ["", "7", "[]", '{"zero": "bg"}', '{"0": 5}', '{"0": ""}'])
def test_a_file_of_classes_that_is_none_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "classes.json").write_text(content, encoding="utf-8")
    with pytest.raises(DatasetInvalid, match=r"classes\.json does not say which class each value of a mask is"):
        adapted(tmp_path, write(tmp_path / "a.png", HALVES))


def test_values_that_are_no_class_are_named_with_their_pixels(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text('["background", "membrane"]', encoding="utf-8")
    name = write(tmp_path / "a.png", HALVES * 255)
    with pytest.raises(
        Unusable,
        match=r"^a\.png: values that are no class, and their pixels: 255 \(6\); "
        r"classes are 0 background, 1 membrane; if 255 is membrane, write 255 in place of 1 in classes\.json$",
    ):
        adapted(tmp_path, name).read(name, "mask")


def test_a_photograph_is_no_mask(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8)
    name = write(tmp_path / "a.png", noise, "RGB")
    with pytest.raises(Unusable, match=r"a\.png: it has more than 4,096 different values"):
        adapted(tmp_path, name).read(name, "mask")


def test_what_is_no_mask_is_said(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"no image")
    kind = adapted(tmp_path, "b.png")
    with pytest.raises(Unusable, match=r"b\.png: it is no image"):
        kind.read("b.png", "mask")
    with pytest.raises(Unusable, match=r"c\.png: there is no such file"):
        kind.read("c.png", "mask")
    with pytest.raises(Unusable, match="a number"):
        kind.read(7, "mask")
    assert kind.read("", "mask") is None


SQUARE = [1, 1, 3, 1, 3, 3, 1, 3]


@pytest.mark.parametrize(
    "shape",
    [
        {"label": "cell", "segmentation": [SQUARE]},
        {"category": "cell", "polygon": SQUARE},
        {"label": "cell", "points": [[1, 1], [3, 1], [3, 3], [1, 3]]},
        {"label": "cell", "segmentation": {"size": [6, 5], "counts": [7, 3, 3, 3, 3, 3, 8]}},
        {"label": "cell", "segmentation": {"size": [6, 5], "counts": "7330005"}},
    ],
)
def test_shapes_are_drawn_over_background(shape: dict[str, Any]) -> None:
    mask = MASK.read({"objects": [shape], "width": 5, "height": 6}, "mask")
    assert mask is not None
    indexes = read_mask(mask, ("background", "cell"))
    expected = np.zeros((6, 5), np.uint8)
    expected[1:4, 1:4] = 1
    assert indexes.tolist() == expected.tolist()  # type: ignore[union-attr]
    assert MASK.labels_of(mask) == ("cell", "background")


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ([{"segmentation": [SQUARE]}], "shape 1 of column mask has no label"),
        ([{"label": "a"}], "shape 1 of column mask has no segmentation: neither polygons nor run lengths"),
        ([{"label": "a", "segmentation": [[1, 2, 3, 4]]}], "shape 1 of column mask has a polygon that is no list of"),
        ([{"label": "a", "segmentation": {"size": [2, 2], "counts": [1]}}], "run lengths of 1 pixels in all"),
        ("[{", "which is no JSON list of shapes"),
    ],
)
def test_a_shape_that_is_none_is_said(cell: Any, fault: str) -> None:
    with pytest.raises(Unusable) as caught:
        MASK.read(cell, "mask")
    assert fault in str(caught.value)


def test_a_mask_of_another_size_than_its_picture_is_refused(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    Image.new("RGB", (7, 3)).save(picture)
    (mask,) = read(tmp_path, write(tmp_path / "a.png", HALVES))
    with pytest.raises(Unusable, match=r"^a\.png has 4 x 3 pixels, and its picture picture\.png 7 x 3; resize"):
        MASK.fitted_to(mask, str(picture))


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_of_a_picture_as_stored_is_turned_with_it(tmp_path: Path, orientation: int) -> None:
    from zoo.kinds.image_decoding import read_image

    stored = Image.fromarray(np.stack([HALVES * 255] * 3, -1))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "picture.png", exif=exif)
    (mask,) = read(tmp_path, write(tmp_path / "a.png", HALVES * 255))
    fitted = MASK.fitted_to(mask, str(tmp_path / "picture.png"))
    shown = np.asarray(read_image(str(tmp_path / "picture.png")))[..., 0] // 255
    assert read_mask(fitted, ("background", "foreground")).tolist() == shown.tolist()
    upright = write(tmp_path / "b.png", np.ascontiguousarray(shown * 255))
    (mask,) = read(tmp_path, upright)
    assert MASK.fitted_to(mask, str(tmp_path / "picture.png")) == mask


def test_shapes_take_the_size_of_their_picture(tmp_path: Path) -> None:
    Image.new("RGB", (5, 6)).save(tmp_path / "picture.png")
    mask = MASK.read([{"label": "cell", "segmentation": [SQUARE]}], "mask")
    fitted = MASK.fitted_to(mask, str(tmp_path / "picture.png"))
    assert (fitted.width, fitted.height) == (5, 6)
    assert sum(one.pixels for one in fitted.classes) == 30


def test_a_mask_is_drawn_on_its_picture(tmp_path: Path) -> None:
    picture = tmp_path / "1.png"
    Image.new("RGB", (40, 20), "white").save(picture)
    values = Image.new("L", (40, 20), 0)
    values.paste(255, (20, 0, 40, 20))
    values.save(tmp_path / "mask.png")
    target = MASK.adapted_to(["mask.png"], tmp_path).read("mask.png", "mask")
    assert target is not None
    block = MASK.on_picture(str(picture), target)

    assert isinstance(block, zoo.Mask)
    shares = label_shares(block)
    assert not isinstance(shares, zoo.Rejected)
    assert ([0.5, 0.5], set(block.labels)) == ([share for _, share in shares], set(MASK.labels_of(target)))
    assert MASK.on_picture(str(tmp_path / "none.png"), target) is None
    assert MASK.on_picture(str(picture), None) is None


def test_blurred_edges_are_said_instead_of_taken_for_classes(tmp_path: Path) -> None:
    values = np.zeros((40, 40), np.uint8)
    values[10:30, 10:30] = 255
    Image.fromarray(values).save(tmp_path / "a.jpg", quality=50)
    values[:8, 0] = range(20, 28)
    write(tmp_path / "b.png", values)
    for name in ("a.jpg", "b.png"):
        with pytest.raises(DatasetInvalid, match=r"two classes with edges that are blurred; write masks as PNG, never"):
            adapted(tmp_path, name)


def test_so_many_values_are_no_classes(tmp_path: Path) -> None:
    name = write(tmp_path / "a.png", np.arange(300, dtype=np.uint16).reshape(20, 15), "I;16")
    with pytest.raises(DatasetInvalid, match="the masks hold 300 different values, more than 255 classes"):
        adapted(tmp_path, name)


def test_a_slip_in_one_of_many_masks_is_no_class(tmp_path: Path) -> None:
    names = [write(tmp_path / f"{n}.png", np.kron(HALVES * 255, np.ones((9, 9), np.uint8))) for n in range(11)]
    values = np.kron(HALVES * 255, np.ones((9, 9), np.uint8))
    values[0, 0] = 7
    write(tmp_path / "3.png", values)
    kind = adapted(tmp_path, *names)
    assert kind.reading_note("mask").startswith(
        "the masks hold the values 0, 7, 255, taken as 0 background, 255 foreground, and 7 for a slip; a file"
    )
    with pytest.raises(Unusable, match=r"3\.png: values that are no class, and their pixels: 7 \(1\)"):
        kind.read("3.png", "mask")
    assert MASK.labels_of(kind.read("2.png", "mask")) == ("background", "foreground")  # type: ignore[arg-type]


def test_numbers_do_not_name_colours(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text('["background", "cell"]', encoding="utf-8")
    name = write(tmp_path / "a.png", colours(HALVES, (0, 0, 0), (255, 0, 255)), "RGB")
    with pytest.raises(DatasetInvalid, match=r"the masks have colours \(#000000, #ff00ff\), and .* by numbers"):
        adapted(tmp_path, name)
