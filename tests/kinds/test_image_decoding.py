"""Every kind of image becomes the picture a person sees; what cannot be one is told with a reason, never a crash."""

from __future__ import annotations

import os
import random
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from zoo import Rejected, read_image
from zoo.kinds.image_decoding import MAX_PIXELS, decode


def picture(size: tuple[int, int] = (24, 16)) -> Image.Image:
    """Every pixel another one, so that no turn goes unnoticed."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], -1).astype(np.uint8))


def encoded(image: Image.Image, **arguments: Any) -> bytes:
    target = BytesIO()
    image.save(target, **arguments)
    return target.getvalue()


def read(source: Any) -> Image.Image:
    image = read_image(source)
    assert isinstance(image, Image.Image), image
    assert image.mode == "RGB"
    return image


def refused(source: Any) -> str:
    answer = read_image(source)
    assert isinstance(answer, Rejected)
    return answer.reason


def pixels(image: Image.Image) -> np.ndarray[Any, Any]:
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_turned_as_the_camera_says(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.png"
    picture().save(path, exif=exif)
    with Image.open(path) as stored:
        expected = ImageOps.exif_transpose(stored).convert("RGB")

    np.testing.assert_array_equal(pixels(read(path)), pixels(expected))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "HSV"])
def test_modes_without_transparency_are_converted(mode: str) -> None:
    source = picture().convert(mode)
    np.testing.assert_array_equal(pixels(read(source)), pixels(source.convert("RGB")))


@pytest.mark.parametrize("name", ["a.jpg", "a.tiff"])
def test_cmyk_files_are_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    picture().convert("CMYK").save(path)
    assert np.abs(pixels(read(path)) - pixels(picture())).mean() < 12


@pytest.mark.parametrize("mode", ["LA", "RGBA", "PA"])
def test_what_is_transparent_stands_on_white(mode: str) -> None:
    source = picture().convert("RGBA")
    source.putalpha(Image.linear_gradient("L").resize(source.size))
    source = source.convert("LA").convert(mode) if mode == "PA" else source.convert(mode)
    alpha = pixels(source.convert("RGBA"))[..., 3:] / 255
    expected = pixels(source.convert("RGBA"))[..., :3] * alpha + 255 * (1 - alpha)

    assert np.abs(pixels(read(source)) - expected).max() <= 1


def test_a_palette_with_a_transparent_colour_stands_on_white(tmp_path: Path) -> None:
    source = Image.new("P", (2, 1))
    source.putpalette([255, 0, 0, 0, 0, 255])
    source.putpixel((1, 0), 1)
    for name in ("a.png", "a.gif"):
        source.save(tmp_path / name, transparency=1)
        assert [[[255, 0, 0], [255, 255, 255]]] == pixels(read(tmp_path / name)).tolist()


def test_sixteen_bits_of_grey_become_eight(tmp_path: Path) -> None:
    values = np.array([[0, 257, 32_896, 65_535]], np.uint16)
    for name in ("a.png", "a.tiff"):
        Image.fromarray(values).save(tmp_path / name)
        assert [0, 1, 128, 255] == pixels(read(tmp_path / name))[0, :, 0].tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255]),
        (np.array([[0, 128, 255]], np.float32), [0, 128, 255]),
        (np.array([[0, 128, 255]], np.int32), [0, 128, 255]),
        (np.array([[0, 32_896, 65_535]], np.int32), [0, 128, 255]),
        (np.array([[-5, np.nan, 1]], np.float32), [0, 0, 255]),
    ],
)
def test_wide_grey_is_scaled_to_eight_bits(values: np.ndarray[Any, Any], expected: list[int], tmp_path: Path) -> None:
    Image.fromarray(values).save(tmp_path / "a.tiff")
    assert expected == pixels(read(tmp_path / "a.tiff"))[0, :, 0].tolist()


def test_sixteen_bits_of_colour_become_eight(tmp_path: Path) -> None:
    """Pillow cannot write such a PNG, so the test does: two pixels, red and white."""
    rows = b"\0" + struct.pack(">6H", 65_535, 0, 0, 65_535, 65_535, 65_535)
    path = tmp_path / "a.png"
    path.write_bytes(png(2, 1, depth=16, colour=2, data=rows))
    assert [[[255, 0, 0], [255, 255, 255]]] == pixels(read(path)).tolist()


TWELVE_BITS = np.array([[0, 1_000, 2_048, 4_095]], np.uint16)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_the_largest_sample_tells_the_depth_where_the_file_does_not(bits: int, tmp_path: Path) -> None:
    white = 2**bits - 1
    for name in ("a.png", "a.tiff"):
        Image.fromarray(np.array([[0, white // 5, white]], np.uint16)).save(tmp_path / name)
        assert [0, 51, 255] == pixels(read(tmp_path / name))[0, :, 0].tolist()


def test_black_in_sixteen_bits_is_black(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((2, 2), np.uint16)).save(tmp_path / "a.png")
    assert pixels(read(tmp_path / "a.png")).max() == 0


@pytest.mark.parametrize(
    ("stated", "samples", "expected"),
    [
        (12, [0, 500, 1_000], [0, 31, 62]),
        (16, [0, 2_048, 4_095], [0, 8, 16]),
        (12, [0, 32_896, 65_535], [0, 128, 255]),  # scaled up to 16 bits, as the standard of PNG would have it
    ],
)
def test_a_png_may_state_its_depth(stated: int, samples: list[int], expected: list[int], tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    grey = b"\0" + struct.pack(">3H", *samples)
    path.write_bytes(png(3, 1, depth=16, colour=0, data=grey, significant_bits=bytes([stated])))
    assert expected == pixels(read(path))[0, :, 0].tolist()
    colours = b"\0" + struct.pack(">9H", *(sample for sample in samples for _ in range(3)))
    path.write_bytes(png(3, 1, depth=16, colour=2, data=colours, significant_bits=bytes([stated] * 3)))
    assert np.abs(pixels(read(path))[0, :, 0] - expected).max() <= 1


def test_a_tiff_may_state_its_depth(tmp_path: Path) -> None:
    image = Image.fromarray(TWELVE_BITS)
    image.save(tmp_path / "a.tiff", tiffinfo={281: 65_535})
    assert [0, 4, 8, 16] == pixels(read(tmp_path / "a.tiff"))[0, :, 0].tolist()
    (tmp_path / "a.tiff").write_bytes(tiff(2, 1, bits=12, channels=1, data=bytes([0x3E, 0x87, 0xD0])))  # 1000, 2000
    assert [62, 125] == pixels(read(tmp_path / "a.tiff"))[0, :, 0].tolist()


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("kind", ["png", "tiff", "deflated tiff"])
def test_twelve_bits_of_colour_in_sixteen_become_eight(kind: str, channels: int, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind.rpartition(' ')[2]}"
    samples = [0, 1_000, 2_048, 4_095, 16, 160][:channels] + [4_095, 2_048, 16, 4_095][:channels]
    if kind == "png":
        data = b"\0" + struct.pack(f">{2 * channels}H", *samples)
        path.write_bytes(png(2, 1, depth=16, colour=2 if channels == 3 else 6, data=data))
    else:
        data = struct.pack(f"<{2 * channels}H", *samples)
        path.write_bytes(tiff(2, 1, bits=16, channels=channels, data=data, deflate=kind != "tiff"))
    assert [[[0, 62, 128], [255, 128, 1]]] == pixels(read(path)).tolist()


def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue", "green")]
    for name in ("a.gif", "a.png", "a.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
        assert [255, 0, 0] == pixels(read(tmp_path / name))[0, 0].tolist()


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 1), (6, 5, 3), (6, 5, 4)])
def test_arrays_of_uint8_are_images(shape: tuple[int, ...]) -> None:
    array = np.full(shape, 255, np.uint8)
    array[0, 0] = 0 if len(shape) < 3 or shape[2] < 4 else (0, 0, 0, 255)
    image = read(array[:, ::-1])  # not contiguous
    assert image.size == (5, 6)
    assert [0, 0, 0] == pixels(image)[0, 4].tolist()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (np.zeros((4, 4, 3), np.float32), "the array is of float32, shape (4, 4, 3); it must be uint8, 0 to 255"),
        (np.zeros((3, 5, 6), np.uint8), "the array has shape (3, 5, 6)"),
        (np.zeros((4,), np.uint8), "the array has shape (4,)"),
        (np.zeros((0, 4, 3), np.uint8), "the array has no pixels"),
        (Image.new("RGB", (0, 3)), "it has no pixels: 0 x 3"),
        (7, "the input is int, not a path"),
        (b"bytes", "the input is bytes, not a path"),
    ],
)
def test_what_is_no_image_is_refused(source: Any, reason: str) -> None:
    assert reason in refused(source)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty (0 bytes)"),
        (b"<!DOCTYPE html><html>", "(the file begins with b'<!DOCTYP')"),
        (b"PK\x03\x04 a zip archive", "it is no image that can be read here"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "it is no image that can be read here"),
        (b"GIF89a", "it is no image that can be read here"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "it is a git-lfs pointer, not the file itself; fetch the file, in its repository: git lfs pull",
        ),
    ],
)
def test_files_that_are_something_else_are_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert reason in refused(tmp_path / "a.jpg")


def test_places_that_hold_no_file_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert refused(tmp_path) == "it is a folder, not a file"
    assert refused(tmp_path / "pipe.jpg") == "it is no ordinary file"
    assert refused(tmp_path / "none.jpg") == "No such file or directory"
    assert "it cannot be decoded" in refused("a\0b.jpg")


def tiff(width: int, height: int, *, bits: int, channels: int, data: bytes, deflate: bool = False) -> bytes:
    """A TIFF file of one strip, little-endian (TIFF 6.0, section 2)."""
    body = zlib.compress(data) if deflate else data
    depths = struct.pack(f"<{channels}H", *[bits] * channels)
    values = {256: width, 257: height, 259: 8 if deflate else 1, 262: 1 if channels == 1 else 2, 277: channels}
    values |= {258: bits if channels == 1 else 8 + len(body), 273: 8, 278: height, 279: len(body)}
    values |= {338: 2} if channels == 4 else {}
    entries = [
        struct.pack("<HHII", tag, 3, channels if tag == 258 else 1, value) for tag, value in sorted(values.items())
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(body) + len(depths)) + body + depths + directory


def png(
    width: int,
    height: int,
    *,
    depth: int = 1,
    colour: int = 0,
    data: bytes | None = None,
    significant_bits: bytes = b"",
) -> bytes:
    """A PNG file by the letter of its standard; without data, that many black pixels in little room."""
    if data is None:
        data = bytes((width + 7) // 8 + 1) * height

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0))
    if significant_bits:
        head += chunk(b"sBIT", significant_bits)
    return head + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [12_000, 14_000, 20_000])
def test_small_files_that_claim_many_pixels_are_refused(side: int, tmp_path: Path) -> None:
    """Below the size Pillow warns of, between that and the one it refuses, and above."""
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side, side))
    assert path.stat().st_size < 100_000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "it is too large" in refused(path)
    assert "it is too large" in refused(Image.new("1", (MAX_PIXELS // 1000 + 1, 1000)))


def test_large_photographs_are_no_bombs(tmp_path: Path) -> None:
    """100 million pixels: more than Pillow warns of, fewer than are refused."""
    path = tmp_path / "large.png"
    path.write_bytes(png(10_000, 10_000))
    image = decode(path)
    assert isinstance(image, Image.Image)
    assert image.size == (10_000, 10_000)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.gif", "a.tiff", "a.bmp"])
def test_damaged_files_never_crash(name: str, tmp_path: Path) -> None:
    """Cut short anywhere they are refused; with bytes changed they are read or refused."""
    whole = encoded(picture((64, 48)), format=Image.registered_extensions()[Path(name).suffix])
    path = tmp_path / name
    generator = random.Random(name)
    for _ in range(40):
        path.write_bytes(whole[: generator.randrange(1, len(whole) * 9 // 10)])
        assert refused(path)
    for _ in range(100):
        damaged = bytearray(whole)
        for _ in range(generator.randrange(1, 8)):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        path.write_bytes(damaged)
        assert isinstance(read_image(path), Image.Image | Rejected)


def test_damaged_notes_of_the_camera_do_not_matter(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = encoded(picture(), format="JPEG", exif=exif, quality=95)
    path = tmp_path / "a.jpg"
    start = whole.index(b"Exif")
    path.write_bytes(whole[: start + 6] + b"\xff" * 8 + whole[start + 14 :])
    assert read(path).size == (24, 16)


def test_threads_agree_with_one(tmp_path: Path) -> None:
    paths = []
    for number in range(60):
        path = tmp_path / f"{number}.{('jpg', 'png', 'gif', 'webp')[number % 4]}"
        picture((30 + number, 40)).save(path)
        paths.append(path)
    paths[7].write_bytes(b"")
    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(read_image, paths))

    assert refused(paths[7]) == images.pop(7).reason  # type: ignore[union-attr]
    del paths[7]
    for path, image in zip(paths, images, strict=True):
        np.testing.assert_array_equal(pixels(image), pixels(read(path)))  # type: ignore[arg-type]
