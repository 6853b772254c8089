"""Compressed tables are read like any other; what cannot be read says what it is."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.data import count_rows, inspect, load, stream
from zoo.errors import DatasetInvalid
from zoo.tasks.task import Task

Write = Callable[[str, str | bytes], Path]
CONTENTS = {
    "a.csv": "text,label\ngood film,pos\nbad film,neg\n",
    "a.tsv": "text\tlabel\ngood film\tpos\nbad film\tneg\n",
    "a.jsonl": '{"text": "good film", "label": "pos"}\n{"text": "bad film", "label": "neg"}\n',
    "a.json": '[{"text": "good film", "label": "pos"}, {"text": "bad film", "label": "neg"}]',
    "a.txt": "good film\nbad film\n",
}
COMPRESS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def zipped(path: Path, **members: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def refused(path: Path, task: Task) -> DatasetInvalid:
    with pytest.raises(DatasetInvalid) as caught:
        load(path, task)
    return caught.value


@pytest.mark.parametrize("suffix", [*COMPRESS, ".zip", ".GZ"])
@pytest.mark.parametrize("name", CONTENTS)
def test_compressed_tables_are_read(
    name: str, suffix: str, tmp_path: Path, write: Write, classify: Task, fill_mask: Task
) -> None:
    task = fill_mask if name == "a.txt" else classify
    plain = write(name, CONTENTS[name])
    if suffix == ".zip":
        path = zipped(tmp_path / "rows.zip", **{f"data/{name}": CONTENTS[name], f"__MACOSX/data/._{name}": b"\0\5"})
    else:
        path = write(f"{name}{suffix}", COMPRESS[suffix.lower()](CONTENTS[name].encode()))
    assert load(path, task).examples == load(plain, task).examples
    assert list(stream(path, task)) == list(stream(plain, task))
    assert count_rows(path) == 2
    assert inspect(path, task).train.rows == 2


def test_contents_count_more_than_the_name(tmp_path: Path, write: Write, classify: Task) -> None:
    packed = write("a.csv", gzip.compress(CONTENTS["a.csv"].encode()))
    archive = zipped(tmp_path / "b.csv", **{"inner.csv": CONTENTS["a.csv"]})
    plain = write("c.csv.gz", CONTENTS["a.csv"])
    assert [len(load(path, classify).examples) for path in (packed, archive, plain)] == [2, 2, 2]
    nothing = write("a.gz", gzip.compress(CONTENTS["a.csv"].encode()))
    assert "is compressed, and what is in it has no extension" in refused(nothing, classify).message


def test_a_large_compressed_table_is_read_in_constant_memory(write: Write, classify: Task) -> None:
    rows = 10_000
    path = write("a.csv.gz", gzip.compress(b"text,label\n" + b"a rather good film,pos\n".rjust(500, b"-") * rows, 1))
    tracemalloc.start()
    assert sum(1 for _ in stream(path, classify)) == rows
    assert tracemalloc.get_traced_memory()[1] < 2 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("suffix", COMPRESS)
def test_what_is_cut_short_is_refused(suffix: str, write: Write, classify: Task) -> None:
    whole = COMPRESS[suffix](b"text,label\n" + b"".join(b"%d,pos\n" % (i * i) for i in range(20_000)))
    path = write(f"a.csv{suffix}", whole[: len(whole) // 2])
    assert refused(path, classify).message.startswith(f"{path} is compressed, and damaged or cut short: ")
    path.write_bytes(whole[:100] + bytes(100) + whole[200:])
    assert "damaged or cut short" in refused(path, classify).message


def test_archives_of_more_than_a_table_name_what_is_in_them(tmp_path: Path, classify: Task) -> None:
    several = zipped(tmp_path / "a.zip", **{"train.csv": "text", "test.csv": "text", "note/": b""})
    assert refused(several, classify).message == f"{several} is an archive of 2 files: train.csv, test.csv"
    assert refused(several, classify).hint == "unpack it, and name the table or the folder in it"
    assert refused(zipped(tmp_path / "b.zip"), classify).message.endswith("is an archive of 0 files: none")
    pictures = zipped(tmp_path / "c.zip", **{f"cat/{n}.jpg": b"" for n in range(1_000)})
    assert "an archive of 1,000 files: cat/0.jpg, cat/1.jpg" in refused(pictures, classify).message
    inner = zipped(tmp_path / "d.zip", **{"a.csv.gz": gzip.compress(b"text,label\n")})
    assert refused(inner, classify).message == f"{inner} is an archive"


def test_a_password_is_named(tmp_path: Path, classify: Task) -> None:
    """No package here writes such an archive: the bit that says so is set (APPNOTE 4.4.4)."""
    path = zipped(tmp_path / "a.zip", **{"a.csv": CONTENTS["a.csv"]})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "is an archive that cannot be read here: File 'a.csv' is encrypted" in refused(path, classify).message
