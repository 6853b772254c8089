"""A finished run as one file that can be replayed on another machine.

| in the archive | what it is |
|---|---|
| `bundle.json` | the version of the format, and size and sha256 of every other file |
| `run.json` | what the run was asked to do; its data are named as they stand in the archive |
| `record.json` | what it was made with and what came of it: versions, processor, figures, digests of the result |
| `recipe.toml` | of a training, the same to be read and changed |
| `README.md` | how it is replayed |
| `data/N/...` | the data, a folder for each place that they came from |

Nothing else is in it: no log, no weights, no token, nothing of the environment, and no path of the machine.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from zoo import __version__
from zoo.card import Card
from zoo.errors import Unsupported
from zoo.paths import runs_folder
from zoo.recipe_writing import recipe_of
from zoo.replaying.data import parts_of_data
from zoo.replaying.packing import Places, common_folder, files_of, paths_in_options
from zoo.replaying.paths_in_text import without_paths
from zoo.replaying.record import RunRecord, record_of
from zoo.runs.private_rows import are_private
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.store import RunFolder, store_invalid

FORMAT = "zoo-bundle"
IN_BUNDLE = "bundle:"
"""Begins what stands in `run.json` in the place of a path, before the name of a file in the archive."""
MANIFEST, REQUEST, RECORDED, RECIPE, README = "bundle.json", "run.json", "record.json", "recipe.toml", "README.md"
_TIME = (1980, 1, 1, 0, 0, 0)
"""Of every file: the same run gives the same archive."""


class BundledFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of an archive."""

    name: str
    size_bytes: int
    sha256: str


class BundleManifest(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `bundle.json`."""

    format: str
    zoo: str
    """Version that wrote it."""
    files: tuple[BundledFile, ...]
    with_data: bool
    v: int = 1


class Bundled(NamedTuple):
    """What became of a run that was packed."""

    path: Path
    size_bytes: int
    data_files: int
    without_data: str
    """Why there are none; empty where there are."""


def write_bundle(folder: RunFolder, path: Path, card: Card, *, with_data: bool = True) -> Bundled:
    """Pack a finished run.

    Args:
        folder: of the run.
        path: of the new file.
        card: of the model that it began from.
        with_data: whether its data come along; those of a private run, or of one about its model, never do.

    Raises:
        Unsupported: it has not finished, or others took part in it, or clients whose names are nobody's business.
        DatasetInvalid: its data have changed, or lie where they cannot be taken along from.
        StoreInvalid: the file cannot be written.
    """
    record, request = record_of(folder), folder.request
    federation = request.federation
    if federation is not None and (federation.serving or federation.joining):
        raise Unsupported(
            f"{folder.name} learnt with sites elsewhere, whose data nobody else can replay",
            f"zoo export {folder.name} DIR writes what it has learnt",
        )
    private = are_private(request)
    if private and federation is not None:
        raise Unsupported(
            f"{folder.name} protects its clients, whom a bundle would name",
            f"what it has learnt is written by: zoo export {folder.name} DIR",
        )
    about = "the run is private" if request.is_private else "the run is about a private one, or may be"
    why = about if private else "" if with_data else "as asked"
    places, sources = Places(), dict[str, Path]()
    parts = tuple(parts_of_data(request))
    if not why:
        sources |= files_of(parts, card, places)
    paths = [*(one for part in parts for one in (part.path, part.data.classes)), request.data.path]
    for text in filter(None, paths):
        if text not in places.names:
            places.add(text, None if private else common_folder(text, paths))
    for text in paths_in_options(request):
        places.add(text)
        if not why:
            sources[places.names[text]] = Path(text)
    texts = _texts(request, record, places, private=private)
    try:
        _write(path, texts, sources, with_data=not why)
        return Bundled(path, path.stat().st_size, len(sources), why)
    except OSError as error:
        raise store_invalid(f"{path} cannot be written", error, path.parent) from error


def _texts(request: RunRequest, record: RunRecord, places: Places, *, private: bool) -> dict[str, str]:
    """The files that are written for the archive."""
    names = places.names

    def as_bundled(data: DataRequest) -> DataRequest:
        texts = {key: getattr(data, key) for key in ("path", "eval_path", "classes")}
        return msgspec.structs.replace(data, **{key: f"/{names[text]}" for key, text in texts.items() if text})

    def text_as_bundled(text: str) -> str:
        return IN_BUNDLE + names[text] if text in names else cleaned(text)

    def cleaned(text: str) -> str:
        return without_paths(text, known)

    known = [str(Path(text).parent) for text in names] + [*map(str, places.folders)]
    known += [str(runs_folder()), str(Path.home()), str(Path.cwd())]
    kept = tuple(msgspec.structs.replace(one, data=DataRequest(path=Path(one.data.path).name)) for one in request.kept)
    own = msgspec.structs.replace(request, out=Path(request.out).name, draw=Path(request.draw).name, kept=kept)
    own = msgspec.structs.replace(own.without_digests if private else own, private_before=private)
    if private:
        record = msgspec.structs.replace(record, answers="")  # with which the columns may stand that come along
    texts = {
        REQUEST: _encoded(_replaced(msgspec.to_builtins(own), text_as_bundled)),
        RECORDED: _encoded(_replaced(msgspec.to_builtins(record), cleaned)),
        README: _readme(record.name),
    }
    if request.verb in ("pretrain", "finetune"):
        recipe = recipe_of(own.with_data(as_bundled), Path("/"))
        for text, name in names.items():  # of an option
            recipe = recipe.replace(text, name)
        texts[RECIPE] = cleaned(recipe)
    return texts


def _replaced(value: Any, change: Callable[[str], str]) -> Any:
    """A value of JSON with another text for each of its texts, keys apart."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _replaced(one, change) for key, one in value.items()}
    return [_replaced(one, change) for one in value] if isinstance(value, list | tuple) else value


def _encoded(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def _readme(name: str) -> str:
    return (
        f"# {name}\n\nA run of zoo, packed by `zoo export {name} --bundle`. To do it again, and to see whether the "
        "same bits come out:\n\n```\npip install zoo-models\nzoo replay THIS.zip\n```\n\n`record.json` has what it was "
        "made with and what came of it.\n"
    )


def _write(path: Path, texts: Mapping[str, str], sources: Mapping[str, Path], *, with_data: bool) -> None:
    """Write the archive whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        with zipfile.ZipFile(temporary, "x", zipfile.ZIP_DEFLATED) as archive:
            files = [_add(archive, name, text.encode()) for name, text in texts.items()]
            files += [_add_file(archive, name, source) for name, source in sources.items()]
            manifest = BundleManifest(format=FORMAT, zoo=__version__, files=tuple(files), with_data=with_data)
            _add(archive, MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> BundledFile:
    archive.writestr(_entry(name), content, zipfile.ZIP_DEFLATED)
    return BundledFile(name=name, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _add_file(archive: zipfile.ZipFile, name: str, source: Path) -> BundledFile:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as file, archive.open(_entry(name), "w", force_zip64=True) as target:
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
            target.write(block)
    return BundledFile(name=name, size_bytes=size, sha256=digest.hexdigest())


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
