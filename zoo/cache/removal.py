"""Deleting weights, in two steps: a plan of what would go, and the deletion. Blobs that others link to stay."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from zoo.cache.contents import CachedFile
from zoo.disk import cause_of
from zoo.errors import StoreInvalid, Unsupported
from zoo.fetch.part import note_of
from zoo.fetch.places import hub_cache, torch_checkpoints, url_cache, wheel_cache
from zoo.locking import try_lock


class PlannedRemoval(msgspec.Struct, frozen=True):
    """One file, and what goes with it."""

    file: CachedFile
    paths: tuple[str, ...]
    size_bytes: int
    """What is free afterwards; nothing where only a link goes."""


def plan(files: Iterable[CachedFile]) -> tuple[PlannedRemoval, ...]:
    """What deleting files would delete, and free."""
    files = list(files)
    links = {Path(file.path) for file in files if Path(file.path).is_symlink()}
    planned_blobs: set[Path] = set()
    removals = []
    for file in files:
        path = Path(file.path)
        blob = _blob_of(path)
        paths = [path]
        if blob is not None and blob not in planned_blobs and _links_to(blob) <= links:
            paths.append(blob)
            planned_blobs.add(blob)
        freed = sum(each.stat().st_size for each in paths if each.is_file() and not each.is_symlink())
        freed += file.size_bytes if path.is_dir() else 0
        removals.append(
            PlannedRemoval(file, tuple(map(str, [*paths, note_of(path)] if file.partial else paths)), freed)
        )
    return tuple(removals)


def remove(removals: Iterable[PlannedRemoval]) -> int:
    """Delete what was planned.

    Returns:
        Bytes freed.

    Raises:
        Unsupported: one of the files is being fetched right now.
        StoreInvalid: one cannot be deleted.
    """
    return sum(map(_remove, removals))


def _remove(removal: PlannedRemoval) -> int:
    lock = Path(removal.file.lock)
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with lock.open("ab") as lock_file:
            if not try_lock(lock_file):
                raise Unsupported(f"{removal.file.name} is being fetched right now", "wait for its end, or stop it")
            for path in removal.paths:
                _delete(Path(path))
            with contextlib.suppress(OSError):  # Windows keeps open files
                lock.unlink()
    except OSError as error:
        cause = cause_of(error, Path(removal.file.path))
        raise StoreInvalid(f"{removal.file.name} cannot be deleted: {cause.reason}", cause.hint) from error
    for path in (*removal.paths, removal.file.lock):
        _tidy(Path(path).parent)
    return removal.size_bytes


def _delete(path: Path) -> None:
    """Delete a file, or the folder of a wheel that was not brought to its end."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _blob_of(path: Path) -> Path | None:
    """The bytes behind a link of a snapshot, if they stand among the blobs of the same repository."""
    if not path.is_symlink():
        return None
    blob, repository = path.resolve(), _repository_of(path.parent)
    return blob if repository is not None and blob.parent == (repository / "blobs").resolve() else None


def _links_to(blob: Path) -> set[Path]:
    snapshots = blob.parent.parent / "snapshots"
    return {path for path in snapshots.rglob("*") if path.is_symlink() and path.resolve() == blob}


def _repository_of(folder: Path) -> Path | None:
    """The folder of the Hub's repository that a path stands in."""
    return next((one for one in (folder, *folder.parents) if one.parent == hub_cache()), None)


def _tidy(folder: Path) -> None:
    """Remove folders that are empty now, and what the Hub's layout says of a commit that is gone."""
    repository = _repository_of(folder)
    if repository is None:
        for root in (url_cache(), wheel_cache(), torch_checkpoints().parent):
            _remove_empty(folder, root)
        return
    snapshots = repository / "snapshots"
    _remove_empty(folder, snapshots if folder.is_relative_to(snapshots) else repository)
    if folder.is_relative_to(repository / ".zoo"):  # made when the download began
        _remove_empty(snapshots / folder.relative_to(repository / ".zoo").parts[0], snapshots)
    for ref in [path for path in (repository / "refs").rglob("*") if path.is_file()]:
        if not (snapshots / ref.read_text(errors="replace").strip()).exists():
            ref.unlink()
            _remove_empty(ref.parent, repository)
    # Without snapshots a repository is damaged in the eyes of the Hub's own client; they go together, or not at all.
    if repository.exists() and list(repository.iterdir()) == [snapshots]:
        _remove_empty(snapshots, hub_cache())


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove a folder and those above it, below a root, as long as they are empty."""
    while root in folder.parents:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            return
        folder = folder.parent
