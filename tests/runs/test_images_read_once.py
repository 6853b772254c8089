"""The images of a run are read once in front and once in the worker, and must not change in between."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.echo_runs import wait_quietly
from tests.opened_files import by_process, watch_children
from tests.plugin_site import Site, new_site, zoo
from zoo.api import Run, start
from zoo.file_cache import read_once
from zoo.jobs import Job, Place
from zoo.requests import request_of
from zoo.runs.request import RunRequest
from zoo.sources import Source

PLUGIN = """
import zoo

@zoo.hookimpl
def cards():
    task = "image-classification"
    abilities = [zoo.Ability(verb="finetune", task=task, options=zoo.DataOptions)]
    abilities.append(zoo.Ability(verb="predict", task=task))
    return [zoo.Card(name="NAME", task=task, family="toy", summary="looks at images", abilities=tuple(abilities))]

class Loop:
    def fit(self, run):
        run.report_plan(steps=1, epochs=1, batch_size=1)
        for example in (*run.train, *run.eval):
            READ
        run.model_folder.mkdir(exist_ok=True)
        (run.model_folder / "model.txt").write_text("trained")
        return zoo.FitResult(step=1)

class Model:
    def predict(self, inputs):
        return [answer(zoo.read_image(path)) for path in inputs]

def answer(image):
    return zoo.Classification((zoo.Score("red", 0.9), zoo.Score("blue", 0.1)))

@zoo.hookimpl
def finetune(run):
    return Loop()

@zoo.hookimpl
def predict(run):
    return Model()
"""
READS = "assert not isinstance(zoo.read_image(example.input), zoo.Rejected)"
PLACE = Place(device="cpu", precision="fp32")


@pytest.fixture
def looker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Two models of images; one looks at none in its training."""
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("looker", PLUGIN.replace("NAME", "looker").replace("READ", READS))
        site.install("blind", PLUGIN.replace("NAME", "blind").replace("READ", "pass"))
        yield site


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of five images each, all of one size in bytes."""
    for label in ("red", "blue"):
        folder = tmp_path / "data" / "photos" / label
        folder.mkdir(parents=True)
        for number in range(5):
            (folder / f"{number}.ppm").write_bytes(picture(f"{label}{number}"))
    return tmp_path / "data" / "photos"


def picture(colours: str) -> bytes:
    """Two pixels in the Netpbm format."""
    return b"P6 2 1 255\n" + colours.encode().ljust(6, b"-")[:6]


def table_of(photos: Path) -> Path:
    """A table of the same images."""
    rows = [f"photos/{path.relative_to(photos).as_posix()},{path.parent.name}" for path in photos.rglob("*.ppm")]
    (photos.parent / "table.csv").write_text("\n".join(["file_name,label", *rows]) + "\n")
    return photos.parent / "table.csv"


def all_once(data: Path, photos: Path, *, images: bool = True) -> Counter[str]:
    """Each image is opened once, if at all, the table is, or each folder is listed."""
    read = [*photos.rglob("*.ppm")] if images else []
    read += [data] if data.is_file() else [photos, *photos.glob("*")]
    return Counter(map(str, read))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "table"])
def test_front_and_worker_read_each_image_once(
    kind: str, looker: Site, photos: Path, tmp_path: Path, store: Path
) -> None:
    data = photos if kind == "folder" else table_of(photos)
    log = watch_children(looker.path, photos.parent)
    place = ("--device", "cpu", "--precision", "fp32")
    done = zoo("finetune", "looker", "--data", str(data), "--name", "mine", *place)

    assert done.returncode == 0, done.stderr
    front, worker = by_process(log)
    assert front == all_once(data, photos)
    held_out = worker - front  # what the result answers wrongly of it is listed: the result reads it like any image
    assert (len(held_out), set(held_out.values())) == (2, {1})
    assert worker - held_out == front
    log.unlink()
    judged = zoo("evaluate", "mine", "--data", str(data), *place)
    assert judged.returncode == 0, judged.stderr
    assert by_process(log) == [all_once(data, photos)] * 2
    log.unlink()
    answered = zoo("predict", "mine", "--file", str(data), "--out", str(tmp_path / "out.csv"), *place)
    assert answered.returncode == 0, answered.stderr
    assert by_process(log) == [all_once(data, photos, images=False), all_once(data, photos)]
    log.unlink()
    inspected = zoo("data", "inspect", str(data), "--model", "looker")
    assert inspected.returncode == 0, inspected.stderr
    assert by_process(log) == [all_once(data, photos)]


def request(data: Path, model: str = "looker") -> RunRequest:
    return request_of(Job(verb="finetune", model=model, source=Source(data=str(data)), place=PLACE))


def outcome(run: Run) -> tuple[str, str]:
    """How a run ended, and of what error."""
    snapshot = wait_quietly(run).snapshot
    return snapshot.status, snapshot.error


@pytest.mark.slow
@pytest.mark.parametrize("model", ["looker", "blind"])
def test_an_image_that_changes_before_the_worker_begins_ends_the_run(
    model: str, looker: Site, photos: Path, store: Path
) -> None:
    path = photos / "red" / "3.ppm"
    status = path.stat()
    with read_once():
        checked = request(photos, model)
        path.write_bytes(picture("other"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        run = start(checked)
    assert outcome(run) == ("failed", f"{path} has changed since the run was asked for")


@pytest.mark.slow
def test_an_image_that_was_only_touched_has_not_changed(looker: Site, photos: Path, store: Path) -> None:
    with read_once():
        checked = request(photos)
        (photos / "red" / "3.ppm").touch()
        run = start(checked)
    assert outcome(run) == ("finished", "")


@pytest.mark.slow
def test_a_worker_that_knows_no_digests_makes_them(looker: Site, photos: Path, store: Path) -> None:
    run = start(request(photos))
    assert not run.folder.media_path.exists()
    assert outcome(run) == ("finished", "")
