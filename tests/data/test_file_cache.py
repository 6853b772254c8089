"""A file of data is read from disk once by a process, however often its beginning is looked at."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.opened_files import by_process, opened, watch_children
from tests.plugin_site import Site, new_site, zoo
from zoo import cached_file, file_cache
from zoo.data import inspect, load
from zoo.file_cache import FileCache, open_file, read_once
from zoo.tasks.task import Task

ROWS = [{"text": f"text number {row}", "label": "ab"[row % 2], "score": row / 7} for row in range(300)]
TABLE = "text,label,score\n" + "".join(f"{row['text']},{row['label']},{row['score']}\n" for row in ROWS)
SEVERAL = """
import zoo

@zoo.hookimpl
def cards():
    tasks = ("text-classification", "text-regression")
    abilities = [zoo.Ability(verb="finetune", task=task, options=zoo.DataOptions) for task in tasks]
    abilities.append(zoo.Ability(verb="predict", task="text-classification"))
    return [zoo.Card(name="several", task=tasks[0], family="toy", summary="a toy", abilities=tuple(abilities))]

class Loop:
    def fit(self, run):
        run.report_plan(steps=1, epochs=1, batch_size=1)
        run.model_folder.mkdir(exist_ok=True)
        (run.model_folder / "model.txt").write_text("trained")
        return zoo.FitResult(step=1)

class Model:
    def predict(self, inputs):
        return [zoo.Classification((zoo.Score("a", 0.9), zoo.Score("b", 0.1))) for text in inputs]

@zoo.hookimpl
def finetune(run):
    return Loop()

@zoo.hookimpl
def predict(run):
    return Model()
"""


@pytest.fixture
def several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A model that data choose the task of."""
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("several", SEVERAL)
        yield site


def as_csv(path: Path) -> Path:
    path.with_suffix(".csv").write_text(TABLE)
    return path.with_suffix(".csv")


def as_gzip(path: Path) -> Path:
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    return path.with_suffix(".csv.gz")


def as_bz2(path: Path) -> Path:
    path.with_suffix(".csv.bz2").write_bytes(bz2.compress(TABLE.encode()))
    return path.with_suffix(".csv.bz2")


def as_zip(path: Path) -> Path:
    with zipfile.ZipFile(path.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", TABLE)
    return path.with_suffix(".zip")


def as_json(path: Path) -> Path:
    path.with_suffix(".json").write_text(json.dumps(ROWS))
    return path.with_suffix(".json")


def as_json_lines(path: Path) -> Path:
    path.with_suffix(".jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path.with_suffix(".jsonl")


def as_parquet(path: Path) -> Path:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pytest.importorskip("pyarrow").Table.from_pylist(ROWS)
    parquet.write_table(table, path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


FORMATS = (as_csv, as_gzip, as_bz2, as_zip, as_json, as_json_lines, as_parquet)


@pytest.mark.parametrize("write_as", FORMATS)
def test_loading_opens_a_file_once_and_digests_its_bytes(
    write_as: Callable[[Path], Path], tmp_path: Path, classify: Task
) -> None:
    path = write_as(tmp_path / "rows")
    with opened(path) as times:
        dataset = load(path, classify)
    assert (len(dataset.examples), len(times)) == (300, 1)
    assert dataset.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("write_as", FORMATS)
def test_looking_and_then_loading_opens_a_file_once(
    write_as: Callable[[Path], Path], tmp_path: Path, classify: Task
) -> None:
    path = write_as(tmp_path / "rows")
    files = FileCache()
    with opened(path) as times:
        with read_once(files):
            inspection = inspect(path, classify)
        with read_once(files):
            dataset = load(path, classify)
    assert (inspection.train.rows, len(dataset.examples), len(times)) == (300, 300, 1)


def bytes_read() -> int:
    """By this process so far, from whatever file."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.removeprefix("rchar: ")) for line in lines if line.startswith("rchar: "))


@pytest.mark.skipif(not Path("/proc/self/io").is_file(), reason="the system does not say what a process has read")
def test_the_bytes_at_the_beginning_are_not_read_again(tmp_path: Path) -> None:
    content = os.urandom(3 * 2**20)
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with read_once() as files:
        before = bytes_read()
        with open_file(path) as file:
            assert file.read(10) == content[:10]
        for _ in range(2):
            with open_file(path) as file:
                assert file.read() == content
        assert files.file(path).sha256 == hashlib.sha256(content).hexdigest()
        assert len(content) <= bytes_read() - before < len(content) + 2**17


@pytest.mark.parametrize("kept_bytes", [0, 1000, 2**20, 2**30])
def test_what_is_beyond_the_limit_is_read_again(
    kept_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_file, "KEPT_BYTES", kept_bytes)
    content = os.urandom(2**20)
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with read_once() as files:
        for _ in range(2):
            with open_file(path) as file:
                assert file.read(500_000) + file.read() == content
            with open_file(path) as file:
                assert (file.seek(-7, os.SEEK_END), file.read()) == (2**20 - 7, content[-7:])
                assert (file.seek(3), file.read(4)) == (3, content[3:7])
        assert files.file(path).sha256 == hashlib.sha256(content).hexdigest()


def test_a_file_that_has_changed_is_read_anew(write: Callable[[str, str], Path], classify: Task) -> None:
    path = write("a.csv", TABLE)
    with read_once():
        before = load(path, classify)
        path.write_text("text,label\none,a\ntwo,b\n")
        after = load(path, classify)
    assert (len(before.examples), len(after.examples)) == (300, 2)
    assert after.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.skipif(not Path("/proc/version").is_file(), reason="no file here is without a size")
def test_a_file_whose_size_is_not_stated_is_read_to_its_end() -> None:
    path = Path("/proc/version")
    with read_once() as files:
        with open_file(path) as file:
            assert file.read() == path.read_bytes()
        assert files.file(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_of_many_files_those_are_kept_that_were_opened_last(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.bin" for number in range(file_cache.MOST_FILES + 1)]
    for path in paths:
        path.write_bytes(b"some bytes")
    with opened(paths[0]) as first, opened(paths[1]) as second, read_once():
        for path in (*paths[:-1], paths[0], paths[-1], paths[0], paths[1]):
            with open_file(path) as file:
                assert file.read() == b"some bytes"
    assert (len(first), len(second)) == (1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("write_as", [as_csv, as_parquet])
def test_a_training_opens_its_data_once_in_front_and_once_in_its_worker(
    write_as: Callable[[Path], Path], several: Site, tmp_path: Path, store: Path
) -> None:
    path = write_as(tmp_path / "rows")
    log = watch_children(several.path, path)
    place = ("--device", "cpu", "--precision", "fp32")
    done = zoo("finetune", "several", "--data", str(path), "--name", "mine", *place)

    assert done.returncode == 0, done.stderr
    assert by_process(log) == [{str(path): 1}] * 2
    log.unlink()
    judged = zoo("evaluate", "mine", "--data", str(path), *place)
    assert judged.returncode == 0, judged.stderr
    assert by_process(log) == [{str(path): 1}] * 2
    log.unlink()
    answered = zoo("predict", "mine", "--file", str(path), "--out", str(tmp_path / "out.csv"), *place)
    assert answered.returncode == 0, answered.stderr
    assert by_process(log) == [{str(path): 1}] * 2
    log.unlink()
    inspected = zoo("data", "inspect", str(path), "--model", "several")
    assert inspected.returncode == 0, inspected.stderr
    assert by_process(log) == [{str(path): 1}]
