"""Images are kept within their bounds and come back the same wherever they were kept."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.training import toy
from zoo.answers import Rejected
from zoo.errors import DatasetInvalid, RunCancelled
from zoo.runs.events import InputsPrepared
from zoo.training import ImageStore
from zoo.training.media_store import MediaRoom

SIZE = (10, 8)
LENGTH = 3 * SIZE[0] * SIZE[1]


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """Twenty images, no two the same."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(20):
        Image.effect_noise(SIZE, 20 + number).save(folder / f"{number}.png")
    return [str(folder / f"{number}.png") for number in range(20)]


def make_store(folder: Path, memory: int, disk: int, **arguments: Any) -> tuple[ImageStore, list[Any]]:
    events: list[Any] = []
    folder.mkdir()
    run, _ = toy.make_run(folder)
    run = dataclasses.replace(run, emit=events.append, **arguments)
    store = ImageStore(run, prepare=lambda image: image, room=MediaRoom(memory * LENGTH, disk * LENGTH))
    return store, events


@pytest.mark.parametrize(("memory", "disk"), [(100, 100), (0, 100), (0, 0), (7, 0), (7, 5), (0, 1)])
def test_what_comes_back_is_what_was_decoded(paths: list[str], tmp_path: Path, memory: int, disk: int) -> None:
    store, events = make_store(tmp_path / "run", memory, disk)
    numbers = store.add(paths[:12]) + store.add(paths[12:])

    assert numbers == list(range(20))
    with ThreadPoolExecutor(4) as pool:
        images = list(pool.map(store.__getitem__, range(20)))
    for path, image in zip(paths, images, strict=True):
        with Image.open(path) as source:
            np.testing.assert_array_equal(np.asarray(image), np.asarray(source.convert("RGB")))
    last = events[-1]
    counts = min(20, memory), min(20 - min(20, memory), disk)
    assert isinstance(last, InputsPrepared)
    assert (last.memory_bytes, last.disk_bytes) == (counts[0] * LENGTH, counts[1] * LENGTH)
    assert last.decoded_again == 20 - sum(counts)
    assert (last.done, last.total) == (20, 20)


def test_images_that_cannot_be_read_have_no_number(paths: list[str], tmp_path: Path) -> None:
    Path(paths[1]).write_bytes(b"")
    store, _ = make_store(tmp_path / "run", 100, 0)
    first, broken, last = store.add(paths[:3])
    assert (first, last) == (0, 1)
    assert broken == Rejected("it is empty (0 bytes)")


@pytest.mark.parametrize("change", ["gone", "other size"])
def test_a_file_that_changed_under_the_run_is_told(paths: list[str], tmp_path: Path, change: str) -> None:
    store, _ = make_store(tmp_path / "run", 0, 0)
    store.add(paths)
    if change == "gone":
        Path(paths[3]).unlink()
    else:
        Image.new("L", (3, 3)).save(paths[3])
    with pytest.raises(DatasetInvalid, match=r"3\.png has changed while the run used it"):
        store[3]


def test_a_wish_to_stop_is_heard_while_decoding(paths: list[str], tmp_path: Path) -> None:
    looks = iter([False, False, True])
    store, events = make_store(tmp_path / "run", 0, 100, should_stop=lambda: next(looks))
    with pytest.raises(RunCancelled):
        store.add(paths)
    assert len(events) < 20
