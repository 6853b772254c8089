"""The data that a run works on: which files they are, where they are now, and whether they are what they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from zoo.card import Card
from zoo.data import Dataset, digest, load
from zoo.errors import OptionInvalid, ZooError
from zoo.runs.request import DataRequest, RunRequest, TeacherRequest
from zoo.tasks import get_task
from zoo.tasks.task import Task

LEVELS = 3
"""Folders above data in which there may be files that belong to them: a layout has no more between the two."""
UNREADABLE = "unreadable"
"""Begins what stands in the place of a digest of data that cannot be read."""


class Part(NamedTuple):
    """A file or folder of a run."""

    what: str
    """In words, such as `data` or `evaluation data of mood`."""
    path: str
    sha256: str
    """When the run was asked for; empty where nobody said it."""
    task: str
    data: DataRequest
    teacher: TeacherRequest | None
    verb: str
    evaluates: bool
    """Whether rows are held out in it, rather than learnt from."""

    def read(self, card: Card) -> Dataset:
        """Its rows, as the run reads them.

        Args:
            card: of the model that the run begins from.

        Raises:
            ZooError: they cannot be read so.
        """
        taught = self.teacher if not self.evaluates else None
        return load(
            self.path,
            self._task(taught),
            columns=self.data.columns,
            min_classes=1,
            merge=self.data.merge_labels and not self.evaluates,
            trained=card.columns,
            keep_untargeted=taught is not None and taught.untargeted_rows > 0,
        )

    def _task(self, taught: TeacherRequest | None) -> Task:
        task = get_task(self.task).divided_at(self.data.separator).named_by(self.data.classes)
        untold = self.verb == "predict" or (taught is not None and not taught.labelled)
        return msgspec.structs.replace(task, target=None) if untold else task

    def digest_now(self, card: Card) -> str:
        """Its digest as it is now; empty where it is gone.

        Args:
            card: of the model that the run begins from.
        """
        if not Path(self.path).exists():
            return ""
        try:
            plain = digest(self.path)
            if plain == self.sha256 or self.verb == "predict":
                return plain
            return self.read(card).sha256
        except ZooError as error:  # as it is now, nothing can be learnt from it
            return f"{UNREADABLE}: {error.message}"


def parts_of_data(request: RunRequest) -> Iterator[Part]:
    """All files and folders of data that a run reads."""
    clients = request.federation.clients if request.federation else ()
    if request.sources:
        for source in request.sources:
            yield from _parts(f" of {source.name}", source.task, source.data, source.teacher, source.verb)
    elif clients:
        seen: set[str] = set()
        for client in clients:
            if client.data.path not in seen:  # clients that a column tells apart share a file
                yield from _parts(f" of {client.name}", request.task, client.data, None, request.verb)
            seen.add(client.data.path)
    else:
        yield from _parts("", request.task, request.data, request.teacher, request.verb)
    for student in request.students:
        if student.training.data.path != request.data.path:
            yield from parts_of_data(student.training)


def _parts(of: str, task: str, data: DataRequest, teacher: TeacherRequest | None, verb: str) -> Iterator[Part]:
    if data.path:
        yield Part(f"data{of}", data.path, data.sha256, task, data, teacher, verb, evaluates=False)
    if data.eval_path:
        path, sha256 = data.eval_path, data.eval_sha256
        yield Part(f"evaluation data{of}", path, sha256, task, data, teacher, verb, evaluates=True)


def places_now(request: RunRequest, place: Path) -> dict[str, str]:
    """Where the files of a run are now, by where they were; those that are not found are left out.

    Args:
        request: of the run.
        place: a folder that has them by their names, or by those of folders above them, too; or one of them; the only
            one, whatever it is called now.

    Raises:
        OptionInvalid: there is no such place, or nothing of what the run reads in it.
    """
    if not place.exists():
        raise OptionInvalid(f"there is no {place} to look for data in", "name the folder that has them")
    rows = {path for data in request.all_data for path in (data.path, data.eval_path) if path}
    paths = rows | {data.classes for data in request.all_data if data.classes}
    found: dict[str, str] = {}
    for depth in range(1, LEVELS + 2):  # of two that may be meant, the one with more names in common
        found |= _found_in(place, paths, depth)
    if not found and place.is_file() and len(rows) == 1:
        return {rows.pop(): str(place)}
    if not found:
        names = ", ".join(sorted(_names(paths))) or "no file"
        raise OptionInvalid(
            f"{place} {'has' if place.is_dir() else 'is'} none of the data that {request.name} reads",
            f"they are {names}: name a folder that has them so" + (", or the file itself" if len(rows) == 1 else ""),
        )
    return found


def _found_in(place: Path, paths: Collection[str], depth: int) -> dict[str, str]:
    """Which of some files a place has by so many of their last names, none of them standing for two."""
    by_name = {path: place.joinpath(*Path(path).parts[1:][-depth:]) for path in paths}
    if depth == 1:
        by_name = {path: place if place.name == Path(path).name else now for path, now in by_name.items()}
    times = Counter(by_name.values())
    return {path: str(now) for path, now in by_name.items() if times[now] == 1 and now.exists()}


def _names(paths: Collection[str]) -> set[str]:
    """Files by as many of their last names as tell them apart."""
    tails = ({"/".join(Path(path).parts[-depth:]) for path in paths} for depth in range(1, LEVELS + 2))
    return next((names for names in tails if len(names) == len(paths)), set(paths))
