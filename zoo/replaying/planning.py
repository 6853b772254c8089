"""From a finished run, or a bundle of one, to the request that does the same again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from zoo.card import Card
from zoo.catalog import Catalog
from zoo.devices import choose
from zoo.errors import UnknownModel, Unsupported
from zoo.paths import runs_folder
from zoo.plugins import wrapping_plugins
from zoo.replaying.data import Part, parts_of_data, places_now
from zoo.replaying.differences import Difference, differences, versions_here
from zoo.replaying.record import RunRecord, record_of
from zoo.replaying.unpacking import read_bundle
from zoo.requests import check_name
from zoo.runs import store
from zoo.runs.private_rows import are_private, learnt_privately
from zoo.runs.request import DataRequest, RunRequest, StudentRequest
from zoo.runs.store import RunFolder


class Plan(NamedTuple):
    """A run that is to be done again."""

    request: RunRequest
    record: RunRecord
    differences: tuple[Difference, ...]
    data_folder: Path | None
    """Files that the new run takes into its own folder; of whoever holds the plan until then."""

    def on_data_as_they_are(self) -> RunRequest:
        """The request, with the digests of the data as they are now."""
        card = card_of_parent(self.request, Catalog.load())

        def change(data: DataRequest) -> DataRequest:
            return _with_digests_of(data, now)

        now = {(part.path, part.evaluates): part.digest_now(card) for part in parts_of_data(self.request)}
        return self.request.with_data(change)


@contextmanager
def plan_of_run(folder: RunFolder, *, name: str = "", data: Path | None = None, device: str = "") -> Iterator[Plan]:
    """How a finished run of this store is done again.

    Args:
        folder: of the run.
        name: of the replay.
        data: folder that has its data now, or a file of them; None where they are where they were.
        device: to compute on; empty for that of the run.

    Raises:
        Unsupported: it has not finished, or others took part in it.
        UnknownModel: the model that it began from is gone.
    """
    record, request, own = record_of(folder), folder.request, folder.path / "data"
    if not own.is_dir():
        yield _plan(request, record, name, data, device, None)
        return
    with store.new_data_folder() as copy:
        shutil.copytree(own, copy, dirs_exist_ok=True)
        yield _plan(request.moved(own, copy), record, name, data, device, copy)


@contextmanager
def plan_of_bundle(path: Path, *, name: str = "", data: Path | None = None, device: str = "") -> Iterator[Plan]:
    """The same of a bundle, whose data the replay takes into its own folder.

    Args:
        path: of the bundle.
        name: of the replay.
        data: folder that has the data, or a file of them, where the bundle was written without them, or for others.
        device: to compute on; empty for that of the run.

    Raises:
        OptionInvalid: it is no bundle, or none that is safe to unpack.
        UnknownModel: the model that the run began from is not here.
    """
    with store.new_data_folder() as folder:
        request, record, with_data = read_bundle(path, folder)
        yield _plan(request, record, name, data, device, folder if with_data else None)


def _plan(
    request: RunRequest, record: RunRecord, name: str, data: Path | None, device: str, data_folder: Path | None
) -> Plan:
    federation = request.federation
    if federation is not None and (federation.serving or federation.joining):
        raise Unsupported(
            f"{record.name} learnt with sites elsewhere, whose data and part in it nobody can replay alone",
            "start the federation anew: zoo federate serve",
        )
    catalog = Catalog.load()
    check_name(name, catalog.cards)
    names = {}
    if data is not None:
        there = places_now(request, data)
        names = {now: Path(then).name for then, now in there.items()}
        request = request.with_data(lambda one: _moved(one, there))
    card = card_of_parent(request, catalog)
    placement = choose(device or request.device, request.precision, supported=(request.precision,))
    replay = msgspec.structs.replace(
        request,
        name=name or _unused_name(record.name),
        replays=record.name,
        place="",  # what it needs is found out here, and another machine may have no such place
        requeue=False,
        nodes=1,
        processes=request.world_size,
        joins=(),  # the answers of shards are those of one run
        joined_by="",
        device=placement.device,
        device_reason=f"as {record.name}" if placement.device == request.device else placement.reason,
        wrappers=_wrappers(request),
        created_at=time.time(),
        versions=versions_here(request),
        weights_digest=card.weights.digest if card.weights else "",
        private_before=are_private(request) or learnt_privately(card),
        students=tuple(_placed(student, placement.device) for student in request.students),
    )
    parts: tuple[Part, ...] = tuple(parts_of_data(replay))
    return Plan(replay, record, differences(replay, record, card, parts, catalog, names), data_folder)


def _placed(student: StudentRequest, device: str) -> StudentRequest:
    """A network that is trained in the run, where the run computes."""
    training = student.training
    return msgspec.structs.replace(
        student, training=msgspec.structs.replace(training, device=device, wrappers=_wrappers(training))
    )


def _wrappers(request: RunRequest) -> tuple[str, ...]:
    """Those of the run, as far as they are installed."""
    here = tuple(one for one in wrapping_plugins() if one != request.plugin)
    return here if request.wrappers is None else tuple(one for one in here if one in request.wrappers)


def _unused_name(name: str) -> str:
    """A name for a replay that was given none."""
    stem, number = f"{name[:80]}-replay", 2
    unused = stem
    while (runs_folder() / unused).exists():
        unused, number = f"{stem}-{number}", number + 1
    return unused


def card_of_parent(request: RunRequest, catalog: Catalog) -> Card:
    """Of the model that a run begins from, by its whole name."""
    card = next((card for card in catalog.cards if card.full_name == request.model), None)
    if card is None:
        name = request.model.rpartition("/")[2]
        raise UnknownModel(
            f"the run began from {request.model}, which is not here",
            f"a result of another run is made by its own bundle: zoo replay {name}.zip --name {name}; "
            f"a model of a plugin by that plugin, {request.plugin}",
        )
    return card


def _moved(data: DataRequest, there: dict[str, str]) -> DataRequest:
    """The same data where their files are now, by where they were."""
    paths = {name: getattr(data, name) for name in ("path", "eval_path", "classes")}
    return msgspec.structs.replace(data, **{name: there.get(path, path) for name, path in paths.items()})


def _with_digests_of(data: DataRequest, now: dict[tuple[str, bool], str]) -> DataRequest:
    return msgspec.structs.replace(
        data,
        sha256=now.get((data.path, False), data.sha256),
        eval_sha256=now.get((data.eval_path, True), data.eval_sha256),
    )
