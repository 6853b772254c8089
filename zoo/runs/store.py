"""Runs on disk, one folder each.

Below `zoo.paths.runs_folder()`, a run named NAME is

run.json          the request (RunRequest), written once
media.bin         what was known of the files that the data name, such as images, when the request was made on them
worker.json       which process works on it, and on which host; its modification time is the heartbeat
placed.json       the place that it was handed over to, where that is not this machine, and what it is called there
events.jsonl      what happened, append-only
replays.json      of a replay, the record of the run that it replays
log.txt           whatever the worker and its libraries printed
stop              present while someone asks the run to stop
interrupt         present while its place is about to end it, and until it has begun it again
rank-N.A.error    why a process other than the first failed in attempt A; `lost` where another one was out of reach
quarantine.jsonl  rows that could not be used
mistakes.jsonl    rows that were answered wrongly, with their inputs
trained_on.bin    which inputs a fine-tuning learns from, as digests: evaluating on them is warned of
sources/NAME/     the three above, of a run that learns from several sources
data/             the data, where Python held them and no file did
shards/           of a run that joins the answers of others, what they have written
answers/          of a replay, the answers that the run wrote elsewhere
checkpoints/      what a resumed run goes on from
model/            the result; `model/zoo.json` is written last and makes it a model

The folder `going-on` in the store names those that may be going on, see `zoo.runs.going_on`.
Beside that folder stands `queue.json`, see `zoo.runs.queue`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from zoo import atomic
from zoo.card import Card, FolderSource
from zoo.disk import cause_of
from zoo.errors import OptionInvalid, StoreInvalid, UnknownRun
from zoo.file_cache import encoded_media
from zoo.paths import RUN_NAME, runs_folder
from zoo.places.place import INTERRUPT_FILE
from zoo.plurals import with_article
from zoo.runs.request import RunRequest
from zoo.runs.result import HEADS, OF_ITS_OWN, plugin_of_result
from zoo.suggestions import did_you_mean

MISTAKES_FILE = "mistakes.jsonl"
SOURCES = "sources"
"""Name of the folder, in that of a run, that has one for each of several sources."""
_DECODER = msgspec.json.Decoder(RunRequest)


@dataclass(frozen=True)
class RunFolder:
    """One run on disk."""

    path: Path
    source: str = ""
    """Whose rows the files `quarantine`, `mistakes` and `trained_on` are about, where a run learns from several."""

    def of_source(self, name: str) -> RunFolder:
        """The same, for one of its sources."""
        return replace(self, source=name)

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.path.name

    @property
    def request(self) -> RunRequest:
        """What the run was asked to do.

        Raises:
            StoreInvalid: `run.json` cannot be read.
        """
        try:
            return _DECODER.decode(self.request_path.read_bytes())
        except (OSError, UnicodeError, msgspec.DecodeError) as error:
            raise StoreInvalid(
                f"run {self.name}: {self.request_path} cannot be read ({error})", f"remove it: zoo rm {self.name}"
            ) from error

    @property
    def task(self) -> str:
        """Of the run, or of the source that it is about.

        Raises:
            StoreInvalid: `run.json` cannot be read.
        """
        request = self.request
        return next((source.task for source in request.sources if source.name == self.source), request.task)

    @property
    def request_path(self) -> Path:
        """The request, as JSON."""
        return self.path / "run.json"

    @property
    def media_path(self) -> Path:
        """What is known of the files that the data name; see `zoo.file_cache`."""
        return self.path / "media.bin"

    @property
    def worker_path(self) -> Path:
        """Who works on the run."""
        return self.path / "worker.json"

    @property
    def events_path(self) -> Path:
        """The event log."""
        return self.path / "events.jsonl"

    @property
    def log_path(self) -> Path:
        """What the worker printed."""
        return self.path / "log.txt"

    @property
    def stop_path(self) -> Path:
        """Present while someone asks the run to stop."""
        return self.path / "stop"

    @property
    def placed_path(self) -> Path:
        """Where it was handed over to."""
        return self.path / "placed.json"

    @property
    def interrupt_path(self) -> Path:
        """Present while its place is about to end it."""
        return self.path / INTERRUPT_FILE

    @property
    def quarantine_path(self) -> Path:
        """Rows that could not be used."""
        return self._of_rows / "quarantine.jsonl"

    @property
    def trained_on_path(self) -> Path:
        """Which inputs the model was fine-tuned on."""
        return self._of_rows / "trained_on.bin"

    @property
    def mistakes_path(self) -> Path:
        """Rows that were answered wrongly."""
        return self._of_rows / MISTAKES_FILE

    @property
    def _of_rows(self) -> Path:
        return self.path / SOURCES / self.source if self.source else self.path

    @property
    def checkpoints_folder(self) -> Path:
        """What a resumed run goes on from."""
        return self.path / "checkpoints"

    @property
    def students_folder(self) -> Path:
        """Smaller networks that it trains, with a folder for each: what a resumed run goes on from, too."""
        return self.path / "students"  # see `zoo.runs.kept_parts`

    @property
    def model_folder(self) -> Path:
        """The result."""
        return self.path / "model"


@contextmanager
def new_data_folder() -> Iterator[Path]:
    """A folder for the data of a run that does not exist yet; gone afterwards, unless `create` took it.

    Raises:
        StoreInvalid: it cannot be written.
    """
    parent = runs_folder()
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".data-", dir=parent))
    except OSError as error:
        raise store_invalid("the data cannot be stored", error, parent) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create(request: RunRequest, data_folder: Path | None = None) -> RunFolder:
    """Make the folder of a new run; an empty name becomes `<model>-<verb>-<n>`.

    What is known of media files goes along from the surrounding block of `zoo.file_cache.read_once`.

    Args:
        request: what the run does.
        data_folder: becomes the run's folder `data`; paths of the request that lead into it go along.

    Raises:
        OptionInvalid: the name is not one, or is taken.
        StoreInvalid: the folder cannot be written.
    """
    parent, path = runs_folder(), None
    try:
        parent.mkdir(parents=True, exist_ok=True)
        path = _claim(parent, request.name) if request.name else _claim_numbered(parent, request)
        stored = msgspec.structs.replace(request, name=path.name)
        if data_folder is not None:
            data_folder.rename(path / "data")
            stored = stored.moved(data_folder, path / "data")
        if media := encoded_media():
            atomic.write_bytes(RunFolder(path).media_path, media)
        write_request(RunFolder(path), stored)
    except OSError as error:
        if path is not None:
            shutil.rmtree(path, ignore_errors=True)  # a folder without a request would only keep its name taken
        raise store_invalid("the run cannot be stored", error, parent) from error
    return RunFolder(path)


def write_request(folder: RunFolder, request: RunRequest) -> None:
    """Write what a run was asked to do, when it is made or something it names is called otherwise from now on."""
    atomic.write_bytes(folder.request_path, msgspec.json.format(msgspec.json.encode(request)))


def find(name: str) -> RunFolder:
    """The run of that name, or the only one whose name starts so.

    Raises:
        UnknownRun: naming the nearest.
    """
    if not isinstance(name, str):
        raise UnknownRun(
            f"a run is named by text, not by {with_article(type(name).__name__)}", "zoo.list_runs() has them all"
        )
    folder = runs_folder() / name
    if RUN_NAME.fullmatch(name) and (folder / "run.json").exists():
        return RunFolder(folder)
    names = all_names()
    matches = [other for other in names if name and other.startswith(name)]
    if len(matches) == 1:
        return RunFolder(runs_folder() / matches[0])
    if matches:
        raise UnknownRun(f"{name!r} is the start of several runs: {', '.join(matches[:8])}", "give more of the name")
    hint = did_you_mean(name, names, "zoo runs lists them", limit=3, cutoff=0.5)
    raise UnknownRun(f"there is no run {name!r}", hint)


def maker_of(model: str) -> RunFolder:
    """The run that makes a model of that name, with the source whose head it is, where there are several."""
    folder = RunFolder(runs_folder() / model)
    name, _, head = model.rpartition(".")
    if name and not folder.path.exists() and (RunFolder(runs_folder() / name).model_folder / HEADS / head).is_dir():
        return RunFolder(runs_folder() / name, head)
    return folder


def name_of_result(folder: RunFolder) -> str:
    """The whole name of the model that a run makes: of the plugin that answers with it, and its own.

    Raises:
        StoreInvalid: neither the result nor the request can be read.
    """
    return f"{plugin_of_result(folder.model_folder) or folder.request.plugin}/{folder.name}"


def training_of(card: Card) -> RunRequest | None:
    """What the run that made a model was asked to do; None for a model that comes with a plugin.

    Raises:
        StoreInvalid: the run cannot be read.
    """
    folder = maker_of(card.name)
    place = folder.model_folder / HEADS / folder.source if folder.source else folder.model_folder
    if card.weights is None or FolderSource(path=str(place)) not in card.weights.sources:
        return None
    request = folder.request
    learnt = {source.name: source for source in (*request.sources, *request.kept)}
    source = learnt.get(folder.source) or learnt.get(folder.source.removesuffix(OF_ITS_OWN))
    return request if source is None else request.of_source(source)


def all_runs() -> tuple[RunFolder, ...]:
    """Every run, newest first; folders without a request are none."""
    parent = runs_folder()
    return tuple(RunFolder(parent / name) for name in all_names())


def all_names() -> list[str]:
    """The names of all runs, newest first: little is to be done for each, as there may be a million."""
    try:
        return newest_first(os.listdir(runs_folder()))  # noqa: PTH208  (names alone)
    except FileNotFoundError:
        return []


def newest_first(names: Iterable[str]) -> list[str]:
    """Those of some names that are of runs, by the times of their requests."""
    parent, found = os.fspath(runs_folder()), []
    for name in names:
        try:
            found.append((os.stat(f"{parent}/{name}/run.json").st_mtime_ns, name))  # noqa: PTH116  (a million of them)
        except OSError:
            continue  # no request: not a run
    return [name for _, name in sorted(found, reverse=True)]


def size_bytes(path: str | Path) -> int:
    """Bytes of all files below a folder, of one with several names once; what goes meanwhile is not counted."""
    total, linked = 0, set()
    for parent, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                status = os.lstat(os.path.join(parent, name))  # noqa: PTH118  (a thousand checkpoints)
                identity = (status.st_dev, status.st_ino)
                total += 0 if identity in linked else status.st_size
                if status.st_nlink > 1:
                    linked.add(identity)
    return total


def rename(folder: RunFolder, name: str) -> RunFolder:
    """Call a run, and the model that came of it, by another name.

    Raises:
        OptionInvalid: the name is not one, or is taken.
        StoreInvalid: the folder cannot be moved.
    """
    target = runs_folder() / _checked_name(name)
    request = folder.request
    if target.exists():
        raise _name_in_use(name)
    try:
        folder.path.rename(target)
        moved = request.moved(folder.path, target)
        write_request(RunFolder(target), msgspec.structs.replace(moved, name=name))
    except OSError as error:
        raise store_invalid(f"run {folder.name} cannot be renamed", error, folder.path) from error
    return RunFolder(target)


def delete(folder: RunFolder) -> None:
    """Remove a run's folder and all in it.

    Raises:
        StoreInvalid: it is not a folder of the store, or cannot be removed.
    """
    if folder.path.is_symlink() or folder.path.resolve().parent != runs_folder().resolve():
        raise StoreInvalid(f"{folder.path} is not a run of this store", "remove it by hand if you mean it")
    try:
        shutil.rmtree(folder.path)
    except OSError as error:
        raise store_invalid(f"run {folder.name} cannot be removed", error, folder.path) from error


def check_new_name(name: str) -> None:
    """Insist on a name that a new run can have.

    Raises:
        OptionInvalid: it is not a name, or is taken.
    """
    if (runs_folder() / _checked_name(name)).exists():
        raise _name_in_use(name)


def store_invalid(what: str, error: OSError, path: Path) -> StoreInvalid:
    """The error to raise where a file of the store cannot be written.

    Args:
        what: what cannot be done.
        error: the system's.
        path: the folder that was to be changed; a reader knows it, which holds for few of the files in it.
    """
    cause = cause_of(error, path)
    return StoreInvalid(f"{what}: {cause.reason}", cause.hint)


def _name_in_use(name: str) -> OptionInvalid:
    return OptionInvalid(f"there is a run {name!r} already", f"choose another name, or zoo rm {name}")


def _checked_name(name: str) -> str:
    if not RUN_NAME.fullmatch(name):
        raise OptionInvalid(
            f"{name!r} cannot be the name of a run", "use letters, digits, dots, dashes; begin with a letter or digit"
        )
    return name


def _claim(parent: Path, name: str) -> Path:
    _checked_name(name)
    try:
        (parent / name).mkdir()
    except FileExistsError:
        raise _name_in_use(name) from None
    return parent / name


def _claim_numbered(parent: Path, request: RunRequest) -> Path:
    while True:
        path = parent / unused_name(request)
        with contextlib.suppress(FileExistsError):
            path.mkdir()
            return path


def unused_name(request: RunRequest) -> str:
    """A name for a run that was given none: that of no run yet."""
    several = request.verb == "pick"  # which of them it is about is to be seen
    stem, parent = f"{'' if several else request.model.rpartition('/')[2][:80] + '-'}{request.verb}", runs_folder()
    number = sum(1 for path in parent.glob(f"{stem}-*")) + 1
    while (parent / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"
