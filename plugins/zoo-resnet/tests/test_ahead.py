"""What an accelerator does with pictures, here on a CPU that plays one: the answers are those of the CPU's own way."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg

from zoo import Classification, Rejected
from zoo.kinds.image_decoding import as_rgb, plain_jpeg
from zoo.testing import PluginHooks
from zoo.training.images import device_pictures
from zoo.training.images.answering import AHEAD, CPU_BATCH
from zoo.training.images.device_pictures import DevicePictures, turned
from zoo.training.images.preprocessing import Preprocessing
from zoo.training.images.store import THREADS

plugin = PluginHooks("resnet")
ORIENTATION = 0x0112
STRANGE = b"of a sort that the device does not know"


def photograph(width: int, height: int) -> Image.Image:
    """Smooth, as photographs are, and different in every corner."""
    across, down = np.meshgrid(np.linspace(0, 3, width), np.linspace(0, 2, height))
    planes = [np.sin(across + i) * np.cos(down * (i + 1)) * 120 + 128 for i in range(3)]
    return Image.fromarray(np.stack(planes, -1).astype(np.uint8))


def written(path: Path, image: Image.Image, orientation: int = 1, **options: Any) -> str:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image.save(path, quality=95, exif=exif, **options)
    return str(path)


@pytest.fixture
def decoding(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The CPU plays an accelerator that decodes JPEG files; how many it was given at a time."""
    counts: list[int] = []

    def decode(contents: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        if any(STRANGE in bytes(content.numpy()) for content in contents):
            raise RuntimeError("the device does not know this")
        counts.append(len(contents))
        return [decode_jpeg(content, ImageReadMode.RGB) for content in contents]

    monkeypatch.setattr(device_pictures, "jpeg_decoder", lambda device, note: decode)
    monkeypatch.setattr(DevicePictures, "on", classmethod(lambda cls, device, how, note: cls(how, device, note)))
    return counts


@pytest.mark.parametrize("orientation", range(10))
def test_pictures_are_turned_as_on_a_cpu(orientation: int) -> None:
    file = BytesIO()
    image = photograph(7, 5)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image.save(file, "PNG", exif=exif)
    expected = np.asarray(as_rgb(Image.open(file)))

    assert (turned(torch.from_numpy(np.array(image)), orientation).numpy() == expected).all()


@pytest.mark.parametrize("size", [(500, 375), (375, 500), (40, 30), (900, 60), (64, 64), (33, 700)])
@pytest.mark.parametrize("how", [{}, {"interpolation": "bicubic"}, {"crop_mode": "squash"}, {"size": 80}])
def test_a_centre_is_that_of_the_cpu_but_for_rounding(size: tuple[int, int], how: dict[str, Any]) -> None:
    preprocessing = replace(Preprocessing(56, 64, (0.5,) * 3, (0.25,) * 3), **how)
    image = photograph(*size)
    centre = preprocessing.crop_pixels(torch.from_numpy(np.array(image)))
    expected = torch.from_numpy(preprocessing.crop(image).copy()).float()

    assert centre.shape == expected.shape
    assert float((centre - expected).abs().max()) <= 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The image decoding")  # of torchvision, which deprecates it
def test_answers_are_those_of_a_cpu_and_bad_files_are_rejected_in_their_places(
    classifier: Path, make_prediction: Any, tmp_path: Path, decoding: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = photograph(96, 64)
    inputs = [written(tmp_path / f"{i}.jpg", image.rotate(i * 20), i % 9) for i in range(10)]
    whole = (tmp_path / "0.jpg").read_bytes()
    cut, damaged = tmp_path / "cut.jpg", tmp_path / "damaged.jpg"
    cut.write_bytes(whole[: len(whole) // 2])
    damaged.write_bytes(whole[:200] + b"\xff\xd9")
    inputs[3:3] = [str(cut), str(damaged), "nowhere.jpg"]
    inputs.append(written(tmp_path / "strange.jpg", image, 6, comment=STRANGE))
    inputs += [written(tmp_path / "gray.jpg", image.convert("L")), written(tmp_path / "a.png", image), image]  # type: ignore[list-item]
    inputs.append(written(tmp_path / "cmyk.jpg", image.convert("CMYK")))
    answers = plugin.predict(make_prediction(classifier, batch_size=5)).predict(inputs)
    monkeypatch.undo()
    expected = plugin.predict(make_prediction(classifier, batch_size=5)).predict(inputs)

    assert [type(answer) for answer in answers] == [type(answer) for answer in expected]
    assert [answer for answer in answers if isinstance(answer, Rejected)] == [
        answer for answer in expected if isinstance(answer, Rejected)
    ]
    assert sum(isinstance(answer, Rejected) for answer in answers) == 3
    for answer, one in zip(answers, expected, strict=True):
        if isinstance(answer, Classification):
            assert answer.numbers() == pytest.approx(one.numbers(), abs=0.02)
    assert decoding == [3, 4]


def test_only_whole_files_of_the_usual_sort_are_left_to_a_device(tmp_path: Path) -> None:
    image = photograph(40, 30)
    usual = plain_jpeg(written(tmp_path / "usual.jpg", image, 6))
    assert usual is not None
    assert (usual.width, usual.height, usual.orientation) == (40, 30, 6)
    for name, picture in (("gray.jpg", image.convert("L")), ("cmyk.jpg", image.convert("CMYK")), ("a.png", image)):
        assert plain_jpeg(written(tmp_path / name, picture)) is None
    assert plain_jpeg(image) is None
    assert plain_jpeg(tmp_path / "nowhere.jpg") is None


def test_where_a_device_does_not_decode_a_line_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*args: Any, **arguments: Any) -> Any:
        raise RuntimeError("Not compiled with nvJPEG support\nmore")

    monkeypatch.setattr("torchvision.io.decode_jpeg", decode)
    monkeypatch.setattr("torch.Stream", lambda device: contextlib.nullcontext())
    monkeypatch.setattr("torch.accelerator.current_stream", lambda device: None)
    notes: list[str] = []
    assert device_pictures.jpeg_decoder(torch.device("cuda"), notes.append) is None
    assert device_pictures.jpeg_decoder(torch.device("mps"), notes.append) is None
    assert notes == [
        "JPEG files are decoded by the CPU: torchvision cannot decode them on cuda (Not compiled with nvJPEG support)"
    ]


def test_batches_are_halved_where_memory_does_not_suffice(classifier: Path, make_prediction: Any) -> None:
    notes: list[str] = []
    run = replace(make_prediction(classifier, batch_size=12), note=notes.append)
    inputs = [photograph(20 + i, 20) for i in range(30)]
    expected = plugin.predict(run).predict(inputs)
    predictor: Any = plugin.predict(run)
    network, sizes = predictor._network, []

    def narrow(images: torch.Tensor) -> torch.Tensor:
        if len(images) > 4:
            raise torch.OutOfMemoryError("out of memory")
        sizes.append(len(images))
        outputs: torch.Tensor = network(images)
        return outputs

    predictor._network = narrow
    answers = predictor.predict(inputs)

    assert sizes[:4] == [3] * 4
    assert [note.partition(" does not")[2] for note in notes] == [
        " suffice for 12 images at once: 6 are",
        " suffice for 6 images at once: 3 are",
    ]
    for answer, one in zip(answers, expected, strict=True):
        assert answer.numbers() == pytest.approx(one.numbers(), abs=1e-5)


def test_chunks_are_answered_in_order_and_few_images_are_decoded_ahead(classifier: Path, make_prediction: Any) -> None:
    predictor: Any = plugin.predict(make_prediction(classifier))
    pictures = [photograph(20 + i % 7, 20) for i in range(3 * CPU_BATCH + 1)]
    taken = 0

    def chunks() -> Iterator[list[Any]]:
        nonlocal taken
        for start in range(1000):
            taken += 1
            yield [] if start == 1 else [*pictures[: start % 40], "nowhere.png"]

    threads = threading.active_count()
    answered = predictor.predict_chunks(chunks())
    expected: Callable[[int], int] = lambda number: 0 if number == 1 else number % 40 + 1  # noqa: E731
    seen = 0
    for number, answers in zip(range(20), answered, strict=False):
        seen += expected(number)
        assert len(answers) == expected(number)
        assert all(isinstance(answer, Rejected) == (i == number % 40) for i, answer in enumerate(answers))
    answered.close()

    assert sum(map(expected, range(taken))) <= seen + AHEAD * THREADS + 41
    assert threading.active_count() <= threads
